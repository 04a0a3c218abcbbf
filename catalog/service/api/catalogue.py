"""The published catalogue (政务数据目录): searched by everybody who is signed in, and exported for other tools."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi import Body as BodyParameter
from pydantic import Field

from catalog.control.audit import record
from catalog.control.clocks import local_day
from catalog.control.entries import content_of, draft_entry, find_entry
from catalog.control.entry_search import search_entries
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.kept_back import negative_list
from catalog.formats.dcat import dcat_document
from catalog.formats.odcs import odcs_text
from catalog.formats.openapi_document import openapi_document
from catalog.formats.workbook import read_workbook, write_workbook
from catalog.model.contract import Contract
from catalog.model.contract_problem import InvalidContractError
from catalog.model.errors import ContractError, GuantongError
from catalog.model.registry import get_registry
from catalog.service.access import Database
from catalog.service.api_exchange import AnyCaller, ProviderOfficer, Reference, actor_of, answered
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Instant, Line
from catalog.service.configuration import configuration
from catalog.service.exports import Export, Published

router = APIRouter(prefix="/catalogue", tags=["catalogue"], route_class=IdempotentRoute)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EntryNumber = Annotated[Reference, Path(examples=["ENT-2026-000001"])]


class FoundEntry(Answer):
    """An entry as a search finds it."""

    number: str
    code: str
    name: str
    provider: str
    division: str
    share_type: str
    item_count: int
    elements: list[str]


class FoundPage(Answer):
    """A page of a search."""

    items: list[FoundEntry]
    total: int = Field(description="Entries found in all.")


class PublishedEntry(Answer):
    """A published entry."""

    number: str
    code: str
    version: int
    published_at: Instant
    content: dict[str, Any]


class WrongRow(Answer):
    """What is wrong on one row of a workbook."""

    row: int
    code: str
    message: str


class ImportAnswer(Answer):
    """What became of a workbook."""

    drafted: list[str] = Field(description="Numbers of the drafts made.")
    errors: list[WrongRow]


@router.get("")
def search(
    session: Database,
    _who: AnyCaller,
    query: Annotated[str, Query(alias="q", max_length=100, pattern=r"^[^\x00]*$")] = "",
    provider: Annotated[Line | None, Query()] = None,
    division: Annotated[str | None, Query(pattern=r"^[0-9]{6}$")] = None,
    element: Annotated[Line | None, Query()] = None,
    share_type: Annotated[Literal["unconditional", "conditional", "refused"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> FoundPage:
    """Search by Chinese words, pinyin, initials, names and codes; by provider, division, element, share type."""
    found = search_entries(
        session, query, provider=provider, division=division, element=element, share_type=share_type,
        limit=limit, offset=offset,
    )  # fmt: skip
    return FoundPage(items=[FoundEntry.model_validate(entry) for entry in found.entries], total=found.total)


@router.get("/workbook", response_class=Response)
def export_workbook(request: Request, session: Database, _who: AnyCaller) -> Response:
    """Return the published catalogue as the workbook of 发改高技〔2017〕1272号."""
    content = WORKBOOK.of(session, _base(request))
    headers = {"Content-Disposition": 'attachment; filename="catalogue.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


@router.post("/workbook")
def import_workbook(
    session: Database, who: ProviderOfficer, content: Annotated[bytes, BodyParameter(media_type=XLSX)],
    _key: IdempotencyKey = None,
) -> ImportAnswer:  # fmt: skip
    """Draft the entries of a workbook; an entry with a wrong row is left out, and every wrong row is named."""
    read = read_workbook(content)
    record(session, who, "entry.import", "workbook", detail={"entries": len(read.entries), "errors": len(read.errors)})
    drafted, errors = [], [WrongRow(row=one.row, code=one.code, message=one.message) for one in read.errors]
    for entry in read.entries:
        try:
            with session.begin_nested():
                drafted.append(draft_entry(session, entry, actor_of(who)).number)
        except GuantongError as error:
            errors.append(WrongRow(row=0, code=entry.code, message=str(error.args[0])))
    return ImportAnswer(drafted=drafted, errors=errors)


@router.get("/dcat", response_class=Response)
def export_dcat(request: Request, session: Database, _who: AnyCaller) -> Response:
    """Return the published catalogue as DCAT-AP 3 in JSON-LD."""
    return Response(DCAT.of(session, _base(request)), media_type="application/ld+json")


@router.get("/entries/{number}")
def show(session: Database, _who: AnyCaller, number: EntryNumber) -> PublishedEntry:
    """Show one published entry whole, as it is shared now: what the negative list forbids is 不予共享."""
    found = _one(session, number)
    content = negative_list(session).shared(content_of(found)).model_dump(mode="json")
    return PublishedEntry(
        number=number, code=found.code, version=found.version, published_at=found.published_at, content=content
    )


@router.get("/entries/{number}/odcs", response_class=Response)
def export_odcs(session: Database, _who: AnyCaller, number: EntryNumber) -> Response:
    """Return the contract behind an entry as a document of the Open Data Contract Standard."""
    found = _one(session, number)
    entry = negative_list(session).shared(content_of(found))
    return Response(odcs_text(_contract(found), entry), media_type="application/yaml")


@router.get("/entries/{number}/openapi")
def export_openapi(request: Request, session: Database, _who: AnyCaller, number: EntryNumber) -> dict[str, Any]:
    """Return how the shared table of an entry is read, as an OpenAPI document."""
    found = _one(session, number)
    return openapi_document(negative_list(session).shared(content_of(found)), _contract(found), _base(request))


def _one(session: Database, number: str) -> CatalogueEntry:
    with answered("entry"):
        found = find_entry(session, number)
    if found.state != "published":
        raise not_found("entry")
    return found


def _contract(found: CatalogueEntry) -> Contract:
    try:
        return get_registry().get(found.resource or "")
    except InvalidContractError:
        raise
    except ContractError as error:
        raise not_found("contract") from error


def _base(request: Request) -> str:
    return configuration(request).service_url.rstrip("/")


def _workbook_of(entries: Sequence[Published], _base: str) -> bytes:
    return write_workbook((entry, at and local_day(at)) for entry, at in entries)


def _dcat_of(entries: Sequence[Published], base: str) -> str:
    return dcat_document(entries, base)


WORKBOOK, DCAT = Export(_workbook_of), Export(_dcat_of)
