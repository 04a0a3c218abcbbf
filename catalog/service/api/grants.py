"""Grants (授权): who may read what, for which purpose and until when; suspended, renewed and revoked at once."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from catalog.control.base import utc_now
from catalog.control.clocks import local_day
from catalog.control.grant_tables import AccessGrant
from catalog.control.grant_use import used_on
from catalog.control.grants import KIND, find_grant, list_access_grants, move_grant
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    Course,
    Day,
    Officer,
    Reason,
    Reference,
    course_of,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_matters import Matter, rendered
from catalog.service.api_paging import CurrentPage
from catalog.service.api_types import Answer, Body, Instant

router = APIRouter(prefix="/grants", tags=["grants"], route_class=IdempotentRoute)

GrantNumber = Annotated[Reference, Path(examples=["GRA-2026-000001"])]


class GrantStep(Body):
    """A step of a grant."""

    act: Literal[
        "suspend", "take_back", "resume", "ask_renewal", "renew", "endorse_renewal", "consent_renewal", "revoke"
    ]
    reason: Reason | None = None
    valid_to: Day | None = Field(default=None, description="New last day, of a renewal.")


class Suspension(Answer):
    """A reason for which a grant is suspended, until its side takes it back."""

    side: Literal["provider", "host", "system"] = Field(
        description="Who suspended; the provider weighs the platform's."
    )
    reason: str
    by: str
    at: Instant


class GrantAnswer(Answer):
    """A grant."""

    number: str
    application: str
    code: str
    resource: str | None
    provider: str
    department: str
    recipient: str | None
    items: list[str]
    is_narrower: bool = Field(description="Fewer items or rows than the table has; never served from the whole table.")
    row_scope: dict[str, Any]
    purpose: str
    mode: str
    quota_per_day: int
    valid_from: date
    valid_to: date
    opens_earlier: bool = Field(description="Whether versions superseded before the first day may be read.")
    state: str
    reason: str | None
    suspensions: list[Suspension] = Field(description="What suspends it; it is resumed with the last one taken back.")
    is_readable: bool = Field(description="Whether the recipient reads the shared table by it now.")
    granted_at: Instant
    ended_at: Instant | None


class GrantWhole(GrantAnswer):
    """A grant with its course."""

    used_today: int = Field(description="Rows or calls of the quota that are used on this official day.")
    course: Course


class GrantsPage(Answer):
    """A page of grants, the newest first."""

    items: list[GrantAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: Officer,
    page: CurrentPage,
    side: Annotated[Literal["requester", "provider"], Query(description="As which side.")] = "requester",
    state: Annotated[Literal["active", "suspended", "revoked", "expired"] | None, Query()] = None,
) -> GrantsPage:
    """List the grants of one's own department, or on its data; the host authority sees all."""
    department = None if who.holds(Role.HOST_AUTHORITY) else who.department
    sides = {"department" if side == "requester" else "provider": department}
    found = list_access_grants(session, state=state, **sides, before=page.text(), limit=page.limit + 1)
    return GrantsPage.model_validate(page.answer(found, lambda one: one.number, _rendered))


@router.get("/{number}")
def show(session: Database, who: Officer, number: GrantNumber) -> GrantWhole:
    """Show one grant with its clocks and history."""
    return MATTER.show(session, who, number)


@router.post("/{number}/steps")
def step(
    session: Database, who: Officer, number: GrantNumber, body: GrantStep, _key: IdempotencyKey = None
) -> GrantWhole:
    """Suspend, take a suspension back, resume, renew or revoke; what stops, stops with the next request."""
    return MATTER.step(session, who, number, body)


def _rendered(found: AccessGrant) -> dict[str, Any]:
    readable = found.recipient_grant_id is not None
    return {**rendered(GrantAnswer, found, but=("is_readable",)), "is_readable": readable}


def _whole(session: Database, found: AccessGrant) -> GrantWhole:
    used = used_on(session, found.number, local_day(utc_now()))
    return GrantWhole(**_rendered(found), used_today=used, course=course_of(session, KIND, found.number))


MATTER = Matter("grant", find_grant, move_grant, lambda found: (found.department, found.provider), _whole)
