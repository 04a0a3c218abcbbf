"""The inbox of a department (部门收件箱): the events that concern it, which are read, and who acknowledged them.

Invariant: a department sees and marks its own events only; what was read or acknowledged first stays as it was.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.event_tables import Event, EventMark

Received = tuple[Event, EventMark | None]
"""An event and what the department has done with it; None while it is unread."""


def list_events(
    session: Session,
    department: str,
    *,
    kinds: Collection[str] = (),
    is_unread: bool = False,
    after: int = 0,
    limit: int = 100,
) -> Sequence[Received]:
    """Return the events that concern a department, oldest first.

    Args:
        session: an open session.
        department: whose inbox.
        kinds: only these; all when there are none.
        is_unread: only what nobody of the department has read.
        after: number of the event after which the page begins.
        limit: at most so many.
    """
    query = _inbox(department).where(Event.id > after)
    if kinds:
        query = query.where(Event.kind.in_(kinds))
    if is_unread:
        query = query.where(EventMark.event_id.is_(None))
    return [(event, mark) for event, mark in session.execute(query.order_by(Event.id).limit(limit))]


def count_unread(session: Session, department: str) -> dict[str, int]:
    """Return how many events nobody of a department has read, by kind."""
    unread = _inbox(department).where(EventMark.event_id.is_(None)).with_only_columns(Event.kind, func.count())
    rows = session.execute(unread.group_by(Event.kind).order_by(Event.kind))
    return {row[0]: row[1] for row in rows}


def find_event(session: Session, department: str, number: int) -> Received | None:
    """Return an event that concerns a department; None where there is none, or it is another department's."""
    found = session.execute(_inbox(department).where(Event.id == number)).one_or_none()
    return None if found is None else (found[0], found[1])


def mark_read(session: Session, department: str, number: int, account: str) -> bool:
    """Mark an event of a department as read; tell whether it was unread."""
    mark = insert(EventMark).values(event_id=number, department=department, read_by=account)
    return session.scalar(mark.on_conflict_do_nothing().returning(EventMark.event_id)) is not None


def acknowledge(session: Session, department: str, number: int, account: str) -> bool:
    """Acknowledge an event of a department (签收), which reads it too; tell whether nobody had yet."""
    mark_read(session, department, number, account)
    own = (EventMark.event_id == number, EventMark.department == department, EventMark.acknowledged_at.is_(None))
    values = {"acknowledged_at": func.now(), "acknowledged_by": account}
    statement = update(EventMark).where(*own).values(values).returning(EventMark.event_id)
    return session.scalar(statement) is not None


def _inbox(department: str) -> Select[Event, EventMark]:
    own = and_(EventMark.event_id == Event.id, EventMark.department == department)
    query = select(Event, EventMark).join(EventMark, own, isouter=True)
    return query.where(Event.departments.contains([department])).execution_options(populate_existing=True)
