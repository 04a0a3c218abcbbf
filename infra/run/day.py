"""Which demonstration day comes next (演示日): 1, 2, …, each with a business date of its own.

Invariant: a day counts as done only when its run succeeded; a run that failed is tried again under the same day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from infra.stack.home import read_json, write_private

FIRST_DATE = date(2026, 3, 2)
"""Business date of day 1: a Monday, the same on every machine, so that the same seed gives the same tables."""


@dataclass(frozen=True)
class Day:
    """One demonstration day."""

    number: int

    @property
    def business_date(self) -> date:
        """The date that every command of the day works for."""
        return FIRST_DATE + timedelta(days=self.number - 1)


def _record(home: Path) -> Path:
    return home / "demonstration.json"


def next_day(home: Path) -> Day:
    """Return the day after the last that succeeded."""
    return Day(int(read_json(_record(home)).get("days_done", 0)) + 1)


def mark_done(home: Path, day: Day) -> None:
    """Record that ``day`` succeeded."""
    write_private(_record(home), json.dumps({"days_done": day.number}) + "\n")
