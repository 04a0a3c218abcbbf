"""How far a change feed was read (变更表位点): the newest number, the numbers not there yet, and rows to know it by.

A number is drawn before its row is committed, and a client may draw a thousand in advance. So a number below the newest
one that has no row may still get one. Such gaps are kept and asked for again at each reading. A feed that is loaded
anew gives out its numbers again; the few rows kept as witnesses then read differently, and a new generation begins.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

LOWEST = -(1 << 63)


@dataclass(frozen=True, order=True)
class Gap:
    """A range of numbers without rows, both ends included."""

    low: int
    high: int
    since: date | None = None
    """When it was found; None for what lies beneath the first row, which is asked for as long as the feed is read."""


@dataclass(frozen=True)
class FeedPosition:
    """Where one generation of a feed stands."""

    reached: int | None = None
    """The newest number read; None before the first reading."""
    gaps: tuple[Gap, ...] = ()
    """In order, and none touching another."""
    witnesses: Mapping[int, str] = field(default_factory=dict)
    """Number → digest of its row."""
    generation: str = ""
    """The batch with which this generation began; empty for one that began before this was kept."""
    is_surveyed: bool = True
    """Whether the gaps are known; of a position of an older kind they are not, and the feed is read whole once."""

    def to_json(self) -> str:
        """Return the position as the control plane keeps it."""
        gaps = [[gap.low, gap.high, gap.since and gap.since.isoformat()] for gap in self.gaps]
        witnesses = {str(number): digest for number, digest in self.witnesses.items()}
        return json.dumps(
            {"reached": self.reached, "gaps": gaps, "witnesses": witnesses, "generation": self.generation}
        )

    @classmethod
    def from_json(cls, text: str | None) -> FeedPosition:
        """Return the position that :meth:`to_json` wrote, or the marks of an older home.

        >>> FeedPosition.from_json('[[12, "200"], [15, "300"]]')
        FeedPosition(reached=300, gaps=(), witnesses={}, generation='', is_surveyed=False)
        >>> FeedPosition.from_json(FeedPosition(7, (Gap(2, 3),), {7: "a"}, "b").to_json())
        FeedPosition(reached=7, gaps=(Gap(low=2, high=3, since=None),), witnesses={7: 'a'}, generation='b', \
is_surveyed=True)
        """
        found: Any = json.loads(text) if text else {}
        if isinstance(found, list):
            newest = str(found[-1][1])
            return cls(reached=int(newest) if newest else None, is_surveyed=not newest)
        gaps = tuple(Gap(low, high, since and date.fromisoformat(since)) for low, high, since in found.get("gaps", ()))
        witnesses = {int(number): str(digest) for number, digest in found.get("witnesses", {}).items()}
        return cls(found.get("reached"), gaps, witnesses, found.get("generation", ""))

    def is_contradicted(self, found: Mapping[int, Collection[str]], *, has_others: bool) -> bool:
        """Tell whether the feed is another one than was read.

        Rows may be cleared away, so it is the newest witness still there that tells; when none is, it is whether other
        rows that should have been cleared before them are.

        Args:
            found: number → digests of the witnesses' numbers that have rows now.
            has_others: whether there are rows up to the newest number read that fill no gap.

        >>> position = FeedPosition(9, witnesses={3: "a", 9: "b"})
        >>> position.is_contradicted({3: ["a"]}, has_others=True), position.is_contradicted({3: "a", 9: "x"}, \
has_others=True)
        (False, True)
        """
        if not found:
            return bool(self.witnesses) and has_others
        newest = max(found)
        return self.witnesses[newest] not in found[newest]


def without_numbers(gaps: Sequence[Gap], numbers: Sequence[int]) -> tuple[Gap, ...]:
    """Return the gaps that remain when rows have come with ``numbers``, which are in order.

    >>> without_numbers([Gap(1, 5), Gap(8, 8)], [1, 3, 8])
    (Gap(low=2, high=2, since=None), Gap(low=4, high=5, since=None))
    """
    left: list[Gap] = []
    for gap in gaps:
        low = gap.low
        for number in numbers[bisect_left(numbers, gap.low) : bisect_left(numbers, gap.high + 1)]:
            if low < number:
                left.append(Gap(low, number - 1, gap.since))
            low = number + 1
        if low <= gap.high:
            left.append(Gap(low, gap.high, gap.since))
    return tuple(left)


def below(gaps: Sequence[Gap], floor: int) -> list[Gap]:
    """Return the gaps as far as they lie at or below ``floor``."""
    return [Gap(gap.low, min(gap.high, floor), gap.since) for gap in gaps if gap.low <= floor]


def drawn_together(gaps: Sequence[Gap], most: int) -> tuple[Gap, ...]:
    """Return at most ``most`` ranges that cover all gaps, made one where the fewest numbers lie between.

    >>> drawn_together([Gap(1, 1), Gap(3, 3), Gap(90, 99)], 2)
    (Gap(low=1, high=3, since=None), Gap(low=90, high=99, since=None))
    """
    if len(gaps) <= most:
        return tuple(gaps)
    distances = [later.low - gap.high for gap, later in pairwise(gaps)]
    widest = sorted(range(len(distances)), key=distances.__getitem__, reverse=True)[: most - 1]
    ends = [*sorted(place + 1 for place in widest), len(gaps)]
    groups = [gaps[start:end] for start, end in pairwise([0, *ends])]
    return tuple(Gap(group[0].low, group[-1].high, _newest(group)) for group in groups)


def _newest(group: Sequence[Gap]) -> date | None:
    """Return when the youngest of the gaps was found; one that never ends outlasts the others."""
    days = [gap.since for gap in group if gap.since is not None]
    return max(days) if len(days) == len(group) else None
