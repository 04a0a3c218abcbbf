"""Responsibility and negative lists (责任清单、负面清单), repeated collection, and what a service item need not ask."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints
from sqlalchemy import select

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import local_day
from catalog.control.entries import content_of
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.kept_back import negative_list
from catalog.control.list_tables import Responsibility
from catalog.control.lists import (
    Duty,
    add_negative,
    assign_batch,
    clocks_of_lines,
    end_negative,
    fulfil,
    list_negative,
    list_responsibilities,
    number_of,
)
from catalog.model.collection import duplicate_collections
from catalog.model.registry import get_registry
from catalog.model.service_items import load_service_items, what_need_not_be_asked
from catalog.service.access import Database
from catalog.service.api_exchange import (
    AnyCaller,
    ClockAnswer,
    Day,
    HostOfficer,
    ProviderOfficer,
    Reason,
    actor_of,
    answered,
    clock_answer,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Body, Instant, Line, Number

router = APIRouter(tags=["lists"], route_class=IdempotentRoute)


class NewDuty(Body):
    """One line of a batch of responsibilities."""

    title: Line
    department: Line
    due_on: Day
    citation: Reason
    resource: Line | None = None


class NewBatch(Body):
    """A numbered batch of responsibilities."""

    duties: list[NewDuty] = Field(min_length=1, max_length=1000)


class BatchAnswer(Answer):
    """A batch that was assigned."""

    batch: int


class Fulfilment(Body):
    """The resource that fulfils a responsibility."""

    resource: Line


class ResponsibilityAnswer(Answer):
    """One responsibility."""

    id: int
    number: str = Field(description="By which limits and notices name it.")
    batch: int
    title: str
    department: str
    resource: str | None
    due_on: date
    citation: str
    fulfilled_on: date | None
    evidence: dict[str, Any] | None
    is_overdue: bool
    clock: ClockAnswer | None = Field(description="Its limit; none of lines from before limits ran for them.")


class NewNegative(Body):
    """A line of the negative list."""

    title: Line
    department: Line
    elements: list[Line] = Field(default_factory=list, max_length=1000)
    citation: Reason = Field(description="The law that forbids sharing.")


class NegativeAnswer(Answer):
    """A line of the negative list."""

    id: int
    title: str
    department: str
    elements: list[str]
    citation: str
    listed_at: Instant
    ended_at: Instant | None


class RepeatedCollection(Answer):
    """A column that collects again what another department is the source of."""

    element: str
    name: str
    source: str
    column: str
    department: str
    authority: str
    use_instead: list[str]


class ProvisionAnswer(Answer):
    """Whether a material must be asked for."""

    material: str
    is_asked: bool
    codes: list[str] = Field(description="Published entries that provide it instead.")
    providers: list[str]
    needs_application: bool


class ServiceItemAnswer(Answer):
    """A service item and its materials."""

    id: str
    name: str
    department: str
    materials: list[ProvisionAnswer]


@router.get("/responsibilities")
def responsibilities(
    session: Database,
    _who: AnyCaller,
    batch: Annotated[int | None, Query(ge=1, le=10**6)] = None,
    department: Annotated[Line | None, Query()] = None,
) -> list[ResponsibilityAnswer]:
    """List responsibilities by batch, with fulfilment and evidence."""
    found = list_responsibilities(session, batch=batch, department=department)
    clocks = clocks_of_lines(session, found)
    return [_responsibility(line, clocks.get(number_of(line))) for line in found]


@router.post("/responsibilities", status_code=201)
def assign(session: Database, who: HostOfficer, body: NewBatch, _key: IdempotencyKey = None) -> BatchAnswer:
    """Assign the next numbered batch of responsibilities."""
    with answered("department"):
        record(session, who, "responsibility.assign", "responsibilities", detail={"lines": len(body.duties)})
        duties = [Duty(**line.model_dump()) for line in body.duties]
        batch = assign_batch(session, duties, actor_of(who))
        return BatchAnswer(batch=batch)


@router.post("/responsibilities/{number}/fulfilment")
def fulfil_one(
    session: Database, who: ProviderOfficer, number: Number, body: Fulfilment, _key: IdempotencyKey = None
) -> ResponsibilityAnswer:
    """Note a responsibility as fulfilled; the platform adds the proof: entry, first version, freshness."""
    with answered("responsibility"):
        record(session, who, "responsibility.fulfil", f"responsibility:{number}", detail={"resource": body.resource})
        done = fulfil(session, number, body.resource, actor_of(who), local_day(utc_now()))
        return _responsibility(done, clocks_of_lines(session, [done]).get(number_of(done)))


@router.get("/negative-list")
def negative(
    session: Database, _who: AnyCaller, department: Annotated[Line | None, Query()] = None
) -> list[NegativeAnswer]:
    """List what is not shared, each line with the law that says so."""
    return [NegativeAnswer.model_validate(line) for line in list_negative(session, department=department)]


@router.post("/negative-list", status_code=201)
def keep_back(session: Database, who: HostOfficer, body: NewNegative, _key: IdempotencyKey = None) -> NegativeAnswer:
    """Put a line on the negative list."""
    with answered("department"):
        record(session, who, "negative.add", f"department:{body.department}", detail={"title": body.title})
        return NegativeAnswer.model_validate(add_negative(session, body.model_dump(), actor_of(who)))


@router.delete("/negative-list/{number}")
def take_off(session: Database, who: HostOfficer, number: Number) -> NegativeAnswer:
    """Take a line off the negative list."""
    with answered("line"):
        record(session, who, "negative.end", f"negative:{number}")
        return NegativeAnswer.model_validate(end_negative(session, number, actor_of(who)))


@router.get("/repeated-collections")
def repeated_collections(_who: HostOfficer) -> list[RepeatedCollection]:
    """List what departments collect again although another one provides it (重复采集)."""
    return [
        RepeatedCollection(
            element=found.element.id, name=found.element.name, source=found.source, column=found.column,
            department=found.department, authority=found.element.submitted_by, use_instead=list(found.resources),
        )
        for found in duplicate_collections(get_registry())
    ]  # fmt: skip


@router.get("/service-items")
def service_items(session: Database, _who: AnyCaller) -> list[ServiceItemAnswer]:
    """List the service items with what need not be asked for each."""
    return [_service_item(session, item_id) for item_id in load_service_items()]


@router.get("/service-items/{item}")
def service_item(
    session: Database,
    _who: AnyCaller,
    item: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$"), Path()],
) -> ServiceItemAnswer:
    """Show the materials of a service item, and which need not be asked for (可免提交材料)."""
    if item not in load_service_items():
        raise not_found("service item")
    return _service_item(session, item)


def _service_item(session: Database, item_id: str) -> ServiceItemAnswer:
    item = load_service_items()[item_id]
    published = select(CatalogueEntry).where(CatalogueEntry.state == "published").order_by(CatalogueEntry.code)
    listed = negative_list(session)
    entries = [listed.shared(content_of(entry)) for entry in session.scalars(published)]
    licences = [entry.code for entry in entries if any(one.element == "licence_type_code" for one in entry.items)]
    found = what_need_not_be_asked(item, entries, licences)
    materials = [ProvisionAnswer.model_validate(one) for one in found]
    return ServiceItemAnswer(id=item.id, name=item.name, department=item.department, materials=materials)


def _responsibility(line: Responsibility, clock: ClockRecord | None) -> ResponsibilityAnswer:
    names = set(ResponsibilityAnswer.model_fields) - {"is_overdue", "number", "clock"}
    last = (clock.due_on if clock else None) or line.due_on
    overdue = line.fulfilled_on is None and last < local_day(utc_now())
    return ResponsibilityAnswer(
        **{name: getattr(line, name) for name in names},
        number=number_of(line),
        is_overdue=overdue,
        clock=clock_answer(clock) if clock else None,
    )
