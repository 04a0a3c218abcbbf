"""Correction cases of a comparison of sources (多源校核), raised and ended by hundreds in a few statements.

Invariant: as for cases raised singly, on one row, column and doubted department at most one case is open; each has the
number, history, clock and events that a single one would have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text, tuple_
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.case_events import KIND, Step, tell_steps
from catalog.control.clocks import local_day, start_clocks, stop_clocks
from catalog.control.correction_tables import CorrectionCase
from catalog.control.life import next_numbers
from catalog.control.life_tables import LifeEvent
from catalog.model.correction import CLOSED, CORRECTION, RAISED, UNCORRECTED
from catalog.model.state_machine import SYSTEM, parties_of

COMPARISON = "comparison"
LIMIT = "reply_correction"
Row = dict[str, Any]
Place = tuple[str, str, str]
"""Row key, column and doubted department."""
_LOCKED = text(
    "SELECT pg_advisory_xact_lock(held.place) FROM (SELECT DISTINCT hashtextextended(name, 15) AS place"
    " FROM unnest(CAST(:names AS text[])) AS name ORDER BY place) AS held"
)
"""The lock that raising a single case takes, for many places, always in one order."""


@dataclass(frozen=True)
class Doubt:
    """One disagreement of two sources."""

    row_key: str
    column: str
    element: str | None
    doubted_department: str
    conflict_key: str
    evidence: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Where at most one case is open."""
        return self.row_key, self.column, self.doubted_department


def raise_compared(session: Session, resource: str, doubts: Sequence[Doubt], at: datetime | None = None) -> int:
    """Raise a case for each doubt on whose place the comparison has none open.

    Where another has raised one there, or two doubts are on one place, the later joins with its evidence.

    Args:
        session: an open transaction.
        resource: base library.
        doubts: some hundreds; each holds a lock until the transaction ends.
        at: when; default now.

    Returns:
        How many cases are new.
    """
    if not doubts:
        return 0
    moment = at or utc_now()
    opened = _open_on(session, resource, doubts)
    known = {place for place, case in opened.items() if case.raised_kind == COMPARISON}
    fresh = [doubt for doubt in doubts if doubt.place not in known]
    firsts = list({doubt.place: doubt for doubt in reversed(fresh) if doubt.place not in opened}.values())[::-1]
    made = _made(session, resource, firsts, moment)
    session.add_all(made.values())
    session.flush()
    raised = {(doubt.place, doubt.conflict_key) for doubt in firsts}
    events, steps = [], list[Step]()
    for doubt in fresh:
        is_new = (doubt.place, doubt.conflict_key) in raised
        case = made[doubt.place] if doubt.place in made else opened[doubt.place]
        before, act = (None, "raise") if is_new else (case.state, "join")
        events.append(_event(case, act, before, case.state, moment, doubt.evidence))
        steps.append((case, act, case.state))
    _write(session, events)
    tell_steps(session, steps)
    start_clocks(session, KIND, {c.number: c.doubted_department for c in made.values()}, LIMIT, local_day(moment))
    return len(made)


def _made(session: Session, resource: str, doubts: Sequence[Doubt], at: datetime) -> dict[Place, CorrectionCase]:
    numbers = next_numbers(session, KIND, at.year, len(doubts)) if doubts else []
    return {
        doubt.place: CorrectionCase(
            number=number,
            resource=resource,
            row_key=doubt.row_key,
            column_name=doubt.column,
            element=doubt.element,
            doubted_department=doubt.doubted_department,
            raised_kind=COMPARISON,
            raised_by=SYSTEM.name,
            raising_department=SYSTEM.department,
            evidence=dict(doubt.evidence),
            conflict_key=doubt.conflict_key,
            state=RAISED,
            raised_at=at,
        )
        for number, doubt in zip(numbers, doubts, strict=True)
    }


def _open_on(session: Session, resource: str, doubts: Sequence[Doubt]) -> dict[Place, CorrectionCase]:
    """Return the open cases on the places of ``doubts``; until the transaction ends nobody else raises one there."""
    session.execute(_LOCKED, {"names": ["|".join((resource, *doubt.place)) for doubt in doubts]})
    place = (CorrectionCase.row_key, CorrectionCase.column_name, CorrectionCase.doubted_department)
    query = select(CorrectionCase).where(
        CorrectionCase.resource == resource,
        CorrectionCase.state != CLOSED,
        tuple_(*place).in_({doubt.place for doubt in doubts}),
    )
    found = session.scalars(query.order_by(CorrectionCase.number).with_for_update())
    return {(case.row_key, case.column_name, case.doubted_department): case for case in found}


def end_corrected(session: Session, batches: Mapping[str, str], at: datetime | None = None) -> None:
    """Take cases to their end: corrected by the batch, unless their department had refused.

    Args:
        session: an open transaction.
        batches: number of the case → the batch that ended the doubt.
        at: when; default now.

    Raises:
        MoveRefusedError: a case is closed already.
    """
    moment = at or utc_now()
    query = select(CorrectionCase).where(CorrectionCase.number.in_(batches))
    corrected, events, steps = [], [], list[Step]()
    for case in session.scalars(query.order_by(CorrectionCase.number).with_for_update()):
        if case.state in UNCORRECTED:
            facts = {"batch_id": batches[case.number]}
            events.append(_step(case, "correct", facts, moment))
            case.corrected_at, case.corrected_by_batch = moment, batches[case.number]
            corrected.append(case.number)
            steps.append((case, "correct", case.state))
        events.append(_step(case, "close", {}, moment))
        steps.append((case, "close", case.state))
        case.closed_at = moment
    stop_clocks(session, KIND, corrected, local_day(moment))
    _write(session, events)
    session.flush()
    tell_steps(session, steps)


def _step(case: CorrectionCase, act: str, facts: Mapping[str, Any], at: datetime) -> Row:
    """Take one step of a case and return its line of history."""
    parties = parties_of(SYSTEM, requester=case.raising_department, provider=case.doubted_department)
    before = case.state
    case.state = CORRECTION.step(before, act, SYSTEM, parties, facts).target
    return _event(case, act, before, case.state, at, facts)


def _event(
    case: CorrectionCase, act: str, before: str | None, after: str, at: datetime, detail: Mapping[str, Any]
) -> Row:
    return {
        "kind": KIND, "number": case.number, "act": act, "from_state": before, "to_state": after, "by": SYSTEM.name,
        "department": SYSTEM.department, "detail": dict(detail), "at": at,
    }  # fmt: skip


def _write(session: Session, events: Sequence[Row]) -> None:
    """Write steps into the history, all in one statement."""
    if events:
        session.execute(insert(LifeEvent), events)
