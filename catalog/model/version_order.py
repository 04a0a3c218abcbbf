"""Which of two versions of a record is newer (先后次序): one tuple, by which every stage decides.

Three kinds of source tell it differently. In a change feed the cursor is the order; the source's clock is not asked.
Of a table or interface read live, what was read later is newer, whatever times it states. A file may come late, so it
counts by when it was made, which is never later than when it arrived: a year mistyped as 2099 freezes nothing.
"""

from __future__ import annotations

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


BEFORE_ALL = VersionOrder(-1, -1, -1, -1)
"""The order of a version of which none is kept."""


def micros(moment: datetime) -> int:
    """Return microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // timedelta(microseconds=1)


def order_of(
    source: Source, *, generation: int, arrival: int, source_at: datetime | None, row: int | None
) -> VersionOrder:
    """Return the place of one version.

    Args:
        source: the contract's source.
        generation: of a feed, arrival number of the batch with which it began or was loaded anew.
        arrival: arrival number of the batch.
        source_at: time of the row's last change as the source states it, or of its delivery.
        row: cursor of a feed row, else the row's number, where it has one.

    >>> late = FileSource(kind="file", server="x", key=["k"], format="csv")
    >>> year_2099 = datetime(2099, 1, 1, tzinfo=UTC)
    >>> order_of(late, generation=0, arrival=50, source_at=year_2099, row=7)
    VersionOrder(rank=50, at=50, arrival=50, row=7)
    """
    place = row or 0
    if isinstance(source, FeedSource):
        return VersionOrder(generation, place, arrival, place)
    at = arrival if source_at is None else min(micros(source_at), arrival)
    return VersionOrder(at if isinstance(source, FileSource) else arrival, at, arrival, place)
