"""Disputes about refusals (共享争议): consult → host authority → government."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response

from catalog.control.audit import record
from catalog.control.disputes import KIND, find_dispute, list_disputes, move_dispute, raise_dispute
from catalog.control.grant_tables import Dispute
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    Course,
    Officer,
    Reason,
    Reference,
    RequesterOfficer,
    actor_of,
    answered,
    course_of,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_matters import Matter, rendered
from catalog.service.api_paging import CurrentPage
from catalog.service.api_types import Answer, Body, Instant

router = APIRouter(prefix="/disputes", tags=["disputes"], route_class=IdempotentRoute)

DisputeNumber = Annotated[Reference, Path(examples=["DIS-2026-000001"])]


class NewDispute(Body):
    """A refusal that is disputed."""

    subject_kind: Literal["application", "correction_case"]
    subject: Reference
    statement: Reason


class DisputeStep(Body):
    """A step of a dispute."""

    act: Literal["settle", "bring_to_host", "rule", "bring_to_government", "rule_finally", "withdraw"]
    reason: Reason | None = None
    outcome: Literal["upheld", "overturned"] | None = None


class DisputeAnswer(Answer):
    """A dispute."""

    number: str
    subject_kind: str
    subject: str
    requester: str
    provider: str
    statement: str
    state: str
    outcome: str | None
    reason: str | None
    raised_at: Instant
    ended_at: Instant | None


class DisputeWhole(DisputeAnswer):
    """A dispute with its course."""

    course: Course


class DisputesPage(Answer):
    """A page of disputes, the newest first."""

    items: list[DisputeAnswer]
    next: str | None = None


@router.get("")
def list_all(session: Database, who: Officer, page: CurrentPage) -> DisputesPage:
    """List the disputes of one's own department; the host authority sees all."""
    department = None if who.holds(Role.HOST_AUTHORITY) else who.department
    found = list_disputes(session, department=department, before=page.text(), limit=page.limit + 1)
    return DisputesPage.model_validate(page.answer(found, lambda one: one.number, partial(rendered, DisputeAnswer)))


@router.post("", status_code=201)
def raise_one(
    session: Database, who: RequesterOfficer, response: Response, body: NewDispute, _key: IdempotencyKey = None
) -> DisputeWhole:
    """Dispute a refusal of one's own application or correction case."""
    with answered("refusal"):
        record(session, who, "dispute.raise", f"{body.subject_kind}:{body.subject}")
        made = raise_dispute(session, body.subject_kind, body.subject, body.statement, actor_of(who))
    response.headers["Location"] = f"/api/v1/disputes/{made.number}"
    return _whole(session, made)


@router.get("/{number}")
def show(session: Database, who: Officer, number: DisputeNumber) -> DisputeWhole:
    """Show one dispute with its clocks and history."""
    return MATTER.show(session, who, number)


@router.post("/{number}/steps")
def step(
    session: Database, who: Officer, number: DisputeNumber, body: DisputeStep, _key: IdempotencyKey = None
) -> DisputeWhole:
    """Take a step: settle, bring_to_host, rule, bring_to_government, rule_finally, withdraw."""
    return MATTER.step(session, who, number, body)


def _whole(session: Database, found: Dispute) -> DisputeWhole:
    return DisputeWhole(**rendered(DisputeAnswer, found), course=course_of(session, KIND, found.number))


MATTER = Matter("dispute", find_dispute, move_dispute, lambda found: (found.requester, found.provider), _whole)
