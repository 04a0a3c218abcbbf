"""What a reader must know of a record before using it (记录状态标识): one word, delivered with the row.

Doubts and conflicts stand with the row; ``stale`` follows from the calendar and from what the sources delivered, so it
is decided when the row is cut or read, and never kept with the data it is about.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from catalog.model.settings import CHECKOUT

FRESHNESS = CHECKOUT / "catalog" / "quality" / "freshness.yml"


class RecordFlag(StrEnum):
    """The words; of several that hold, the last one here is delivered."""

    OK = "ok"
    """正常: nothing speaks against the record."""
    STALE = "stale"
    """数据过期: none of its sources has delivered for longer than its update cycle allows."""
    CONFLICTING = "conflicting"
    """多源冲突: its sources disagree, and no case is open about it."""
    IN_VERIFICATION = "in_verification"
    """核查中: a doubt is with the source department; a person with valid proof must still be served."""


class Freshness(BaseModel):
    """The numbers of ``catalog/quality/freshness.yml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days_of_cycle: dict[str, int]
    stale_after_cycles: int = Field(ge=1)


@lru_cache
def load_freshness(path: Path = FRESHNESS) -> Freshness:
    """Return how long data stays fresh."""
    return Freshness.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def is_stale(update_cycle: str, last_delivery: date | None, on: date) -> bool:
    """Tell whether a source has been silent for too long; one that never delivered is.

    >>> is_stale("monthly", date(2026, 1, 1), date(2026, 3, 4)), is_stale("monthly", date(2026, 1, 1), date(2026, 3, 5))
    (False, True)
    """
    known = load_freshness()
    if last_delivery is None:
        return True
    return (on - last_delivery).days > known.days_of_cycle[update_cycle] * known.stale_after_cycles


def flag_of(
    *, in_verification: Collection[str], conflicting: Collection[str], sources: Collection[str], stale: Collection[str]
) -> RecordFlag:
    """Return the word for one record.

    Args:
        in_verification: its elements on which a doubt is open.
        conflicting: its elements on which its sources disagree.
        sources: resources that its cells come from.
        stale: resources that have been silent for too long.

    >>> flag_of(in_verification=[], conflicting=[], sources=["a.b", "c.d"], stale=["a.b"])
    <RecordFlag.OK: 'ok'>
    >>> flag_of(in_verification=[], conflicting=["name"], sources=["a.b"], stale=["a.b"])
    <RecordFlag.CONFLICTING: 'conflicting'>
    """
    if in_verification:
        return RecordFlag.IN_VERIFICATION
    if conflicting:
        return RecordFlag.CONFLICTING
    return RecordFlag.STALE if sources and set(sources) <= set(stale) else RecordFlag.OK
