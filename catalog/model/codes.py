"""Code lists (代码集): ``catalog/codes/<name>.csv`` with code, name, validity, kind and successor.

A code is *canonical*, *fixable* (its successor is meant) or *ignored* (means "no value"); anything else is unknown and
sets the row aside. A canonical code that retired stays readable; whether it may still be used depends on the day.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from pathlib import Path

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

CODES = CHECKOUT / "catalog" / "codes"
KINDS = ("canonical", "fixable", "ignored")
HEADER = ["code", "name", "valid_from", "valid_to", "kind", "successor"]
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})?\Z")


@dataclass(frozen=True)
class Code:
    """One line of a code list; dates are ISO text, empty when open."""

    code: str
    name: str
    valid_from: str
    valid_to: str
    kind: str
    successor: str

    def in_force(self, day: date) -> bool:
        """Tell whether the code is in force on ``day``; both ends of its validity count."""
        text = day.isoformat()
        return self.valid_from <= text and (not self.valid_to or text <= self.valid_to)


@dataclass(frozen=True)
class CodeList:
    """One code list, by code."""

    name: str
    codes: tuple[Code, ...]

    @cached_property
    def canonical_codes(self) -> frozenset[str]:
        """Codes that may stand in conformed tables."""
        return frozenset(c.code for c in self.codes if c.kind == "canonical")

    @cached_property
    def digest(self) -> str:
        """Digest of its lines as they were read, which is what values are judged by, whatever the file says by now."""
        return hashlib.sha256(repr(self.codes).encode()).hexdigest()

    @cached_property
    def fixes(self) -> dict[str, str]:
        """Fixable code → the canonical code meant."""
        return {c.code: c.successor for c in self.codes if c.kind == "fixable"}

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Codes that stand for no value."""
        return frozenset(c.code for c in self.codes if c.kind == "ignored")

    @cached_property
    def retired(self) -> dict[str, date]:
        """Canonical code → the last day of its last use, for codes that have one."""
        last: dict[str, str] = {}
        for code in (c for c in self.codes if c.kind == "canonical"):
            earlier = last.get(code.code)
            last[code.code] = "" if "" in (code.valid_to, earlier) else max(code.valid_to, earlier or "")
        return {code: date.fromisoformat(day) for code, day in last.items() if day}

    def lines_of(self, code: str) -> tuple[Code, ...]:
        """Return the lines of ``code``, in the file's order: several when it was given out again."""
        return self._by_code.get(code, ())

    @cached_property
    def _by_code(self) -> dict[str, tuple[Code, ...]]:
        found: dict[str, tuple[Code, ...]] = {}
        for code in self.codes:
            found[code.code] = (*found.get(code.code, ()), code)
        return found

    def canonical_on(self, code: str, day: date) -> str | None:
        """Return the canonical code that stands for ``code`` on ``day``: itself, or a successor, or nothing.

        A fixable code is mended first; then successors are followed until one is in force.

        >>> load_code_list("division").canonical_on("510122", date(2026, 3, 1))
        '510116'
        >>> load_code_list("division").canonical_on("510122", date(2010, 3, 1))
        '510122'
        """
        current, seen = self.fixes.get(code, code), set[str]()
        while current and current not in seen:
            seen.add(current)
            lines = [c for c in self.lines_of(current) if c.kind == "canonical"]
            if any(line.in_force(day) for line in lines):
                return current
            if not lines or self.retired.get(current, day) >= day:
                return None
            current = lines[-1].successor
        return None

    def nearest(self, value: str, count: int = 3, floor: float = 0.3) -> list[Code]:
        """Return the canonical codes whose code or name is most like ``value``, the likeliest first.

        A proposal for a person to judge, never a decision.

        >>> [code.code for code in load_code_list("sex").nearest("男性别", 1)]
        ['1']
        """
        scored = [(likeness, code) for code in self.codes if (likeness := self._likeness(value, code)) >= floor]
        best: dict[str, None] = {}
        for _, code in sorted(scored, key=lambda pair: (-pair[0], pair[1].code)):
            best.setdefault(self.fixes.get(code.code, code.code))
        return [self.lines_of(code)[-1] for code in list(best)[:count] if code in self.canonical_codes]

    def _likeness(self, value: str, code: Code) -> float:
        if code.kind == "ignored":
            return 0.0
        names = (code.name,) if code.kind == "canonical" else (code.name, code.code)
        return max(SequenceMatcher(None, value, name, autojunk=False).ratio() for name in names)


