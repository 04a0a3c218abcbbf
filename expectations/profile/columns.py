"""What one column holds (列画像): nulls, types, patterns, lengths, which identifiers and code lists its values are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from catalog.control.masking import mask_personal
from catalog.model.codes import code_list_names, load_code_list
from catalog.model.ids import registry
from catalog.model.ids.division import is_valid_division

IDENTIFIERS = tuple(each for each in registry.IDENTIFIERS if each.name not in ("division", "registration_number"))
SHAPES = {
    "integer": re.compile(r"[+-]?[0-9]{1,15}"),
    "decimal": re.compile(r"[+-]?[0-9]{1,15}\.[0-9]+"),
    "date": re.compile(r"(?:19|20)[0-9]{2}(?:[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?|[0-9]{4})"),
    "instant": re.compile(r"(?:19|20)[0-9]{2}[-/][0-9]{1,2}[-/][0-9]{1,2}[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}.*)?"),
    "phone": re.compile(r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}"),
}
ENOUGH = 0.9
"""Share of values that must be of one kind for the column to be of it."""
MOST_OF_THEM = 0.5
"""The same for identifiers: real lists have many that are wrong, and nothing else looks like them."""
FEW_CODES = 60
"""Distinct values up to which a column may hold codes."""


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a sample."""

    heading: str
    rows: int
    nulls: int
    distinct: int
    kind: str
    """``integer``, ``decimal``, ``date``, ``instant``, ``phone``, an identifier, ``division``, or ``text``."""
    kind_share: float
    """Share of the values that are of this kind; 1 for text."""
    shortest: int
    longest: int
    patterns: list[tuple[str, int]]
    """The most frequent forms, 9 for a digit, A for a letter, 汉 for a Chinese character, and how often."""
    code_list: str | None = None
    code_share: float = 0.0
    frequent: list[tuple[str, int]] = field(default_factory=list)
    """The most frequent values, numbers of persons hidden; empty for a column of persons' names or numbers."""

    @property
    def null_share(self) -> float:
        """Share of empty cells."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def is_unique(self) -> bool:
        """Whether no value comes twice and none is empty."""
        return self.rows > 0 and self.nulls == 0 and self.distinct == self.rows


def profile_column(heading: str, values: Sequence[str]) -> ColumnProfile:
    """Return the profile of one column of text values."""
    filled = [value for value in values if value]
    counts = Counter(filled)
    kind, share = _kind(filled)
    code_list, code_share = _code_list(counts) if kind in ("text", "integer") else (None, 0.0)
    lengths = [len(value) for value in counts] or [0]
    is_open = kind not in ("citizen_id", "phone") and len(counts) <= FEW_CODES
    return ColumnProfile(
        heading=heading,
        rows=len(values),
        nulls=len(values) - len(filled),
        distinct=len(counts),
        kind=kind,
        kind_share=share,
        shortest=min(lengths),
        longest=max(lengths),
        patterns=Counter(pattern_of(value) for value in filled).most_common(5),
        code_list=code_list,
        code_share=code_share,
        frequent=[(mask_personal(value), rows) for value, rows in counts.most_common(8)] if is_open else [],
    )


def pattern_of(value: str) -> str:
    """Return the form of a value; runs of more than three of one kind are counted.

    >>> pattern_of("91350100M000100Y43"), pattern_of("2026-03-01"), pattern_of("示范一店")
    ('9{8}A9{6}A99', '9{4}-99-99', '汉{4}')
    """
    signs = "".join(
        "9" if c.isdigit() else "汉" if "\u4e00" <= c <= "\u9fff" else "A" if c.isalpha() else c for c in value
    )
    return re.sub(r"(.)\1{3,}", lambda run: f"{run[1]}{{{len(run[0])}}}", signs[:60])


def _kind(values: Sequence[str]) -> tuple[str, float]:
    """Return what the values are: an identifier first, then a shape; text where nothing fits most of them."""
    if not values:
        return "text", 1.0
    sample = values[:5000]
    for identifier in IDENTIFIERS:
        share = sum(identifier.explain(value) is None for value in sample) / len(sample)
        if share >= MOST_OF_THEM:
            return identifier.name, share
    share = sum(map(is_valid_division, sample)) / len(sample)
    if share >= ENOUGH:
        return "division", share
    shares = {
        name: sum(shape.fullmatch(value) is not None for value in sample) / len(sample)
        for name, shape in SHAPES.items()
    }
    for name in ("date", "instant", "phone"):
        if shares[name] >= ENOUGH:
            return name, shares[name]
    numbers = shares["integer"] + shares["decimal"]
    leading = sum(value[0] == "0" and len(value) > 1 and value.isdigit() for value in sample)
    if numbers >= ENOUGH and not leading:
        return ("decimal" if shares["decimal"] else "integer"), numbers
    return "text", 1.0


def _code_list(counts: Counter[str]) -> tuple[str | None, float]:
    """Return the code list that knows most of the values, if it knows nearly all, and its share of them.

    A short list of digits fits many columns, so a list must know nine in ten, and the smallest that fits is taken.
    """
    if not counts or len(counts) > FEW_CODES * 40:
        return None, 0.0
    total = counts.total()
    best: tuple[float, int, str] | None = None
    for name in code_list_names():
        codes = load_code_list(name)
        known = codes.canonical_codes | codes.fixes.keys() | codes.ignored
        share = sum(rows for value, rows in counts.items() if value in known) / total
        if share >= ENOUGH and len(counts) > 1:
            best = max(best or (0.0, 0, ""), (share, -len(known), name))
    return (best[2], best[0]) if best else (None, 0.0)
