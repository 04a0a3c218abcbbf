"""Business dates and the instants of a day's changes (业务日期), China Standard Time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from infra.demonstration.identifiers import IntArray, TextArray

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@dataclass(frozen=True)
class BusinessDay:
    """One day of deliveries: what changed the day before, between 08:00 and 20:00, arrives on ``date``."""

    day: int
    date: date

    @property
    def batch(self) -> str:
        """The feed's batch label (cd_batch)."""
        return f"{self.date:%Y%m%d}-01"

    @property
    def opening(self) -> int:
        """08:00 of the day before ``date``, microseconds since 1970 UTC: no change of this day is older."""
        return self._midnight(1) + 8 * HOUR_US

    def _midnight(self, days_before: int) -> int:
        return (self.date - timedelta(days=days_before) - date(1970, 1, 1)).days * DAY_US - 8 * HOUR_US

    def instants(
        self, rng: np.random.Generator, count: int, hours: tuple[float, float] = (8, 20), days_before: int = 1
    ) -> IntArray:
        """Return ``count`` instants, microseconds since 1970 UTC, in local ``hours`` of a day before ``date``."""
        low, high = (int(hour * HOUR_US) for hour in hours)
        return self._midnight(days_before) + rng.integers(low, high, count)


def to_instants(microseconds: IntArray) -> NDArray[np.datetime64]:
    """Return microseconds since 1970 UTC as datetime64."""
    return microseconds.astype("datetime64[us]")


def iso_instants(microseconds: IntArray) -> TextArray:
    """Return instants as ISO 8601 text with China's offset.

    >>> iso_instants(np.array([0])).tolist()
    ['1970-01-01T08:00:00+08:00']
    """
    local = (microseconds + 8 * HOUR_US).astype("datetime64[us]").astype("datetime64[s]")
    return np.array([f"{text}+08:00" for text in np.datetime_as_string(local)], dtype=object)


def iso_dates(days: NDArray[np.datetime64]) -> TextArray:
    """Return dates as ISO 8601 text."""
    return np.datetime_as_string(days.astype("datetime64[D]")).astype(object)
