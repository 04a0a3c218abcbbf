"""What the exchange catalogue does by itself every day (每日巡检): limits, terms of grants, drift of sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.control.clocks import Notice, tick
from catalog.control.correction_cases import start_mending
from catalog.control.entries import watch_drift
from catalog.control.events import tell
from catalog.control.grant_tables import AccessGrant
from catalog.control.grants import due_for_renewal, expire_grants, sides_of, told_of
from catalog.control.lists import start_missing_clocks
from catalog.model.catalogue_entry import Entry

ENDING = (30, 7)
"""Days before the last day of a grant within which its two sides are told."""


@dataclass(frozen=True)
class DayOutcome:
    """What a day brought."""

    notices: tuple[Notice, ...]
    """Limits that are near, over, or go to the government, each told once."""
    expired: tuple[str, ...]
    """Grants whose term ended."""
    ending: tuple[str, ...]
    """Grants that end within thirty days."""
    drifted: tuple[str, ...]
    """Codes whose source has left the published entry since the last look."""


def run_day(session: Session, entries: Mapping[str, Entry], today: date) -> DayOutcome:
    """Look at everything that depends on the calendar, and tell whom it concerns; safe to repeat, also at one time.

    Args:
        session: An open transaction.
        entries: Code → the entry that the contract leads to today.
        today: Official day.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('exchange_day', 0))"))
    drifted = watch_drift(session, entries, today)
    start_mending(session, today)
    start_missing_clocks(session)
    notices = tick(session, today)
    for notice in notices:
        told = {"number": notice.number, "limit": notice.limit_id, "due_on": notice.due_on}
        tell(session, f"clock.{notice.level}", f"{notice.kind}:{notice.number}", {"provider": notice.responsible}, told)
    expired = expire_grants(session, today)
    ending = due_for_renewal(session, today, within_days=max(ENDING))
    for grant in ending:
        _tell_ending(session, grant, today)
    return DayOutcome(tuple(notices), tuple(expired), tuple(grant.number for grant in ending), tuple(drifted))


def _tell_ending(session: Session, grant: AccessGrant, today: date) -> None:
    """Tell that a grant ends within thirty days, and again within seven; each once for each last day of its term."""
    days = min(limit for limit in ENDING if grant.valid_to <= today + timedelta(days=limit))
    told = {"number": grant.number, "state": grant.state, "days": days, **told_of(grant)}
    once = f"grant.ending/{grant.number}/{grant.valid_to}/{days}"
    tell(session, "grant.ending", f"grant:{grant.number}", sides_of(grant), told, once=once)
