"""Correction cases (数据校核): doubts about single values, raised by users of the data or by comparing sources.

Invariant: on one row, column and doubted department at most one case is open; raising it again joins it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.case_events import KIND, sides_of_cases, told_of_case
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import (
    cancel_clock,
    local_day,
    pause_clock,
    resume_clock,
    start_clock,
    start_clocks,
    stop_clock,
)
from catalog.control.correction_tables import CorrectionCase
from catalog.control.life import next_number, record_event, require_step, take_step
from catalog.control.mended_values import require_mended
from catalog.control.passed_cases import NotPassedError, next_department
from catalog.model.correction import CLOSED, CONFIRMED, CORRECTION, RAISED
from catalog.model.errors import GuantongError
from catalog.model.state_machine import SYSTEM, Actor, parties_of

REPLY, MEND = "reply_correction", "mend_correction"
"""Limits of the answer, and of the correction after a confirmation."""
RaisedKind = Literal["person", "department", "system", "comparison"]


class CaseUnknownError(GuantongError):
    """There is no correction case of this number."""

    code = "CASE_UNKNOWN"


def raise_case(
    session: Session,
    *,
    resource: str,
    row_key: str,
    column: str,
    doubted_department: str,
    evidence: Mapping[str, Any],
    actor: Actor = SYSTEM,
    kind: RaisedKind = "comparison",
    element: str | None = None,
    conflict_key: str | None = None,
    proposed_value: str | None = None,
    at: datetime | None = None,
) -> CorrectionCase:
    """Raise a doubt about one value; where a case on it is open already, join that one with the new evidence.

    Args:
        session: An open transaction.
        resource: Resource on whose row the doubt was raised.
        row_key: Entity id of the row, opaque; never a national number.
        column: Column doubted.
        doubted_department: Whose value it is.
        evidence: What speaks against the value; kept with the case, shown to its two sides only.
        actor: Who raises it; the platform for a comparison.
        kind: person, department, system, or `comparison` of the base library.
        element: Data element of the column.
        conflict_key: Row of the table of conflicts, where the case comes from one.
        proposed_value: What the value should be, if who raises it knows; who joins leaves the first one standing.
        at: When; default now.

    Returns:
        The case; its state is `raised` when it is new.
    """
    moment = at or utc_now()
    found = _open_on(session, resource, row_key, column, doubted_department)
    if found is not None:
        found.proposed_value = found.proposed_value or proposed_value
        _write(session, found, "join", found.state, actor, moment, evidence)
        return found
    case = CorrectionCase(
        number=next_number(session, KIND, moment.year),
        resource=resource,
        row_key=row_key,
        column_name=column,
        element=element,
        doubted_department=doubted_department,
        raised_kind=kind,
        raised_by=actor.name,
        raising_department=actor.department,
        evidence=dict(evidence),
        conflict_key=conflict_key,
        proposed_value=proposed_value,
        state=RAISED,
        raised_at=moment,
    )
    session.add(case)
    _write(session, case, "raise", None, actor, moment, evidence)
    start_clock(session, KIND, case.number, REPLY, doubted_department, local_day(moment))
    return case


def find_case(session: Session, number: str) -> CorrectionCase:
    """Return the case of a number, locked for this transaction.

    Raises:
        CaseUnknownError: there is none.
    """
    found = session.get(CorrectionCase, number, with_for_update=True)
    if found is None:
        raise CaseUnknownError(f"no correction case {number}", remedy="`python -m catalog cases` lists them")
    return found


def move(
    session: Session,
    number: str,
    act: str,
    actor: Actor = SYSTEM,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> CorrectionCase:
    """Take one step of a case.

    The steps are accept, confirm, refuse, ask_evidence, supplement, pass_on, correct, reopen, close, withdraw.

    Raises:
        MoveRefusedError, NotAPartyError, OwnDecisionError, FactMissingError: as :meth:`Machine.step`.
        NotMendedError: a person names a batch that did not correct the value.
        NotPassedError: the case stays with its department, or does not go to the one that is named.
    """
    case, moment, stated = find_case(session, number), at or utc_now(), dict(facts or {})
    parties = parties_of(actor, requester=case.raising_department, provider=case.doubted_department)
    transition = require_step(session, CORRECTION, KIND, case, act, actor, parties, stated)
    if act == "correct" and actor != SYSTEM:
        require_mended(session, case, str(stated["batch_id"]))
    if act == "pass_on":
        stated |= _pass_on(session, case, stated.get("department"))
    if "reason" in stated:
        case.reason = str(stated["reason"])
    if act in ("confirm", "refuse"):
        case.answered_at = moment
    if act == "correct":
        case.corrected_at, case.corrected_by_batch = moment, str(stated["batch_id"])
    sides = sides_of_cases(session, [(case, act, transition.target)])[case.number]
    if act == "pass_on":
        sides = {**sides, "provider": {stated["from_department"], case.doubted_department}}
    take_step(session, KIND, case, transition, actor, stated, moment, sides=sides, told=told_of_case(case))
    if case.state == CLOSED:
        case.closed_at = moment
    _run_clock(session, case, act, local_day(moment))
    session.flush()
    return case


def open_cases(
    session: Session, resource: str | None = None, *, row_keys: Collection[str] | None = None
) -> Sequence[CorrectionCase]:
    """Return the cases that are not closed, of one resource or of some of its rows, oldest first."""
    query = select(CorrectionCase).where(CorrectionCase.state != CLOSED).order_by(CorrectionCase.number)
    if resource is not None:
        query = query.where(CorrectionCase.resource == resource)
    if row_keys is not None:
        query = query.where(CorrectionCase.row_key.in_(row_keys))
    return session.scalars(query).all()


def start_mending(session: Session, today: date) -> int:
    """Start the clock of the correction for confirmed cases without one, from today; return how many there were."""
    has_clock = exists().where(
        ClockRecord.kind == KIND, ClockRecord.number == CorrectionCase.number, ClockRecord.limit_id == MEND
    )
    query = select(CorrectionCase).where(CorrectionCase.state == CONFIRMED, ~has_clock)
    cases = session.scalars(query.order_by(CorrectionCase.number)).all()
    start_clocks(session, KIND, {case.number: case.doubted_department for case in cases}, MEND, today)
    return len(cases)


def _pass_on(session: Session, case: CorrectionCase, wanted: Any) -> dict[str, str]:  # noqa: ANN401 - a fact stated
    """Give a case to the department that is the source, and return what its history keeps of it.

    Raises:
        NotPassedError: as :func:`next_department`, or when that department has a case on the value already.
    """
    giving, taking = case.doubted_department, next_department(session, case, str(wanted) if wanted else None)
    if _open_on(session, case.resource, case.row_key, case.column_name, taking) is not None:
        raise NotPassedError(
            f"{taking} answers a doubt on this value already (该部门已在核实此数据项)",
            remedy="refuse the case with that reason",
        )
    case.doubted_department, case.answered_at = taking, None
    return {"from_department": giving, "department": taking}


def _run_clock(session: Session, case: CorrectionCase, act: str, day: date) -> None:
    """Let the clocks follow the case: the answer's waits while evidence is wanted, the correction's runs after it."""
    if act == "ask_evidence":
        pause_clock(session, KIND, case.number, day)
    elif act == "supplement":
        resume_clock(session, KIND, case.number, day)
    elif act in ("confirm", "refuse", "correct", "pass_on"):
        stop_clock(session, KIND, case.number, day)
        session.flush()
    if act == "confirm":
        start_clock(session, KIND, case.number, MEND, case.doubted_department, day)
    elif act in ("reopen", "pass_on"):
        start_clock(session, KIND, case.number, REPLY, case.doubted_department, day)
    elif act == "withdraw":
        cancel_clock(session, KIND, case.number, day)


def _open_on(session: Session, resource: str, row_key: str, column: str, department: str) -> CorrectionCase | None:
    """Return the open case on a place; until the transaction ends nobody else raises one there."""
    place = "|".join((resource, row_key, column, department))
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(place, 15))))
    return session.scalars(
        select(CorrectionCase)
        .where(
            CorrectionCase.resource == resource,
            CorrectionCase.row_key == row_key,
            CorrectionCase.column_name == column,
            CorrectionCase.doubted_department == department,
            CorrectionCase.state != CLOSED,
        )
        .with_for_update()
    ).one_or_none()


def _write(
    session: Session,
    case: CorrectionCase,
    act: str,
    before: str | None,
    actor: Actor,
    at: datetime,
    detail: Mapping[str, Any],
) -> None:
    sides = sides_of_cases(session, [(case, act, case.state)])[case.number]
    record_event(
        session, KIND, case.number, act=act, from_state=before, to_state=case.state, actor=actor, at=at, sides=sides,
        told=told_of_case(case), detail=detail,
    )  # fmt: skip
