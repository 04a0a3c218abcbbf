"""Which of two versions of a record is newer (先后次序): one tuple, by which every stage decides.

Three kinds of source tell it differently. In a change feed the cursor is the order; the source's clock is not asked.
Of a table or interface read live, what was read later is newer, whatever times it states. A file may come late, so it
counts by when it was made. A time well after its arrival is a mistake and tells nothing: a row then counts by its
delivery, and a delivery comes right after the newest that had arrived before it. So the year 2099 freezes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from catalog.model.source import FeedSource, FileSource, Source

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(minutes=10)
"""How far a source's clock may be ahead before it is noted."""


class VersionOrder(NamedTuple):
    """The place of one version of a record among all others of it; the greater one is newer."""

    rank: int
    """Of a feed the arrival of its generation's first batch, of a live source that of the batch, of a file its time."""
    at: int
    """Of a feed its cursor, else the source's time of change in microseconds, bounded by the arrival."""
    arrival: int
    """Arrival number of the batch: microseconds, always rising."""
    row: int
    """Place within the delivery."""


@dataclass(frozen=True)
class BatchOrder:
    """What the order of a version takes from its batch."""

    arrival: int
    generation: int = 0
    """Of a feed: arrival of the batch with which this generation of it began."""
    made: int = 0
    """Of a file: when the delivery counts as made, in microseconds."""


BEFORE_ALL = VersionOrder(-1, -1, -1, -1)
"""The order of a version of which none is kept."""


def micros(moment: datetime) -> int:
    """Return microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def is_believable(at: int, arrival: int) -> bool:
    """Tell whether a source's time, in microseconds, is no later than a clock may be ahead of the arrival."""
    return at <= arrival + TOLERANCE // timedelta(microseconds=1)


def deliveries_made(stated: Sequence[tuple[int | None, int]]) -> list[int]:
    """Return when each delivery counts as made.

    Args:
        stated: for each delivery, in the order of arrival, the time it states and its arrival, in microseconds.

    >>> deliveries_made([(40, 50), (9_000_000_000, 60), (30, 70), (None, 80)])
    [40, 40, 30, 80]
    """
    made: list[int] = []
    newest = BEFORE_ALL.at
    for at, arrival in stated:
        moment = arrival if at is None else min(at, arrival) if is_believable(at, arrival) else newest
        newest = max(newest, moment)
        made.append(moment)
    return made


def order_of(
    source: Source, batch: BatchOrder, source_at: datetime | None, row: int | None, *, is_deletion: bool = False
) -> VersionOrder:
    """Return the place of one version.

    Args:
        source: the contract's source.
        batch: of the version.
        source_at: time of the row's last change as the source states it, or of its delivery.
        row: cursor of a feed row, else the row's number, where it has one.
        is_deletion: whether it says that the record is gone. Of a live source only an absence says so, and what was
            read beside it under the same key is newer.

    >>> late = FileSource(kind="file", server="x", key=["k"], format="csv")
    >>> order_of(late, BatchOrder(50, made=40), datetime(2099, 1, 1, tzinfo=UTC), 7)
    VersionOrder(rank=40, at=40, arrival=50, row=7)
    """
    place = row or 0
    if isinstance(source, FeedSource):
        return VersionOrder(batch.generation, place, batch.arrival, place)
    arrival = batch.arrival
    at = arrival if source_at is None else micros(source_at)
    if isinstance(source, FileSource):
        at = min(at, arrival) if is_believable(at, arrival) else batch.made
        return VersionOrder(at, at, arrival, place)
    return VersionOrder(arrival, BEFORE_ALL.at if is_deletion else min(at, arrival), arrival, place)
