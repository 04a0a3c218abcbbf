"""Working days (工作日) with the moved weekends (调休) of the State Council's yearly notices.

A year that is not announced is computed provisionally, from weekends and statutory days, and every answer that
depends on it says so. Invariant: the same day has the same answer for the whole process.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import chinese_calendar
from chinese_calendar import constants

from catalog.model.errors import GuantongError
from catalog.model.settings import CHECKOUT

DEADLINES = CHECKOUT / "catalog" / "deadlines"
OVERRIDES = DEADLINES / "working_days.csv"
_NEXT_NOTICE_FROM = (12, 26)
"""Month and day from which the notice of the next year may move days of this one (2018-12-29, 2022-12-31)."""


class CalendarError(GuantongError):
    """The list of overriding days is malformed, or a day lies outside every calendar."""

    code = "CALENDAR_INVALID"


@dataclass(frozen=True)
class Override:
    """One line of the override list."""

    is_working: bool
    is_announced: bool
    """Whether the yearly notice says so; otherwise it is a statutory day of a year whose notice has not come."""
    citation: str


@dataclass(frozen=True)
class Day:
    """Whether a day is worked, and whether the notice that says so has come."""

    is_working: bool
    is_provisional: bool


@dataclass(frozen=True)
class Due:
    """The last day of a limit (届满日)."""

    day: date
    is_provisional: bool
    """True when a day counted lies in a year whose calendar is not announced."""


class WorkingCalendar:
    """The calendar of the package ``chinesecalendar`` under a list of overriding days."""

    def __init__(self, overrides: Mapping[date, Override] | None = None) -> None:
        self._overrides = dict(overrides or {})
        known = {day.year for day in constants.holidays}
        announced = {day.year for day, line in self._overrides.items() if line.is_announced}
        self._package_years = known
        self._announced = known | announced
        self._first = min(self._announced)
        self._days: dict[date, Day] = {}

    def day(self, day: date) -> Day:
        """Return whether ``day`` is worked.

        Raises:
            CalendarError: before the first year of all notices known.

        >>> working_calendar().day(date(2026, 2, 14)), working_calendar().day(date(2026, 10, 1)).is_working
        (Day(is_working=True, is_provisional=False), False)
        """
        if day.year < self._first:
            raise CalendarError(f"no calendar of working days for {day.year}", remedy=f"it begins in {self._first}")
        if day not in self._days:
            self._days[day] = self._judge(day)
        return self._days[day]

    def _judge(self, day: date) -> Day:
        line = self._overrides.get(day)
        if line is not None and (line.is_announced or day.year not in self._announced):
            return Day(line.is_working, not line.is_announced or self._is_open_end(day))
        if day.year in self._package_years:
            return Day(bool(chinese_calendar.is_workday(day)), self._is_open_end(day))
        return Day(day.weekday() < 5, day.year not in self._announced or self._is_open_end(day))

    def after(self, start: date, days: int, *, unit: str = "working") -> Due:
        """Return the last day of a limit that begins with ``start``, a day that is not counted itself.

        Args:
            start: day of the event.
            days: length, at least 0.
            unit: ``working`` or ``calendar`` days; a limit in calendar days that ends on a day of rest ends on the
                next working day.

        >>> working_calendar().after(date(2026, 9, 30), 1).day
        datetime.date(2026, 10, 8)
        """
        if unit == "calendar":
            return self._first_working(start + timedelta(days=days))
        day, provisional = start, False
        while days > 0:
            day += timedelta(days=1)
            found = self.day(day)
            provisional |= found.is_provisional
            days -= found.is_working
        return Due(day, provisional)

    def between(self, start: date, end: date) -> int:
        """Return how many working days lie after ``start`` up to and with ``end``."""
        return sum(self.day(start + timedelta(days=n)).is_working for n in range(1, (end - start).days + 1))

    def _first_working(self, day: date) -> Due:
        provisional = False
        while True:
            found = self.day(day)
            provisional |= found.is_provisional
            if found.is_working:
                return Due(day, provisional)
            day += timedelta(days=1)

    def _is_open_end(self, day: date) -> bool:
        return (day.month, day.day) >= _NEXT_NOTICE_FROM and day.year + 1 not in self._announced


def read_overrides(path: Path) -> dict[date, Override]:
    """Return the overriding days of a CSV with the columns date, kind, status, citation.

    Raises:
        CalendarError: naming file and line of what is malformed or stands twice.
    """
    found: dict[date, Override] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for line, row in enumerate(csv.DictReader(lines), start=2):
            place = f"{path}, line {line}"
            try:
                day = date.fromisoformat(row["date"])
            except (KeyError, TypeError, ValueError) as error:
                raise CalendarError("no date", place=place, remedy="write date,kind,status,citation") from error
            status, kind = row.get("status"), row.get("kind")
            if kind not in ("rest", "work") or not row.get("citation") or day in found:
                raise CalendarError(f"{day} is malformed or stands twice", place=place, remedy="kind is rest or work")
            if status not in ("announced", "provisional"):
                raise CalendarError(f"{day}: status {status!r}", place=place, remedy="announced or provisional")
            found[day] = Override(kind == "work", status == "announced", row["citation"])
    return found


@lru_cache(maxsize=1)
def working_calendar() -> WorkingCalendar:
    """Return the project's calendar, read once."""
    return WorkingCalendar(read_overrides(OVERRIDES))
