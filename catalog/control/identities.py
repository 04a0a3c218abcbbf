"""Where entity ids went (实体标识沿革): merges redirect, splits restore, and the history of both stays.

Invariant: redirects have no circle, and each id has at most one standing redirect.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.linkage_tables import EntityRedirect, RecordAssignment, ReviewDecision, ReviewPair
from catalog.model.errors import GuantongError


class IdentityRefusedError(GuantongError):
    """Entities cannot be merged or split as asked."""

    code = "IDENTITY_REFUSED"


def redirects_of(session: Session, library: str) -> dict[str, str]:
    """Return id → the id that stands for it now, through every redirect that stands."""
    query = select(EntityRedirect).where(EntityRedirect.library == library, EntityRedirect.ended_at.is_(None))
    onward = {row.from_id: row.to_id for row in session.scalars(query)}
    return {start: _end(onward, start) for start in onward}


def current_id(session: Session, library: str, entity_id: str) -> str:
    """Return the id that stands for ``entity_id`` now: itself, when nobody merged it."""
    return redirects_of(session, library).get(entity_id, entity_id)


def merge_entities(session: Session, library: str, kept: str, gone: Sequence[str], *, by: str, note: str = "") -> None:
    """Redirect ``gone`` to ``kept``.

    Raises:
        IdentityRefusedError: when an id is merged already, merged with itself, or no person is named.
    """
    target = current_id(session, library, kept)
    for entity_id in gone:
        if not by.strip() or current_id(session, library, entity_id) == target:
            raise IdentityRefusedError(
                f"{entity_id} cannot be merged into {kept}", remedy="they are one already, or no name"
            )
        if entity_id in redirects_of(session, library):
            raise IdentityRefusedError(
                f"{entity_id} was merged before",
                remedy=f"split it first, or merge {current_id(session, library, entity_id)}",
            )
        session.add(EntityRedirect(library=library, from_id=entity_id, to_id=target, recorded_by=by, note=note))
        session.flush()


def restore_entity(session: Session, library: str, entity_id: str, *, by: str) -> None:
    """End the redirect from ``entity_id``: it is an entity of its own again.

    Raises:
        IdentityRefusedError: when none stands.
    """
    query = select(EntityRedirect).where(
        EntityRedirect.library == library, EntityRedirect.from_id == entity_id, EntityRedirect.ended_at.is_(None)
    )
    redirect = session.scalars(query.with_for_update()).one_or_none()
    if redirect is None or not by.strip():
        raise IdentityRefusedError(
            f"{entity_id} was not merged into another", remedy="name the records that leave it with --record"
        )
    redirect.ended_by, redirect.ended_at = by, utc_now()
    session.flush()


def assign_record(session: Session, library: str, record_id: str, entity_id: str, *, by: str, note: str = "") -> None:
    """Put a record into an entity, whatever keys and model say; an earlier assignment ends."""
    query = select(RecordAssignment).where(
        RecordAssignment.library == library,
        RecordAssignment.record_id == record_id,
        RecordAssignment.ended_at.is_(None),
    )
    for earlier in session.scalars(query.with_for_update()):
        earlier.ended_by, earlier.ended_at = by, utc_now()
    session.flush()
    session.add(RecordAssignment(library=library, record_id=record_id, entity_id=entity_id, recorded_by=by, note=note))
    session.flush()


def assignments_of(session: Session, library: str) -> dict[str, str]:
    """Return record → entity id, for the records that persons have assigned."""
    query = select(RecordAssignment).where(RecordAssignment.library == library, RecordAssignment.ended_at.is_(None))
    return {row.record_id: row.entity_id for row in session.scalars(query)}


def linked_by_persons(session: Session, library: str, records: Collection[str]) -> dict[str, list[str]]:
    """Return record → who put it where it belongs, or said that it is another's: standing decisions only."""
    assigned = select(RecordAssignment.record_id, RecordAssignment.recorded_by).where(
        RecordAssignment.library == library,
        RecordAssignment.record_id.in_(records),
        RecordAssignment.ended_at.is_(None),
    )
    found = {record: [by] for record, by in session.execute(assigned)}
    paired = (
        select(ReviewPair.left_record, ReviewPair.right_record, ReviewDecision.decided_by)
        .join(ReviewDecision, ReviewDecision.pair_id == ReviewPair.id)
        .where(ReviewPair.library == library, ReviewPair.state == "link", ReviewDecision.undone_at.is_(None))
        .where(or_(ReviewPair.left_record.in_(records), ReviewPair.right_record.in_(records)))
        .order_by(ReviewDecision.id)
    )
    for left, right, by in session.execute(paired):
        for record in {left, right}.intersection(records):
            found.setdefault(record, []).append(by)
    return found


def merged_by(session: Session, library: str, entity_ids: Collection[str]) -> dict[str, str]:
    """Return id → who or what merged it into another: a person, or the version of a model."""
    query = select(EntityRedirect.from_id, EntityRedirect.recorded_by).where(
        EntityRedirect.library == library, EntityRedirect.from_id.in_(entity_ids), EntityRedirect.ended_at.is_(None)
    )
    return dict(session.execute(query).all())


def history_of(session: Session, library: str, entity_id: str) -> list[EntityRedirect]:
    """Return every redirect from or to an id, the ended ones too, in order."""
    touched = (EntityRedirect.from_id == entity_id) | (EntityRedirect.to_id == entity_id)
    query = select(EntityRedirect).where(EntityRedirect.library == library, touched).order_by(EntityRedirect.id)
    return list(session.scalars(query))


def _end(onward: dict[str, str], start: str) -> str:
    seen, current = {start}, onward[start]
    while current in onward and current not in seen:
        seen.add(current)
        current = onward[current]
    return current
