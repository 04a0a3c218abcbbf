"""Logical times of a history (逻辑时间) and the moments that stand for them, so that the model needs no clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

STEP = 1_000_000
BEFORE, DURING, ARRIVED = 0, 100_000, 500_000
"""Parts of a step: made before it began, made in it, and arrived in it."""
LONG_AGO = -1_000_000_000
FUTURE = datetime(2099, 1, 1, tzinfo=UTC)


class Clock:
    """Remembers when each step began."""

    def __init__(self) -> None:
        self.began: list[datetime] = []

    def begin(self) -> int:
        """Begin a step, a tenth of a second after all that belongs to the one before; return its number."""
        time.sleep(0.1)
        self.began.append(datetime.now(UTC))
        return len(self.began) - 1

    def moment(self, logical: int) -> datetime:
        """Return the moment that stands for a logical time, which is never that of an arrival."""
        if logical < 0:
            return datetime(2019, 1, 1, tzinfo=UTC) + timedelta(seconds=logical - LONG_AGO)
        step, within = divmod(logical, STEP)
        if within >= DURING:
            return self.began[step] + timedelta(microseconds=(within - DURING) * 10)
        return self.began[step] - timedelta(milliseconds=50) + timedelta(microseconds=within * 10)


def made_before(step: int, place: int) -> int:
    """Return a time before ``step`` began, and after all that arrived in the step before."""
    return step * STEP + BEFORE + place


def made_in(step: int, place: int) -> int:
    """Return a time in ``step``, before anything of it arrived."""
    return step * STEP + DURING + place


def arrival_in(step: int, place: int = 0) -> int:
    """Return the arrival number of the batch at ``place`` of those that ``step`` brings."""
    return step * STEP + ARRIVED + place


def long_ago(place: int) -> int:
    """Return a time before every history."""
    return LONG_AGO + place
