"""Editions of one register (名录各版): which entry of a later list is which of an earlier one, renamed or not.

A list that is published whole every few years has no changes in it, only two states. Entries are matched by code, by
name, by what people decided, and by names that differ only in the school's kind; everything else stays two entries.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Literal

from catalog.model.settings import CHECKOUT

SUCCESSIONS = CHECKOUT / "catalog" / "registers" / "university.csv"
SURE = 1.2
"""Likeness from which a changed name is taken for the same school: equal but for the kind, in the same place. Below it
likeness is no proof on the real lists of 2011 and 2017 (at 1.0 a third of the pairs are wrong): people decide."""
_SAME_PLACE = 0.2
_KIND = re.compile(
    r"(师范高等专科学校|医学高等专科学校|高等专科学校|职业技术学院|职业技术大学|专科学校|职业学院|职业大学|学院|大学|学校)\Z"
)
_FIELDS = (("中医药", "中医"), ("医科", "医"), ("医学", "医"), ("药科", "药"), ("外国语", "外语"), ("警官", "警察"))
"""What a field of learning is called by an institute and by the university that it becomes."""
_BRACKETED = re.compile(r"[（(].*?[)）]")
How = Literal["code", "name", "decided", "likeness"]


@dataclass(frozen=True)
class Listed:
    """One entry of one edition."""

    record_key: str
    name: str
    code: str | None
    province: str
    place: str
    level: str
    """办学层次: 本科 or 专科."""


@dataclass(frozen=True)
class Match:
    """A later entry that is an earlier one."""

    earlier: Listed
    later: Listed
    how: How


@lru_cache(maxsize=1)
def decided_successions(path: Path = SUCCESSIONS) -> Mapping[str, str]:
    """Return earlier name → later name, as people decided."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["earlier_name"]: row["later_name"] for row in csv.DictReader(file)}


def match_editions(
    earlier: Sequence[Listed], later: Sequence[Listed], decided: Mapping[str, str] | None = None
) -> list[Match]:
    """Return which later entries are earlier ones; each entry is in one match at most, in whatever order they come."""
    found: list[Match] = []
    ways: list[tuple[How, dict[str, Listed], dict[str, Listed]]] = [
        ("code", {x.code: x for x in earlier if x.code}, {x.code: x for x in later if x.code}),
        ("name", {x.name: x for x in earlier}, {x.name: x for x in later}),
    ]
    followed = decided_successions() if decided is None else decided
    ways.append(("decided", {followed[x.name]: x for x in earlier if x.name in followed}, ways[1][2]))
    for how, old, new in ways:
        taken = {m.earlier for m in found} | {m.later for m in found}
        both = [(old[k], new[k]) for k in sorted(old.keys() & new.keys())]
        found += [Match(a, b, how) for a, b in both if a not in taken and b not in taken]
    taken = {m.earlier for m in found} | {m.later for m in found}
    return found + _alike([x for x in earlier if x not in taken], [x for x in later if x not in taken])


def likeness(earlier: Listed, later: Listed) -> float:
    """Return how much two entries look like one school that changed its name, up to 1.2; 0 where they cannot be.

    A school keeps its province; an undergraduate school (本科) does not become a college (专科), a college becomes an
    institute (学院) before a university (大学), and a college of the one kind does not become one of the other.

    >>> one = Listed("1", "示范师范学院", None, "四川省", "成都市", "本科")
    >>> likeness(one, Listed("2", "示范医科大学", "41", "四川省", "成都市", "本科")) < SURE
    True
    >>> likeness(one, Listed("2", "示范师范大学", "41", "四川省", "成都市", "本科"))
    1.2
    """
    if earlier.province != later.province or (earlier.level, later.level) == ("本科", "专科"):
        return 0.0
    if (earlier.level, later.level) == ("专科", "本科") and later.name.endswith("大学"):
        return 0.0
    if earlier.name.endswith("专科学校") and later.level == "专科" and not later.name.endswith("专科学校"):
        return 0.0
    alike = SequenceMatcher(None, core(earlier.name), core(later.name), autojunk=False).ratio()
    return alike + (_SAME_PLACE if earlier.place[:2] == later.place[:2] else 0.0)


def core(name: str) -> str:
    """Return a school's name without its kind and what stands in brackets, its field in one wording.

    >>> core("示范师范高等专科学校"), core("示范大学（北京）")
    ('示范', '示范')
    """
    bare = _BRACKETED.sub("", name)
    found = _KIND.sub("", bare) or bare
    for wording, plain in _FIELDS:
        found = found.replace(wording, plain)
    return found


def _alike(earlier: Sequence[Listed], later: Sequence[Listed]) -> list[Match]:
    """Return pairs that are sure enough, and each the other's only one."""
    pairs = [(a, b) for a in earlier for b in later if likeness(a, b) >= SURE]
    return [
        Match(a, b, "likeness") for a, b in pairs if sum(x is a for x, _ in pairs) == sum(y is b for _, y in pairs) == 1
    ]
