"""Clocks of procedures (办理时限): started, paused, extended once with consent, warned of, escalated, stopped.

Invariant: a clock keeps the limit that was in force on the day it started; a later profile changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from catalog.control.acting import is_one_person, require_accountable
from catalog.control.clock_tables import ClockRecord
from catalog.control.events import tell
from catalog.model.deadlines import Clock, Pause, load_deadlines
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import Sides
from catalog.model.settings import get_settings
from catalog.model.state_machine import Actor
from catalog.model.working_days import working_calendar

ZONE = ZoneInfo("Asia/Shanghai")


class ClockError(GuantongError):
    """A clock cannot be found or cannot do that."""

    code = "CLOCK_INVALID"


@dataclass(frozen=True)
class Notice:
    """What somebody must hear: `warned`, `due`, `overdue` (the host authority too) or `escalated` (to the government).

    `due` is told on the last day itself, of limits that say so.
    """

    level: str
    kind: str
    number: str
    limit_id: str
    responsible: str
    due_on: date
    is_provisional: bool


def local_day(moment: datetime) -> date:
    """Return the official day (北京时间) of a moment.

    >>> from datetime import UTC
    >>> local_day(datetime(2026, 3, 1, 18, tzinfo=UTC))
    datetime.date(2026, 3, 2)
    """
    return moment.astimezone(ZONE).date()


def start_clock(
    session: Session,
    kind: str,
    number: str,
    limit_id: str,
    responsible: str,
    on: date,
    *,
    jurisdiction: str | None = None,
) -> ClockRecord:
    """Start the clock of a limit for a matter; the day itself does not count.

    Raises:
        DeadlineError: when the jurisdiction has no such limit.
    """
    record = _new_clock(kind, number, limit_id, responsible, on, jurisdiction or get_settings().jurisdiction)
    session.add(record)
    session.flush()
    return record


def start_dated_clock(
    session: Session, kind: str, number: str, limit_id: str, responsible: str, on: date, due_on: date, citation: str
) -> ClockRecord:
    """Start the clock of a matter whose last day is given; one on a day of rest moves to the next working day (顺延).

    Args:
        session: An open transaction.
        kind: Kind of matter.
        number: Its number.
        limit_id: Limit that says whom to tell and when; its length does not count.
        responsible: Department that must act.
        on: Day of the event; one after the last day starts the clock on the day before that, so that it is over.
        due_on: Last day.
        citation: What gives the day.

    Raises:
        DeadlineError: when the jurisdiction of the settings has no such limit.
    """
    start = min(on, due_on - timedelta(days=1))
    record = _new_clock(kind, number, limit_id, responsible, on, get_settings().jurisdiction)
    record.started_on, record.days, record.unit = start, (due_on - start).days, "calendar"
    record.citation = citation
    _set_end(record)
    session.add(record)
    session.flush()
    return record


def start_clocks(session: Session, kind: str, responsible: Mapping[str, str], limit_id: str, on: date) -> None:
    """Start the clock of one limit for many matters, number → department that must act, in one statement.

    Raises:
        DeadlineError: when the jurisdiction of the settings has no such limit.
    """
    place = get_settings().jurisdiction
    records = [_new_clock(kind, number, limit_id, who, on, place) for number, who in responsible.items()]
    columns = [column.key for column in ClockRecord.__table__.columns if column.key != "id"]
    if records:
        session.execute(insert(ClockRecord), [{name: getattr(r, name) for name in columns} for r in records])


def _new_clock(kind: str, number: str, limit_id: str, responsible: str, on: date, place: str) -> ClockRecord:
    limit = load_deadlines().limit(limit_id, place, on)
    record = ClockRecord(
        kind=kind,
        number=number,
        limit_id=limit_id,
        jurisdiction=place,
        what=limit.what,
        citation=limit.citation,
        responsible=responsible,
        started_on=on,
        days=limit.days,
        unit=limit.unit,
        warn_before=limit.warn_before,
        tells_when_due=limit.tells_when_due,
        escalate_after=limit.escalate_after,
        pauses=[],
        extension=limit.extension.model_dump() if limit.extension else {},
        extended_by=0,
        status="running",
    )
    _set_end(record)
    return record


def running_clock(session: Session, kind: str, number: str, limit_id: str | None = None) -> ClockRecord | None:
    """Return the clock that runs or stands still for a matter, locked; of one limit if asked."""
    query = select(ClockRecord).where(
        ClockRecord.kind == kind, ClockRecord.number == number, ClockRecord.status.in_(("running", "paused"))
    )
    if limit_id is not None:
        query = query.where(ClockRecord.limit_id == limit_id)
    return session.scalars(query.order_by(ClockRecord.id.desc()).limit(1).with_for_update()).one_or_none()


def pause_clock(session: Session, kind: str, number: str, on: date) -> None:
    """Let the clock of a matter stand still from the day after ``on``."""
    record = _required(session, kind, number)
    if record.status != "paused":
        record.pauses = [*record.pauses, [on.isoformat(), None]]
        record.status = "paused"
        _set_end(record)


def resume_clock(session: Session, kind: str, number: str, on: date) -> None:
    """Let a clock that stands still go on; the day itself does not count."""
    record = _required(session, kind, number)
    if record.status == "paused":
        record.pauses = [*record.pauses[:-1], [record.pauses[-1][0], on.isoformat()]]
        record.status = "running"
        _set_end(record)


def ask_extension(session: Session, kind: str, number: str, actor: Actor, reason: str) -> ClockRecord:
    """Ask for the one extension that the limit allows.

    Raises:
        ClockError: the limit allows none, it was asked for before, or somebody else's department must act.
    """
    record = _required(session, kind, number)
    if not record.extension:
        raise ClockError(f"{record.what} is never extended", place=record.citation, remedy="answer within the limit")
    if record.extension_asked_by is not None:
        raise ClockError(f"an extension of {number} was asked for already", remedy="it is given once")
    if actor.department != record.responsible or not reason:
        raise ClockError("an extension is asked for by the department that must act, with a reason")
    require_accountable(session, actor.name)
    record.extension_asked_by, record.extension_reason = actor.name, reason
    session.flush()
    _tell(session, "clock.extension_asked", record)
    return record


def decide_extension(
    session: Session, kind: str, number: str, actor: Actor, *, consents: bool, on: date
) -> ClockRecord:
    """Consent to the extension asked for, or not; the host authority decides, never who asked.

    Raises:
        ClockError: nothing was asked for or it is decided, the actor is not the host authority, or the end has passed.
    """
    record = _required(session, kind, number)
    if record.extension_asked_by is None or record.extension_decided_by is not None:
        raise ClockError(f"no extension of {number} waits for a decision")
    if "host_authority" not in actor.roles or is_one_person(session, actor.name, [record.extension_asked_by]):
        raise ClockError("the host authority consents to extensions, and nobody to their own")
    if consents and record.due_on is not None and on > record.due_on:
        raise ClockError(f"the limit ended on {record.due_on}: what is over cannot be extended")
    record.extension_decided_by = actor.name
    if consents:
        record.extended_by = int(record.extension["days"])
        record.warned_on = None
        _set_end(record)
    session.flush()
    _tell(session, "clock.extension_decided", record)
    return record


def stop_clock(session: Session, kind: str, number: str, on: date, limit_id: str | None = None) -> ClockRecord | None:
    """End the clock of a matter as `met` or `late`, because what was due has happened; without one, do nothing."""
    record = running_clock(session, kind, number, limit_id)
    if record is not None:
        _stop(record, on)
    return record


def stop_clocks(session: Session, kind: str, numbers: Collection[str], on: date) -> None:
    """End every clock of many matters, as :func:`stop_clock` ends one."""
    query = select(ClockRecord).where(
        ClockRecord.kind == kind, ClockRecord.number.in_(numbers), ClockRecord.status.in_(("running", "paused"))
    )
    for record in session.scalars(query.order_by(ClockRecord.id).with_for_update()):
        _stop(record, on)


def _stop(record: ClockRecord, on: date) -> None:
    late = record.due_on is not None and on > record.due_on
    _end(record, "late" if late else "met", on)


def cancel_clock(session: Session, kind: str, number: str, on: date, limit_id: str | None = None) -> None:
    """End every clock of a matter that has become pointless; of one limit if asked."""
    while (record := running_clock(session, kind, number, limit_id)) is not None:
        _end(record, "cancelled", on)
        session.flush()


def clocks_of(session: Session, kind: str, number: str) -> Sequence[ClockRecord]:
    """Return all clocks of a matter, oldest first."""
    query = select(ClockRecord).where(ClockRecord.kind == kind, ClockRecord.number == number)
    return session.scalars(query.order_by(ClockRecord.id)).all()


def list_clocks(session: Session, *, responsible: str | None = None, status: str = "running") -> Sequence[ClockRecord]:
    """Return the clocks of a status, the nearest end first, of one department if asked."""
    query = select(ClockRecord).where(ClockRecord.status == status).order_by(ClockRecord.due_on, ClockRecord.id)
    if responsible is not None:
        query = query.where(ClockRecord.responsible == responsible)
    return session.scalars(query).all()


def tick(session: Session, today: date) -> list[Notice]:
    """Look at every running clock, and return whom to tell what for the first time; safe to repeat.

    Ends that depended on a year not yet announced are computed anew.
    """
    notices = []
    running = select(ClockRecord).where(ClockRecord.status == "running").with_for_update(skip_locked=True)
    for record in session.scalars(running.order_by(ClockRecord.id)):
        if record.is_provisional:
            _set_end(record)
        notices += [_notice(record, level) for level in _due_levels(record, today)]
    session.flush()
    return notices


def _tell(session: Session, kind: str, record: ClockRecord) -> None:
    told = {"number": record.number, "limit": record.limit_id, "due_on": record.due_on}
    sides: Sides = {"provider": record.responsible}
    tell(session, kind, f"{record.kind}:{record.number}", sides, {**told, "extended_by": record.extended_by})


def _due_levels(record: ClockRecord, today: date) -> list[str]:
    state = _clock(record).state_on(today)
    found = []
    if state == "warned" and record.warned_on is None:
        record.warned_on = today
        found.append("warned")
    if record.tells_when_due and today == record.due_on and record.due_told_on is None:
        record.due_told_on = today
        found.append("due")
    if state == "overdue" and record.due_on is not None:
        if record.overdue_on is None:
            record.overdue_on = today
            found.append("overdue")
        over = working_calendar().between(record.due_on, today)
        if over > record.escalate_after and record.escalated_on is None:
            record.escalated_on = today
            found.append("escalated")
    return found


def _clock(record: ClockRecord) -> Clock:
    pauses = tuple(
        Pause(date.fromisoformat(since), date.fromisoformat(until) if until else None) for since, until in record.pauses
    )
    return Clock(
        record.started_on, record.days, record.unit, record.extended_by, pauses, warn_before=record.warn_before
    )


def _set_end(record: ClockRecord) -> None:
    due = _clock(record).due()
    record.due_on = due.day if due else None
    record.is_provisional = due.is_provisional if due else False


def _end(record: ClockRecord, status: str, on: date) -> None:
    if record.status == "paused":
        record.pauses = [*record.pauses[:-1], [record.pauses[-1][0], on.isoformat()]]
        _set_end(record)
    record.status, record.stopped_on = status, on


def _notice(record: ClockRecord, level: str) -> Notice:
    if record.due_on is None:
        raise ClockError(f"clock {record.id} stands still and has nothing to say")
    return Notice(
        level, record.kind, record.number, record.limit_id, record.responsible, record.due_on, record.is_provisional
    )


def _required(session: Session, kind: str, number: str) -> ClockRecord:
    record = running_clock(session, kind, number)
    if record is None:
        raise ClockError(f"no clock runs for {number}", remedy="`python -m catalog clocks list` shows those that do")
    return record
