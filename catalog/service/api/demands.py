"""Demands for data that no entry has (需求清单): routed to the likely source, confirmed, refused, passed on."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from catalog.control.audit import record
from catalog.control.demands import KIND, find_demand, list_demands, move_demand, raise_demand
from catalog.control.list_tables import Demand
from catalog.model.roles import Role
from catalog.model.routing import DemandForm
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
from catalog.service.api_types import Answer, Body, Instant, Line

router = APIRouter(prefix="/demands", tags=["demands"], route_class=IdempotentRoute)

DemandNumber = Annotated[Reference, Path(examples=["DEM-2026-000001"])]


class DemandStep(Body):
    """A step of a demand."""

    act: Literal["route", "confirm", "refuse", "pass_on", "assign", "withdraw"]
    reason: Reason | None = None
    department: Line | None = None


class DemandAnswer(Answer):
    """A demand."""

    number: str
    title: str
    elements: list[str]
    description: str
    purpose: str
    service_item: str
    department: str
    candidates: list[dict[str, Any]]
    asked_department: str | None
    state: str
    reason: str | None
    entry: str | None
    raised_at: Instant
    ended_at: Instant | None


class DemandWhole(DemandAnswer):
    """A demand with its course."""

    course: Course


class DemandsPage(Answer):
    """A page of demands, the newest first."""

    items: list[DemandAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: Officer,
    page: CurrentPage,
    side: Annotated[Literal["requester", "provider"], Query(description="As which side.")] = "requester",
    state: Annotated[Literal["raised", "asked", "passed_on", "confirmed", "refused", "catalogued", "withdrawn"] | None,
                     Query()] = None,
) -> DemandsPage:  # fmt: skip
    """List one's own department's demands, or those to it; the host authority sees the whole list."""
    department = None if who.holds(Role.HOST_AUTHORITY) else who.department
    sides = {"department" if side == "requester" else "asked": department}
    found = list_demands(session, state=state, **sides, before=page.text(), limit=page.limit + 1)
    return DemandsPage.model_validate(page.answer(found, lambda one: one.number, partial(rendered, DemandAnswer)))


@router.post("", status_code=201)
def raise_one(
    session: Database, who: RequesterOfficer, response: Response, body: DemandForm, _key: IdempotencyKey = None
) -> DemandWhole:
    """Raise a demand; it goes to the likeliest source by data element and duty."""
    with answered("demand"):
        record(session, who, "demand.raise", "demand:new", purpose=body.purpose, detail={"title": body.title})
        made = raise_demand(session, body, actor_of(who))
    response.headers["Location"] = f"/api/v1/demands/{made.number}"
    return _whole(session, made)


@router.get("/{number}")
def show(session: Database, who: Officer, number: DemandNumber) -> DemandWhole:
    """Show one demand with its clocks and history."""
    return MATTER.show(session, who, number)


@router.post("/{number}/steps")
def step(
    session: Database, who: Officer, number: DemandNumber, body: DemandStep, _key: IdempotencyKey = None
) -> DemandWhole:
    """Take a step: confirm, refuse or pass_on by the department asked; route or assign by the host; withdraw."""
    return MATTER.step(session, who, number, body)


def _whole(session: Database, found: Demand) -> DemandWhole:
    return DemandWhole(**rendered(DemandAnswer, found), course=course_of(session, KIND, found.number))


MATTER = Matter("demand", find_demand, move_demand, lambda found: (found.department, found.asked_department), _whole)
