"""Deliveries that are held (暂扣处置): listed, confirmed or rejected by their department, released by the host.

A release needs two persons: an officer of the department says that the delivery is whole as it is, and the host
authority, who is somebody else, lets it in. Extract does what is decided at its next run.
"""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import StringConstraints

from catalog.control.audit import record
from catalog.control.held_deliveries import HeldDelivery, decide, find_held, list_held
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api.quality_reports import WIDE, QualityReader
from catalog.service.api_exchange import Reason, actor_of, answered, require_side
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_types import Answer, Body, Instant
from catalog.service.identity import require
from catalog.worklist.summary import words_of

router = APIRouter(prefix="/held-deliveries", tags=["quality"], route_class=IdempotentRoute)

NOUN = "held delivery"
BatchId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,200}$"), Path(examples=["resident-20260302-1a2b"])
]
Decider = Annotated[Caller, Depends(require(Role.PROVIDER_OFFICER, Role.HOST_AUTHORITY, scoped=True, wide=WIDE))]


class Decision(Body):
    """What is decided, and why."""

    act: Literal["confirm", "release", "reject"]
    reason: Reason


class DecisionAnswer(Answer):
    """One decision that was taken."""

    act: str
    reason: str
    decided_by: str
    decided_at: Instant
    applied_at: Instant | None
    applied_in: str | None


class HeldAnswer(Answer):
    """A delivery that is held, with what was decided."""

    batch_id: str
    resource: str
    department: str
    business_date: date | None
    received_at: Instant
    declared_rows: int | None
    received_rows: int | None
    status: str
    reason_code: str
    problem: str
    problem_en: str
    remedy: str
    remedy_en: str
    release: Literal["two_persons", "never"]
    release_because: str
    release_because_en: str
    awaits: Literal["department", "host", "extract", "nothing"]
    decisions: list[DecisionAnswer]


class HeldAnswers(Answer):
    """Deliveries that are held, the oldest first."""

    items: list[HeldAnswer]


@router.get("")
def list_all(session: Database, who: QualityReader) -> HeldAnswers:
    """List the held deliveries of one's own department; the host authority sees every department's."""
    departments = None if who.holds(*WIDE) else (who.department,)
    return HeldAnswers(items=[_answer(one) for one in list_held(session, departments=departments)])


@router.get("/{batch_id}")
def show(session: Database, who: QualityReader, batch_id: BatchId) -> HeldAnswer:
    """Show one held delivery with what was decided about it."""
    with answered(NOUN):
        held = find_held(session, batch_id)
        require_side(who, NOUN, held.department)
    return _answer(held)


@router.post("/{batch_id}/decisions")
def decide_one(
    session: Database, who: Decider, batch_id: BatchId, body: Decision, _key: IdempotencyKey = None
) -> HeldAnswer:
    """Confirm or reject as the delivery's department, or release as the host authority; repeated it changes nothing."""
    place = f"batch:{batch_id}"
    with answered(NOUN):
        held = find_held(session, batch_id)
        require_side(who, NOUN, held.department)
        record(session, who, f"held.{body.act}", place, detail={"reason": body.reason, "for": held.batch.reason_code})
        decided = decide(session, batch_id, body.act, actor_of(who), body.reason)
    return _answer(decided)


def _answer(held: HeldDelivery) -> HeldAnswer:
    batch = held.batch
    words = words_of(batch.reason_code or (held.decisions[-1].held_for if held.decisions else ""))
    return HeldAnswer(
        batch_id=batch.batch_id,
        resource=batch.resource,
        department=held.department,
        business_date=batch.business_date,
        received_at=batch.received_at,
        declared_rows=batch.declared_rows,
        received_rows=batch.received_rows,
        status=batch.status,
        reason_code=words.code,
        problem=words.zh,
        problem_en=words.en,
        remedy=words.remedy_zh,
        remedy_en=words.remedy_en,
        release=held.rule.release,
        release_because=held.rule.zh,
        release_because_en=held.rule.en,
        awaits=held.awaits,
        decisions=[DecisionAnswer.model_validate(one) for one in held.decisions],
    )
