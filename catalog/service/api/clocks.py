"""Statutory limits (办理时限): what is due when, and the one extension of a limit."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.clocks import ask_extension, decide_extension, list_clocks, local_day, running_clock
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    ClockAnswer,
    HostOfficer,
    Officer,
    Reason,
    Reference,
    actor_of,
    answered,
    clock_answer,
    require_side,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Body

router = APIRouter(prefix="/clocks", tags=["clocks"], route_class=IdempotentRoute)

Kind = Literal["application", "catalogue_entry", "correction_case", "demand", "dispute", "grant", "responsibility"]
MatterNumber = Annotated[Reference, Path(examples=["APP-2026-000001"])]


class ListedClock(ClockAnswer):
    """A limit with the matter that it belongs to."""

    kind: str
    number: str


class ClocksAnswer(Answer):
    """Limits, the nearest end first."""

    items: list[ListedClock]


class ExtensionRequest(Body):
    """Why a limit cannot be kept."""

    reason: Reason


class ExtensionDecision(Body):
    """Whether the host authority consents."""

    consents: bool = Field(examples=[True])


@router.get("")
def list_all(
    session: Database,
    who: Officer,
    status: Annotated[Literal["running", "paused", "met", "late", "cancelled"], Query()] = "running",
) -> ClocksAnswer:
    """List the limits that one's own department must keep; the host authority sees all."""
    responsible = None if who.holds(Role.HOST_AUTHORITY) else who.department
    found = list_clocks(session, responsible=responsible, status=status)
    return ClocksAnswer(items=[ListedClock.model_validate(clock) for clock in found[:500]])


@router.post("/{kind}/{number}/extension")
def ask(
    session: Database, who: Officer, kind: Kind, number: MatterNumber, body: ExtensionRequest,
    _key: IdempotencyKey = None,
) -> ClockAnswer:  # fmt: skip
    """Ask for the one extension that the limit allows, as the department that must act."""
    with answered("limit"):
        clock = running_clock(session, kind, number)
        if clock is None:
            raise not_found("limit")
        require_side(who, "limit", clock.responsible)
        record(session, who, "clock.ask_extension", f"{kind}:{number}", detail={"reason": body.reason})
        return clock_answer(ask_extension(session, kind, number, actor_of(who), body.reason))


@router.post("/{kind}/{number}/extension/decision")
def decide(
    session: Database, who: HostOfficer, kind: Kind, number: MatterNumber, body: ExtensionDecision,
    _key: IdempotencyKey = None,
) -> ClockAnswer:  # fmt: skip
    """Consent to an extension that was asked for, or not."""
    with answered("limit"):
        if running_clock(session, kind, number) is None:
            raise not_found("limit")
        record(session, who, "clock.decide_extension", f"{kind}:{number}", detail={"consents": body.consents})
        today = local_day(utc_now())
        return clock_answer(decide_extension(session, kind, number, actor_of(who), consents=body.consents, on=today))
