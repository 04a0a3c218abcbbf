"""Which demonstration day comes next (演示日): 1, 2, …, each with a business date of its own.

Invariant: a day counts as done only when its run was in order; a run that was not is tried again under the same day.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from infra.demonstration.create import last_day, read_report
from infra.stack.home import read_json, write_private

FIRST_DATE = date(2026, 3, 2)
"""Business date of day 1 unless ``BUSINESS_DATE`` says otherwise: a Monday, and the same tables on every machine."""


@dataclass(frozen=True)
class Day:
    """One demonstration day."""

    number: int
    business_date: date
    """The date that every command of the day works for."""


def next_day(home: Path) -> Day:
    """Return the day after the last that was in order."""
    number = int(read_json(_record(home)).get("days_done", 0)) + 1
    if last_day(home):
        first = read_report(home, 1).business_date
    else:
        first = date.fromisoformat(os.environ.get("BUSINESS_DATE") or FIRST_DATE.isoformat())
    return Day(number, first + timedelta(days=number - 1))


def mark_done(home: Path, day: Day) -> None:
    """Record that ``day`` was in order."""
    write_private(_record(home), json.dumps({"days_done": day.number}) + "\n")


def _record(home: Path) -> Path:
    return home / "demonstration.json"