def load_code_list(name: str, folder: Path | None = None) -> CodeList:
    """Return the code list ``name`` of ``folder`` (default ``catalog/codes``), read once per process.

    Raises:
        ContractError: when there is none, or a line contradicts the others.
    """
    return _load(name, folder or CODES)


def forget_code_lists() -> None:
    """Read every list anew at its next use: one of the files has changed."""
    _load.cache_clear()


def code_list_names(folder: Path | None = None) -> list[str]:
    """Return the names of all lists, in order."""
    return sorted(path.stem for path in (folder or CODES).glob("*.csv"))


@lru_cache
def _load(name: str, folder: Path) -> CodeList:
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise ContractError(f"no code list {name!r}", place=str(path), remedy="add the file, or mend the contract")
    return CodeList(name, read_codes(path))


def read_codes(path: Path) -> tuple[Code, ...]:
    """Return the lines of the list in ``path``.

    Raises:
        ContractError: naming the line that does not fit.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise ContractError(f"header is {reader.fieldnames}", place=str(path), remedy=f"use {','.join(HEADER)}")
        codes = []
        for row in reader:
            if None in row or None in row.values():
                raise ContractError(
                    f"not {len(HEADER)} fields", place=f"{path}:{reader.line_num}", remedy=f"use {','.join(HEADER)}"
                )
            codes.append(Code(**row))
    for place, problem, remedy in _contradictions(path, codes):
        raise ContractError(problem, place=place, remedy=remedy)
    return tuple(codes)


def _contradictions(path: Path, codes: list[Code]) -> Iterator[tuple[str, str, str]]:
    """Yield place, problem and remedy of every line that contradicts the others."""
    seen: dict[tuple[str, str], int] = {}
    canonical = {c.code for c in codes if c.kind == "canonical"}
    for line, code in enumerate(codes, start=2):
        place = f"{path}:{line}"
        if code.kind not in KINDS:
            yield place, f"kind {code.kind!r} is unknown", f"one of {', '.join(KINDS)}"
        if not (_DAY.match(code.valid_from) and _DAY.match(code.valid_to)):
            yield place, "a day of validity is not ISO 8601", "write 2026-03-01, or leave it empty"
        if code.valid_to and code.valid_to < code.valid_from:
            yield place, f"code {code.code!r} ends before it begins", "mend valid_from or valid_to"
        if code.kind != "canonical" and code.code in canonical:
            yield place, f"code {code.code!r} is canonical and {code.kind}", "a code has one kind; drop one line"
        if (code.kind == "fixable" or code.successor) and code.successor not in canonical:
            problem = f"successor {code.successor!r} of {code.code!r} is not canonical"
            yield place, problem, f"name a canonical code of {path.stem}"
        if (code.code, code.valid_from) in seen:
            other = seen[code.code, code.valid_from]
            yield place, f"code {code.code!r} stands twice from the same day", f"keep one; the other is line {other}"
        seen[code.code, code.valid_from] = line
    yield from _circles(path, codes)


def _circles(path: Path, codes: list[Code]) -> Iterator[tuple[str, str, str]]:
    """Yield the canonical codes whose successors lead back to themselves."""
    successor = {c.code: c.successor for c in codes if c.kind == "canonical" and c.successor}
    for code in successor:
        at, steps = successor[code], 0
        while at in successor and at != code and steps <= len(successor):
            at, steps = successor[at], steps + 1
        if at == code:
            yield str(path), f"the successors of {code!r} lead back to it", "one of them must be another code"
            return
