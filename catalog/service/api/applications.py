"""Applications for shared data (共享申请), and what providers allow in advance (常态化授权)."""

from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from catalog.control.applications import (
    KIND,
    authorise_standing,
    find_application,
    grant_of,
    list_applications,
    move_application,
    revoke_standing,
    submit_application,
)
from catalog.control.audit import record
from catalog.control.grant_tables import Application
from catalog.model.application_form import ApplicationForm
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    Code,
    Course,
    Day,
    Officer,
    ProviderOfficer,
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

router = APIRouter(tags=["applications"], route_class=IdempotentRoute)

ApplicationNumber = Annotated[Reference, Path(examples=["APP-2026-000001"])]
StandingNumber = Annotated[Reference, Path(examples=["STA-2026-000001"])]


class ApplicationStep(Body):
    """A step of an application."""

    act: Literal["ask_papers", "supply_papers", "endorse", "approve", "refuse", "consent", "object", "withdraw"]
    reason: Reason | None = None
    papers: list[Line] | None = Field(default=None, max_length=50)
    items: list[Line] | None = Field(default=None, max_length=1000, description="An approval may give fewer items,")
    quota_per_day: int | None = Field(default=None, ge=1, le=10**9, description="less a day,")
    valid_to: Day | None = Field(default=None, description="or a shorter term.")


class NewStanding(Body):
    """What is allowed in advance."""

    code: Code
    department: Line
    items: list[Line] = Field(min_length=1, max_length=1000)
    service_item: Line | None = None
    valid_from: Day
    valid_to: Day


class StandingAnswer(Answer):
    """A standing authorisation."""

    number: str
    code: str
    provider: str
    department: str
    items: list[str]
    service_item: str | None
    valid_from: date
    valid_to: date
    revoked_at: Instant | None


class ApplicationAnswer(Answer):
    """An application."""

    number: str
    code: str
    entry: str
    provider: str
    department: str
    items: list[str]
    row_scope: dict[str, Any]
    purpose: str
    service_item: str
    legal_basis: str
    mode: str
    volume_per_day: int
    term_from: date
    term_to: date
    responsible_officer: str
    recipient: str | None
    opens_earlier: bool
    share_type: str
    needs_host: bool
    state: str
    reason: str | None
    rule: str | None
    submitted_at: Instant
    decided_at: Instant | None


class ApplicationWhole(ApplicationAnswer):
    """An application with its grant and course."""

    grant: str | None
    course: Course


class ApplicationsPage(Answer):
    """A page of applications, the newest first."""

    items: list[ApplicationAnswer]
    next: str | None = None


@router.get("/applications")
def list_all(
    session: Database,
    who: Officer,
    page: CurrentPage,
    side: Annotated[Literal["requester", "provider"], Query(description="As which side.")] = "requester",
    state: Annotated[Literal["submitted", "papers_wanted", "resubmitted", "endorsed", "approved", "refused",
                             "withdrawn"] | None, Query()] = None,
) -> ApplicationsPage:  # fmt: skip
    """List one's own department's applications, or those to it; the host authority sees all."""
    department = None if who.holds(Role.HOST_AUTHORITY) else who.department
    sides = {"department" if side == "requester" else "provider": department}
    found = list_applications(session, state=state, **sides, before=page.text(), limit=page.limit + 1)
    return ApplicationsPage.model_validate(
        page.answer(found, lambda one: one.number, partial(rendered, ApplicationAnswer))
    )


@router.post("/applications", status_code=201)
def submit(
    session: Database, who: RequesterOfficer, response: Response, body: ApplicationForm, _key: IdempotencyKey = None
) -> ApplicationWhole:
    """Apply for data; what is shared without condition, or allowed in advance, is granted at once."""
    with answered("entry"):
        record(session, who, "application.submit", f"entry:{body.code}", purpose=body.purpose)
        made = submit_application(session, body, actor_of(who))
    response.headers["Location"] = f"/api/v1/applications/{made.number}"
    return _whole(session, made)


@router.get("/applications/{number}")
def show(session: Database, who: Officer, number: ApplicationNumber) -> ApplicationWhole:
    """Show one application with its grant, clocks and history."""
    return MATTER.show(session, who, number)


@router.post("/applications/{number}/steps")
def step(
    session: Database, who: Officer, number: ApplicationNumber, body: ApplicationStep, _key: IdempotencyKey = None
) -> ApplicationWhole:
    """Take a step: the provider asks for papers, endorses, approves or refuses; the host consents or objects."""
    return MATTER.step(session, who, number, body)


@router.post("/standing-authorisations", status_code=201)
def allow(session: Database, who: ProviderOfficer, body: NewStanding, _key: IdempotencyKey = None) -> StandingAnswer:
    """Allow a department in advance what lies within items, service item and term."""
    with answered("entry"):
        record(session, who, "standing.allow", f"entry:{body.code}", detail={"department": body.department})
        made = authorise_standing(session, **body.model_dump(), actor=actor_of(who))
    return StandingAnswer.model_validate(made)


@router.delete("/standing-authorisations/{number}")
def disallow(session: Database, who: ProviderOfficer, number: StandingNumber) -> StandingAnswer:
    """End a standing authorisation; grants given under it stay until they are revoked themselves."""
    with answered("standing authorisation"):
        record(session, who, "standing.end", f"standing:{number}")
        return StandingAnswer.model_validate(revoke_standing(session, number, actor_of(who)))


def _whole(session: Database, found: Application) -> ApplicationWhole:
    grant, course = grant_of(session, found.number), course_of(session, KIND, found.number)
    return ApplicationWhole(**rendered(ApplicationAnswer, found), grant=grant.number if grant else None, course=course)


def _sides(found: Application) -> tuple[str, str]:
    return found.department, found.provider


MATTER = Matter("application", find_application, move_application, _sides, _whole)
