"""What the exchange catalogue does by itself every day (每日巡检): limits, terms of grants, drift of sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.control.clocks import Notice, tick
from catalog.control.entries import watch_drift
from catalog.control.events import emit
from catalog.control.grants import due_for_renewal, expire_grants, find_grant
from catalog.control.lists import start_missing_clocks
from catalog.model.catalogue_entry import Entry
from catalog.model.departments import host_department

TOLD_TO_HOST = ("overdue", "escalated")
"""Levels of notices that the host authority hears beside the department that must act."""


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
    start_missing_clocks(session)
    notices = tick(session, today)
    for notice in notices:
        heard = {notice.responsible} | ({host_department()} if notice.level in TOLD_TO_HOST else set())
        payload = {"limit": notice.limit_id, "due_on": notice.due_on.isoformat()}
        place = f"{notice.kind}:{notice.number}"
        emit(session, f"clock.{notice.level}", place, departments=sorted(heard), payload=payload)
    expired = expire_grants(session, today)
    for number in expired:
        ended = find_grant(session, number)
        emit(session, "grant.expire", f"grant:{number}", departments=(ended.department, ended.provider))
    ending = [grant.number for grant in due_for_renewal(session, today)]
    return DayOutcome(tuple(notices), tuple(expired), tuple(ending), tuple(drifted))
