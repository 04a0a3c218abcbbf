"""Cross-walks (代码对照): ``catalog/codes/crosswalks/<from>__<to>.csv``, from one list or edition to another.

Only a code with one target and the relation *equal* or *merged* may be carried over by itself; *split* and *partial*
name what a person chooses from.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from catalog.model import codes
from catalog.model.codes import CodeList, load_code_list
from catalog.model.errors import ContractError

RELATIONS = ("equal", "split", "merged", "partial")
HEADER = ["from_code", "to_code", "relation", "citation"]


@dataclass(frozen=True)
class Correspondence:
    """One line of a cross-walk: a code, a code that took over from it, how, and who says so."""

    from_code: str
    to_code: str
    relation: str
    """``equal`` (the same thing), ``split`` (one became several), ``merged`` (several became one), ``partial``."""
    citation: str


@dataclass(frozen=True)
class Crosswalk:
    """All correspondences from the list ``source`` to the list ``target``."""

    source: str
    target: str
    lines: tuple[Correspondence, ...]

    @cached_property
    def _by_code(self) -> dict[str, tuple[Correspondence, ...]]:
        found: dict[str, tuple[Correspondence, ...]] = {}
        for line in self.lines:
            found[line.from_code] = (*found.get(line.from_code, ()), line)
        return found

    def targets(self, code: str) -> tuple[Correspondence, ...]:
        """Return what became of ``code``; nothing when the cross-walk does not know it.

        >>> [line.to_code for line in crosswalk("industry_2011", "industry").targets("58")]
        ['58', '59']
        """
        return self._by_code.get(code, ())

    def certain_target(self, code: str) -> str | None:
        """Return the one code that ``code`` may be replaced by without asking anybody, or nothing.

        >>> crosswalk("industry_2011", "industry").certain_target("82")
        '83'
        >>> crosswalk("industry_2011", "industry").certain_target("58") is None
        True
        """
        found = self.targets(code)
        return found[0].to_code if len(found) == 1 and found[0].relation in ("equal", "merged") else None


def crosswalk(source: str, target: str, folder: Path | None = None) -> Crosswalk:
    """Return the cross-walk from the list ``source`` to the list ``target``, read once per process.

    Raises:
        ContractError: when there is none, or a line names an unknown code or contradicts another.
    """
    return _load(source, target, folder or codes.CODES)


def crosswalk_names(folder: Path | None = None) -> list[tuple[str, str]]:
    """Return from and to of every cross-walk, in order."""
    stems = (path.stem.partition("__") for path in ((folder or codes.CODES) / "crosswalks").glob("*__*.csv"))
    return sorted((source, target) for source, _, target in stems)


@lru_cache
def _load(source: str, target: str, folder: Path) -> Crosswalk:
    path = folder / "crosswalks" / f"{source}__{target}.csv"
    if not path.is_file():
        raise ContractError(f"no cross-walk from {source} to {target}", place=str(path), remedy="add the file")
    lines = read_lines(path)
    lists = load_code_list(source, folder), load_code_list(target, folder)
    for place, problem, remedy in _contradictions(path, lines, *lists):
        raise ContractError(problem, place=place, remedy=remedy)
    return Crosswalk(source, target, lines)


def read_lines(path: Path) -> tuple[Correspondence, ...]:
    """Return the lines of the cross-walk in ``path``, each for itself.

    Raises:
        ContractError: when its header is another.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise ContractError(f"header is {reader.fieldnames}", place=str(path), remedy=f"use {','.join(HEADER)}")
        return tuple(Correspondence(**row) for row in reader)


def _contradictions(
    path: Path, lines: tuple[Correspondence, ...], source: CodeList, target: CodeList
) -> Iterator[tuple[str, str, str]]:
    """Yield place, problem and remedy of every line that does not fit the lists or the others."""
    seen: dict[tuple[str, str], int] = {}
    counts: dict[str, int] = {}
    for line in lines:
        counts[line.from_code] = counts.get(line.from_code, 0) + 1
    for number, line in enumerate(lines, start=2):
        place = f"{path}:{number}"
        for code, codes_of in ((line.from_code, source), (line.to_code, target)):
            if code not in codes_of.canonical_codes:
                yield place, f"{code!r} is no canonical code of {codes_of.name}", "mend the line, or the list"
        if line.relation not in RELATIONS:
            yield place, f"relation {line.relation!r} is unknown", f"one of {', '.join(RELATIONS)}"
        if not line.citation:
            yield place, "no citation", "say which standard or notice the line rests on"
        if (line.from_code, line.to_code) in seen:
            other = seen[line.from_code, line.to_code]
            yield place, f"{line.from_code} → {line.to_code} stands twice", f"keep one; the other is line {other}"
        if counts[line.from_code] > 1 and line.relation in ("equal", "merged"):
            yield place, f"{line.from_code!r} has several targets, one of them {line.relation}", "use split or partial"
        if counts[line.from_code] == 1 and line.relation == "split":
            yield place, f"{line.from_code!r} is split into one", "name the other targets, or use partial"
        seen[line.from_code, line.to_code] = number
