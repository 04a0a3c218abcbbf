"""Limits by jurisdiction (办理时限): ``catalog/deadlines/*.yml``, each limit with its citation, and the clock on one.

Invariant: of one jurisdiction at most one version is in force on a day; a profile states only what differs from the
one that it extends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from catalog.model.contract import Name, Strict
from catalog.model.errors import GuantongError
from catalog.model.working_days import DEADLINES, Due, WorkingCalendar, working_calendar

Mark = Literal["S", "A", "M"]


class DeadlineError(GuantongError):
    """A profile is malformed, or has no such limit."""

    code = "DEADLINE_INVALID"


class Extension(Strict):
    """By how much a limit may be extended, once."""

    days: int = Field(ge=1, le=60)
    consent: Literal["host"] = "host"
    """Whose consent it takes: 主管部门."""
    citation: str = Field(min_length=1)
    mark: Mark


class Limit(Strict):
    """One limit (时限)."""

    days: int = Field(ge=1, le=366)
    unit: Literal["working", "calendar"] = "working"
    what: str = Field(min_length=1)
    """What must have happened by then, in Chinese."""
    warn_before: int = Field(default=1, ge=0)
    """Working days before the end from which the responsible department is warned."""
    tells_when_due: bool = False
    """Whether the responsible department hears on the last day itself too."""
    escalate_after: int = Field(default=5, ge=0)
    """Working days over the end after which it goes to the government; the host authority hears at once."""
    extension: Extension | None = None
    citation: str = Field(min_length=1)
    mark: Mark
    """S read in a source, A computed from one, M from memory."""


class ProfileVersion(Strict):
    """The limits of a jurisdiction from one day to another."""

    valid_from: date
    valid_to: date | None = None
    citation: str = Field(min_length=1)
    limits: dict[Name, Limit]


class Profile(Strict):
    """One jurisdiction (辖区)."""

    jurisdiction: Name
    name: str
    extends: Name | None = None
    versions: list[ProfileVersion] = Field(min_length=1)


class Deadlines:
    """All profiles, by jurisdiction."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._profiles = dict(profiles)
        for profile in profiles.values():
            self._refuse_overlaps(profile)
            self._lineage(profile.jurisdiction)

    def jurisdictions(self) -> list[str]:
        """Return the jurisdictions, in order."""
        return sorted(self._profiles)

    def limit(self, limit_id: str, jurisdiction: str, day: date) -> Limit:
        """Return the limit of a jurisdiction in force on ``day``, its own or the one it takes over.

        Raises:
            DeadlineError: when nobody in its lineage has such a limit on that day.
        """
        return self._find(limit_id, jurisdiction, day)[0]

    def in_force(self, jurisdiction: str, day: date) -> dict[str, tuple[Limit, str]]:
        """Return every limit in force on ``day`` with the jurisdiction that it stands in."""
        names = {
            name for profile in self._lineage(jurisdiction) for version in _on(profile, day) for name in version.limits
        }
        return {name: self._find(name, jurisdiction, day) for name in sorted(names)}

    def _find(self, limit_id: str, jurisdiction: str, day: date) -> tuple[Limit, str]:
        for profile in self._lineage(jurisdiction):
            for version in _on(profile, day):
                if limit_id in version.limits:
                    return version.limits[limit_id], profile.jurisdiction
        raise DeadlineError(
            f"jurisdiction {jurisdiction} has no limit {limit_id} on {day}",
            place=str(DEADLINES),
            remedy="`python -m catalog clocks limits` shows those there are",
        )

    def _lineage(self, jurisdiction: str) -> list[Profile]:
        found: list[Profile] = []
        following: str | None = jurisdiction
        while following is not None:
            if following not in self._profiles or any(p.jurisdiction == following for p in found):
                known = ", ".join(self.jurisdictions())
                raise DeadlineError(f"no jurisdiction {following!r}, or it extends itself", remedy=f"one of: {known}")
            found.append(self._profiles[following])
            following = found[-1].extends
        return found

    def _refuse_overlaps(self, profile: Profile) -> None:
        ordered = sorted(profile.versions, key=lambda version: version.valid_from)
        for earlier, later in pairwise(ordered):
            if (earlier.valid_to or date.max) >= later.valid_from:
                raise DeadlineError(
                    f"versions of {profile.jurisdiction} overlap on {later.valid_from}",
                    place=str(DEADLINES / f"{profile.jurisdiction}.yml"),
                    remedy="end the earlier version on the day before",
                )


@dataclass(frozen=True)
class Pause:
    """A time that does not count (中止): after ``since`` up to and with ``until``; still going on without ``until``."""

    since: date
    until: date | None = None


@dataclass(frozen=True)
class Clock:
    """A limit that runs for one matter."""

    started: date
    """Day of the event; not counted."""
    days: int
    unit: str = "working"
    extended_by: int = 0
    pauses: tuple[Pause, ...] = ()
    warn_before: int = 1

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        return bool(self.pauses) and self.pauses[-1].until is None

    def due(self, calendar: WorkingCalendar | None = None) -> Due | None:
        """Return its last day; None while it stands still.

        >>> Clock(date(2026, 9, 28), 3).due().day
        datetime.date(2026, 10, 8)
        """
        if self.is_paused:
            return None
        known = calendar or working_calendar()
        left, day, provisional = self.days + self.extended_by, self.started, False
        while left > 0:
            day += timedelta(days=1)
            if any(pause.since < day <= (pause.until or date.max) for pause in self.pauses):
                continue
            found = known.day(day)
            provisional |= found.is_provisional
            left -= 1 if self.unit == "calendar" else found.is_working
        if self.unit == "calendar":
            moved = known.after(day, 0, unit="calendar")
            return Due(moved.day, provisional or moved.is_provisional)
        return Due(day, provisional)

    def state_on(self, today: date, calendar: WorkingCalendar | None = None) -> str:
        """Return ``paused``, ``running``, ``warned`` or ``overdue``."""
        known = calendar or working_calendar()
        due = self.due(known)
        if due is None:
            return "paused"
        if today > due.day:
            return "overdue"
        return "warned" if known.between(today, due.day) <= self.warn_before else "running"


def read_profile(path: Path) -> Profile:
    """Return the profile of one file.

    Raises:
        DeadlineError: naming the file and every key that is wrong.
    """
    remedy = "catalog/deadlines/README.md explains every key"
    try:
        profile = Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise DeadlineError(str(error), place=str(path), remedy=remedy) from error
    if profile.jurisdiction != path.stem:
        raise DeadlineError(
            f"jurisdiction {profile.jurisdiction} lies in the wrong file", place=str(path), remedy=remedy
        )
    return profile


@lru_cache(maxsize=1)
def load_deadlines() -> Deadlines:
    """Return the project's profiles, read once."""
    profiles = [read_profile(path) for path in sorted(DEADLINES.glob("*.yml"))]
    return Deadlines({profile.jurisdiction: profile for profile in profiles})


def _on(profile: Profile, day: date) -> list[ProfileVersion]:
    return [v for v in profile.versions if v.valid_from <= day <= (v.valid_to or date.max)]
