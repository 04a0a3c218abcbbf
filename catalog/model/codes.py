"""Code lists (代码集): ``catalog/codes/<name>.csv`` with code, name, validity, kind and successor.

A code is *canonical*, *fixable* (its successor is meant) or *ignored* (means "no value"); anything else is unknown and
sets the row aside.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

CODES = CHECKOUT / "catalog" / "codes"
KINDS = ("canonical", "fixable", "ignored")
HEADER = ["code", "name", "valid_from", "valid_to", "kind", "successor"]


@dataclass(frozen=True)
class Code:
    """One line of a code list; dates are ISO text, empty when open."""

    code: str
    name: str
    valid_from: str
    valid_to: str
    kind: str
    successor: str


@dataclass(frozen=True)
class CodeList:
    """One code list, by code."""

    name: str
    codes: tuple[Code, ...]

    @property
    def canonical_codes(self) -> frozenset[str]:
        """Codes that may stand in conformed tables."""
        return frozenset(c.code for c in self.codes if c.kind == "canonical")

    @property
    def fixes(self) -> dict[str, str]:
        """Fixable code → the canonical code meant."""
        return {c.code: c.successor for c in self.codes if c.kind == "fixable"}

    @property
    def ignored(self) -> frozenset[str]:
        """Codes that stand for no value."""
        return frozenset(c.code for c in self.codes if c.kind == "ignored")


@lru_cache
def load_code_list(name: str, folder: Path = CODES) -> CodeList:
    """Return the code list ``name``.

    Raises:
        ContractError: when there is none, or a line contradicts the others.
    """
    path = folder / f"{name}.csv"
    if not path.is_file():
        raise ContractError(f"no code list {name!r}", place=str(path), remedy="add the file, or mend the contract")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise ContractError(f"header is {reader.fieldnames}", place=str(path), remedy=f"use {','.join(HEADER)}")
        codes = tuple(Code(**row) for row in reader)
    _refuse_contradictions(name, path, codes)
    return CodeList(name, codes)


def _refuse_contradictions(name: str, path: Path, codes: tuple[Code, ...]) -> None:
    seen: dict[tuple[str, str], int] = {}
    canonical = {c.code for c in codes if c.kind == "canonical"}
    for line, code in enumerate(codes, start=2):
        place = f"{path}:{line}"
        if code.kind not in KINDS:
            raise ContractError(f"kind {code.kind!r} is unknown", place=place, remedy=f"one of {', '.join(KINDS)}")
        if code.kind == "fixable" and code.successor not in canonical:
            raise ContractError(
                f"successor {code.successor!r} of {code.code!r} is not canonical",
                place=place,
                remedy=f"name a canonical code of {name}",
            )
        if (code.code, code.valid_from) in seen:
            raise ContractError(
                f"code {code.code!r} stands twice from the same day",
                place=place,
                remedy=f"keep one; the other is line {seen[code.code, code.valid_from]}",
            )
        seen[code.code, code.valid_from] = line
