"""Which file is which resource's contract (契约文件): found by its path, ``<folder>/<domain>/<resource>.yml``.

Invariant: one resource has one file. What lies in two folders is nobody's until a person has taken one away.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract_problem import InvalidContractError, Problem
from catalog.model.errors import ContractError

RESERVED = frozenset({"codes", "elements", "linkage", "rules"})
"""Folders of a site's own folder that hold something else than contracts."""
QUIET_SECONDS = 1.0
"""A file that was written to this short a time ago may be half written: a service that runs waits for the next look."""
_ID = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_TRIES = 20

Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, bytes, and number of a file: another one when its content may be another."""
UNREADABLE: Stamp = (0, 0, 0)
"""Stamp of a name behind which no file can be found, such as a link in a circle."""


@dataclass(frozen=True)
class ContractFile:
    """One file that should be a contract."""

    path: Path
    stamp: Stamp

    @property
    def resource(self) -> str:
        """The id that its path gives it."""
        return f"{self.path.parent.name}.{self.path.stem}"

    def is_quiet(self) -> bool:
        """Return whether nobody has written to it lately."""
        return self.stamp != UNREADABLE and not 0 <= time.time() - self.stamp[0] / 1e9 < QUIET_SECONDS


def files_of(folders: Sequence[Path]) -> dict[str, list[ContractFile]]:
    """Return all files below ``folders``, by the id that their path gives them; in order of ids."""
    found: dict[str, list[ContractFile]] = {}
    for file in (file for folder in folders for file in _below(folder)):
        found.setdefault(file.resource, []).append(file)
    return dict(sorted(found.items()))


def files_named(folders: Sequence[Path], resource: str) -> list[ContractFile]:
    """Return the files of one resource, without looking at others; none for what is no id."""
    domain, _, name = resource.partition(".")
    if not _ID.fullmatch(resource) or domain in RESERVED:
        return []
    paths = [folder / domain / f"{name}.yml" for folder in dict.fromkeys(folders)]
    stamped = [(path, stamp_of(path) or (UNREADABLE if path.is_symlink() else None)) for path in paths]
    return [ContractFile(path, stamp) for path, stamp in stamped if stamp]


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file, or None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def only(files: Sequence[ContractFile]) -> ContractFile:
    """Return the one file of a resource.

    Raises:
        InvalidContractError: there are several, of which none is preferred.
    """
    if len(files) > 1:
        first, second = files[0], files[-1]
        said = f"{first.resource} has two contracts; the other is {first.path}"
        remedy = (
            "take this one away, or give it an id of its own; a contract of the catalogue is not replaced by another"
        )
        raise InvalidContractError(second.path, [Problem(said, ("id",), remedy=remedy)])
    return files[0]


def content_of(file: ContractFile) -> tuple[bytes, ContractFile]:
    """Return the content of a file and its stamp as it was while it was read, whole.

    Raises:
        InvalidContractError: it is away, may not be read, or changes without end.
    """
    path = file.path
    try:
        for _ in range(_TRIES):
            before, content = stamp_of(path), path.read_bytes()
            if before is not None and before == stamp_of(path) and before[1] == len(content):
                return content, ContractFile(path, before)
    except OSError as error:
        problem = Problem(
            f"the file cannot be read: {os.strerror(error.errno or 0)}", remedy="let it be read, or take it away"
        )
        raise InvalidContractError(path, [problem]) from None
    raise InvalidContractError(
        path, [Problem("the file changes while it is read", remedy="let it be written to its end")]
    )


def _below(folder: Path) -> Iterator[ContractFile]:
    for domain in _entries(folder):
        if domain.name in RESERVED or domain.name.startswith("."):
            continue
        for entry in _entries(Path(domain.path)):
            if entry.name.endswith(".yml") and not entry.name.startswith(".") and _is_file(entry):
                yield ContractFile(Path(entry.path), stamp_of(Path(entry.path)) or UNREADABLE)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in a folder, in order of names; nothing where there is no folder.

    Raises:
        ContractError: the folder may not be read: its contracts would be gone without a word.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError as error:
        raise ContractError(
            f"the folder cannot be read: {error.strerror}",
            place=str(folder),
            remedy="let the account that runs this read it, or take it out of RESOURCE_PATH",
        ) from error
    except OSError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file; a link that leads nowhere is one, and cannot be read."""
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True
