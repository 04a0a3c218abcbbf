"""Numbers and history of procedures (编号与办理记录), the same for applications, demands, entries and cases.

Invariant: a step that is written into a history is told in the same transaction to those whom it concerns.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from catalog.control.acting import acts_taken, require_accountable
from catalog.control.events import tell
from catalog.control.life_tables import LifeEvent, Numbering
from catalog.model.event_kinds import Sides, kind_of_step
from catalog.model.state_machine import Actor, Machine, Party, Transition

PREFIXES = {
    "correction_case": "COR",
    "catalogue_entry": "ENT",
    "demand": "DEM",
    "application": "APP",
    "grant": "GRA",
    "dispute": "DIS",
    "standing_authorisation": "STA",
    "withdrawal": "WDR",
}
"""Kind of procedure → first letters of its numbers."""


def next_number(session: Session, kind: str, year: int) -> str:
    """Return the next number of a kind in a year, such as ``COR-2026-000001``; none is given twice or left out."""
    return next_numbers(session, kind, year, 1)[0]


def next_numbers(session: Session, kind: str, year: int, count: int) -> list[str]:
    """Return the next ``count`` numbers of a kind in a year, at least one, in order."""
    statement = insert(Numbering).values(kind=kind, year=year, last=count)
    taken = statement.on_conflict_do_update(index_elements=["kind", "year"], set_={"last": Numbering.last + count})
    last = session.scalars(taken.returning(Numbering.last)).one()
    return [f"{PREFIXES[kind]}-{year}-{number:06d}" for number in range(last - count + 1, last + 1)]


def record_event(
    session: Session,
    kind: str,
    number: str,
    *,
    act: str,
    from_state: str | None,
    to_state: str,
    actor: Actor,
    at: datetime,
    sides: Sides,
    told: Mapping[str, Any],
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one step of a procedure into its history, and tell it to those whom it concerns.

    Args:
        session: the transaction of the step.
        kind: of procedure.
        number: of the matter.
        act: the step.
        from_state: before it.
        to_state: after it.
        actor: who took it.
        at: when.
        sides: who stands where in the matter.
        told: what its events tell beside number and state.
        detail: what was stated with it; only the history has it.

    Raises:
        SystemUnaccountableError: a system acts for which no officer answers.
    """
    require_accountable(session, actor.name)
    session.add(
        LifeEvent(
            kind=kind,
            number=number,
            act=act,
            from_state=from_state,
            to_state=to_state,
            by=actor.name,
            department=actor.department,
            detail=_plain(detail or {}),
            at=at,
        )
    )
    session.flush()
    event = kind_of_step(kind, act)
    tell(session, event.kind, f"{event.object}:{number}", sides, {"number": number, "state": to_state, **told})


Record = TypeVar("Record")


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was stated with an act as a document keeps it: days as YYYY-MM-DD."""
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in detail.items()}


class _HasState(Protocol):
    number: Any
    state: Any


def require_step(
    session: Session,
    machine: Machine,
    kind: str,
    record: _HasState,
    act: str,
    actor: Actor,
    parties: Collection[Party],
    facts: Mapping[str, Any] | None,
) -> Transition:
    """Return the transition that an act is, or refuse it: also to who has had a hand in the matter (回避).

    Raises:
        MoveRefusedError, NotAPartyError, FactMissingError: as :meth:`Machine.step`.
        OwnDecisionError: as :meth:`Machine.require_apart`.
    """
    transition = machine.step(str(record.state), act, actor, parties, facts)
    if transition.decides:
        machine.require_apart(transition, actor, acts_taken(session, actor.name, kind, record.number))
    return transition


def take_step(
    session: Session,
    kind: str,
    record: _HasState,
    transition: Transition,
    actor: Actor,
    facts: Mapping[str, Any] | None,
    at: datetime,
    *,
    sides: Sides,
    told: Mapping[str, Any],
) -> None:
    """Take a step that :func:`require_step` allowed; write it into the history and tell it, as :func:`record_event`."""
    before = str(record.state)
    record.state = transition.target
    record_event(
        session, kind, record.number, act=transition.act, from_state=before, to_state=transition.target, actor=actor,
        at=at, detail=facts, sides=sides, told=told,
    )  # fmt: skip


def newest(
    session: Session, query: Select[Record], number: InstrumentedAttribute[str], before: str, limit: int | None
) -> Sequence[Record]:
    """Return what a query finds, newest number first, from below a number on and at most so many."""
    if before:
        query = query.where(number < before)
    return session.scalars(query.order_by(number.desc()).limit(limit)).all()


def history(session: Session, kind: str, number: str) -> Sequence[LifeEvent]:
    """Return the steps of one procedure, oldest first."""
    query = select(LifeEvent).where(LifeEvent.kind == kind, LifeEvent.number == number)
    return session.scalars(query.order_by(LifeEvent.id)).all()


def last_step(session: Session, kind: str, number: str, *acts: str) -> LifeEvent | None:
    """Return the newest step of one procedure among some acts."""
    query = select(LifeEvent).where(LifeEvent.kind == kind, LifeEvent.number == number, LifeEvent.act.in_(acts))
    return session.scalars(query.order_by(LifeEvent.id.desc()).limit(1)).one_or_none()
