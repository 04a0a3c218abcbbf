"""Whether a batch is unlike its source's own history (异常检测): volume, empty cells, mix of codes; weekday aware.

The expected value is the median of the latest same weekdays, the spread the MAD of all days around their own weekday's
median, so that a weekly rhythm neither alarms nor hides what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from statistics import median

import yaml
from pydantic import BaseModel, ConfigDict, Field

from catalog.model.settings import CHECKOUT

ANOMALY = CHECKOUT / "catalog" / "quality" / "anomaly.yml"
_MAD_TO_SIGMA = 1.4826


class AnomalySettings(BaseModel):
    """The numbers of ``catalog/quality/anomaly.yml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    same_weekdays: int = Field(ge=2)
    least_same_weekdays: int = Field(ge=2)
    least_batches: int = Field(ge=5)
    threshold: float = Field(gt=2)
    least_spread_volume: float = Field(gt=0)
    least_spread_share: float = Field(gt=0)
    least_rows: int = Field(ge=1)
    false_alarms_per_batch: float = Field(gt=0, lt=1)


@lru_cache
def load_anomaly_settings(path: Path = ANOMALY) -> AnomalySettings:
    """Return the settings of the anomaly rules."""
    return AnomalySettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Observed:
    """One batch, as measured."""

    day: date | None
    rows: int
    nulls: Mapping[str, int]
    """Column → empty cells."""
    categories: Mapping[str, Mapping[str, int]]
    """Column → code → rows."""


@dataclass(frozen=True)
class Unusual:
    """One way in which a batch is unlike its history."""

    code: str
    column: str
    """Empty for the volume."""
    category: str
    seen: float
    """Rows, or a share between 0 and 1."""
    expected: float
    deviations: float
    """Robust standard deviations between the two."""


def has_history(history: Sequence[Observed], settings: AnomalySettings | None = None) -> bool:
    """Tell whether there are batches enough to judge another one by."""
    return len(history) >= (settings or load_anomaly_settings()).least_batches


def find_unusual(
    batch: Observed, history: Sequence[Observed], settings: AnomalySettings | None = None
) -> list[Unusual]:
    """Return how ``batch`` is unlike ``history``, at most once per column and rule; nothing when that is too short.

    Args:
        batch: the batch in question.
        history: the batches before it, oldest first.
        settings: default ``catalog/quality/anomaly.yml``.
    """
    chosen = settings or load_anomaly_settings()
    if not has_history(history, chosen):
        return []
    judge = _Judge(batch, history, chosen)
    found = [judge.volume()]
    if batch.rows >= chosen.least_rows:
        found += [judge.null_share(column) for column in batch.nulls]
        found += [judge.category_mix(column) for column in batch.categories]
    return [each for each in found if each is not None]


@dataclass(frozen=True)
class _Judge:
    batch: Observed
    history: Sequence[Observed]
    settings: AnomalySettings

    def volume(self) -> Unusual | None:
        rows = [each.rows for each in self.history]
        return self._judge(
            "VOLUME_UNUSUAL", "", "", self.batch.rows, rows, math.log1p, math.expm1, self.settings.least_spread_volume
        )

    def null_share(self, column: str) -> Unusual | None:
        return self._share("NULL_SHARE_UNUSUAL", column, "", lambda each: each.nulls.get(column, 0))

    def category_mix(self, column: str) -> Unusual | None:
        """Return the code whose share moved most; a code that the history never had counts as share nought."""
        codes = sorted(
            {*self.batch.categories[column], *(c for h in self.history for c in h.categories.get(column, {}))}
        )
        moved = [self._share("CATEGORY_MIX_UNUSUAL", column, code, _count_of(column, code)) for code in codes]
        return max((each for each in moved if each is not None), key=lambda each: each.deviations, default=None)

    def _share(self, code: str, column: str, category: str, count: Callable[[Observed], int]) -> Unusual | None:
        spread = max(self.settings.least_spread_share, 0.5 / math.sqrt(self.batch.rows))
        past = [count(each) / each.rows if each.rows else math.nan for each in self.history]
        seen = count(self.batch) / self.batch.rows
        return self._judge(code, column, category, seen, past, _arcsine, _share_of, spread)

    def _judge(
        self,
        code: str,
        column: str,
        category: str,
        seen: float,
        past: Sequence[float],
        straighten: Callable[[float], float],
        back: Callable[[float], float],
        least_spread: float,
    ) -> Unusual | None:
        known = [
            (each.day, straighten(value)) for each, value in zip(self.history, past, strict=True) if value == value
        ]
        if len(known) < self.settings.least_batches:
            return None
        expected = _expected_by_weekday(known, self.settings)
        usual = expected[self.batch.day.weekday() if self.batch.day else None]
        around = [abs(value - expected[day.weekday() if day else None]) for day, value in known]
        spread = max(_MAD_TO_SIGMA * median(around), least_spread)
        deviations = abs(straighten(seen) - usual) / spread
        if deviations <= self.settings.threshold:
            return None
        return Unusual(code, column, category, seen, round(back(usual), 4), round(deviations, 1))


def _count_of(column: str, code: str) -> Callable[[Observed], int]:
    return lambda batch: batch.categories.get(column, {}).get(code, 0)


def _arcsine(share: float) -> float:
    """Return a share so transformed that its sampling error is the same everywhere."""
    return math.asin(math.sqrt(min(share, 1.0)))


def _share_of(arcsine: float) -> float:
    return math.sin(arcsine) ** 2


def _expected_by_weekday(
    known: Sequence[tuple[date | None, float]], settings: AnomalySettings
) -> dict[int | None, float]:
    """Return weekday → median of its latest days; with too few, of weekends or working days alike, else of all days.

    The key None stands for a day that is not known.
    """
    every = [value for _, value in known]
    found: dict[int | None, float] = {None: median(every)}
    for weekday in range(7):
        same = [value for day, value in known if day is not None and day.weekday() == weekday]
        alike = [value for day, value in known if day is not None and (day.weekday() >= 5) == (weekday >= 5)]
        least, most = settings.least_same_weekdays, settings.same_weekdays
        found[weekday] = median(same[-most:] if len(same) >= least else alike if len(alike) >= least else every)
    return found
