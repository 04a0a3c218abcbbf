"""The audit over HTTP (审计查询): for auditors only, and every look is itself recorded."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from catalog.control.audit import record
from catalog.control.audit_keys import audit_keys
from catalog.control.audit_reading import AuditFilter, list_entries, who_read
from catalog.control.audit_tables import AuditEntry
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_types import Answer, Body, Instant, Line, Moment
from catalog.service.bulk_reads import BulkRead, bulk_reads_of, names_of
from catalog.service.identity import require

router = APIRouter(prefix="/audit", tags=["audit"], route_class=IdempotentRoute)

Auditor = Annotated[Caller, Depends(require(Role.AUDITOR))]


class AuditAnswer(Answer):
    """One entry."""

    seq: int
    at: Instant
    actor: str
    actor_name: str
    department: str
    roles: str
    act: str
    object: str
    outcome: str
    reason: str
    purpose: str
    detail: dict[str, Any]
    address: str
    request_id: str
    digest: str


class AuditPage(Answer):
    """A page of entries, newest first."""

    items: list[AuditAnswer]
    next: str | None = None


class BulkAnswer(Answer):
    """A version of a shared table with the row in it, that was handed out (批量读取)."""

    share: str
    schema_name: str
    table_name: str
    version: int
    recipient: str
    department: str
    grants: list[str] = Field(description="Grants by which it was read; none for a line made by command.")
    purpose: str
    on: date
    columns: list[str] | None = Field(description="Columns of the grants; none for all.")
    is_certain: bool = Field(description="False where it can no longer be told whether the row went out.")


class WhoReadPage(AuditPage):
    """Who read a person's data: single reads by page, and with the first page the reads of whole tables."""

    bulk: list[BulkAnswer]


class PersonAsked(Body):
    """Whose data is asked about, and why; in the body, because addresses end up in logs."""

    person: Line = Field(examples=["11010519491231002X"])
    purpose: Line = Field(examples=["当事人查询本人信息的使用情况"])


@router.get("")
def list_all(
    session: Database,
    who: Auditor,
    page: CurrentPage,
    actor: Annotated[Line | None, Query(description="Subject (person:7) or name.")] = None,
    act: Annotated[Line | None, Query(description="The act (role.grant), or its noun (role).")] = None,
    object: Annotated[Line | None, Query()] = None,
    outcome: Annotated[Literal["done", "refused", "failed"] | None, Query()] = None,
    department: Annotated[Line | None, Query()] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
) -> AuditPage:
    """List entries, newest first."""
    record(session, who, "audit.read", "audit", purpose="audit")
    wanted = AuditFilter(actor, act, object, outcome, department, since, until)
    found = list_entries(session, wanted, before=page.number() or None, limit=page.limit + 1)
    return AuditPage.model_validate(page.answer(found, lambda entry: entry.seq, _render))


@router.post("/who-read")
def who_read_person(session: Database, who: Auditor, page: CurrentPage, body: PersonAsked) -> WhoReadPage:
    """Say who read a person's data, when and for what; the question is recorded under the person too."""
    record(session, who, "audit.who-read", "audit", purpose=body.purpose, persons=[body.person])
    found = who_read(session, audit_keys(), body.person, before=page.number() or None, limit=page.limit + 1)
    bulk = [] if page.number() else bulk_reads_of(session, names_of(session, body.person.strip()))
    shown = page.answer(found, lambda entry: entry.seq, _render)
    return WhoReadPage.model_validate({**shown, "bulk": [_bulk(one) for one in bulk]})


def _bulk(read: BulkRead) -> dict[str, Any]:
    return {**read.place._asdict(), **read.read._asdict(), "columns": read.columns, "is_certain": read.is_certain}


def _render(entry: AuditEntry) -> dict[str, Any]:
    plain = [name for name in AuditAnswer.model_fields if name != "detail"]
    return {**{name: getattr(entry, name) for name in plain}, "detail": json.loads(entry.detail)}
