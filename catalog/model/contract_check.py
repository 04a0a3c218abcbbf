"""Contracts judged before they run (契约检查): everything that is wrong with some files, or with all there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract_files import RESERVED
from catalog.model.contract_problem import InvalidContractError, Problem
from catalog.model.errors import ContractError
from catalog.model.registry import Registry, read_contract


@dataclass(frozen=True)
class Judged:
    """One file, and what is wrong with it."""

    path: Path
    problems: tuple[Problem, ...]


def check_files(registry: Registry, paths: Iterable[Path]) -> list[Judged]:
    """Return what is wrong with some files, as if each lay in a folder beside those of ``registry``."""
    return [_judged(path, registry) for path in paths]


def contract_paths(folders: Sequence[Path]) -> list[Path]:
    """Return every file below the folders that is, or was meant to be, a contract."""
    found = (path for folder in folders for path in sorted(folder.glob("*/*.y*ml")))
    return [
        path
        for path in found
        if path.parent.name not in RESERVED and path.suffix in (".yml", ".yaml") and not _is_apart(path)
    ]


def _is_apart(path: Path) -> bool:
    """Return whether a name is hidden, or no file's: a folder or a pipe."""
    return path.name.startswith(".") or (path.exists() and not path.is_file())


def _judged(path: Path, registry: Registry) -> Judged:
    found: list[Problem] = []
    if path.suffix != ".yml":
        remedy = f"call it {path.stem}.yml"
        found.append(Problem("the name of the file does not end in .yml, so it is not read", remedy=remedy))
    try:
        read_contract(path)
    except InvalidContractError as error:
        found += error.problems
    beside = registry if path.parent.parent in registry.folders else Registry(*registry.folders, path.parent.parent)
    try:
        beside.get(f"{path.parent.name}.{path.stem}")
    except InvalidContractError as error:
        found += [each for each in error.problems if error.path == path and each not in found]
    except ContractError:
        pass
    return Judged(path, tuple(sorted(found, key=lambda problem: (problem.line, problem.column))))
