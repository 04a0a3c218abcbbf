"""Entries of the exchange catalogue (目录编制): drafted by the provider, reviewed by two sides, published."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from catalog.control.audit import record
from catalog.control.entries import (
    KIND,
    content_of,
    draft_entry,
    edit_draft,
    entry_changes,
    find_entry,
    list_entries,
    move_entry,
)
from catalog.control.entry_tables import CatalogueEntry
from catalog.model.catalogue_entry import Entry, entry_of, read_entry
from catalog.model.contract_problem import InvalidContractError
from catalog.model.errors import ContractError
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import (
    Course,
    Officer,
    ProviderOfficer,
    Reason,
    Reference,
    actor_of,
    answered,
    course_of,
    require_side,
)
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Instant, Line
from catalog.service.api_versions import IfMatch

router = APIRouter(prefix="/entries", tags=["entries"], route_class=IdempotentRoute)

EntryNumber = Annotated[Reference, Path(examples=["ENT-2026-000001"])]


class Review(Body):
    """What a review concluded, and who signed."""

    conclusion: Reason
    signed_by: Line


class NewEntry(Body):
    """An entry to be drafted: from a contract, with what only people know, or whole."""

    resource: Line | None = Field(default=None, examples=["population.resident_basic"])
    additions: dict[str, Any] = Field(default_factory=dict, description="Keys of an entry laid over the contract's.")
    entry: dict[str, Any] | None = Field(default=None, description="A whole entry, instead of a resource.")
    demand: Reference | None = None


class EntryStep(Body):
    """A step of an entry's life."""

    act: Literal["submit", "endorse", "send_back", "publish", "return", "withdraw"]
    reason: Reason | None = None
    secrecy_review: Review | None = None
    personal_assessment: Review | None = None


class EntryAnswer(Answer):
    """One version of an entry."""

    number: str
    code: str
    version: int
    name: str
    provider: str
    resource: str | None
    demand: str | None
    state: str
    reason: str | None
    revision: int
    published_at: Instant | None
    content: dict[str, Any]


class EntryWhole(EntryAnswer):
    """One version of an entry with its course and what changed in it."""

    course: Course
    changes: list[dict[str, Any]]


class EntriesPage(Answer):
    """A page of entries."""

    items: list[EntryAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: Officer,
    page: CurrentPage,
    state: Annotated[
        Literal["draft", "provider_review", "host_review", "published", "superseded", "withdrawn"] | None, Query()
    ] = None,
) -> EntriesPage:
    """List the versions of one's own department's entries; the host authority sees all."""
    provider = None if who.holds(Role.HOST_AUTHORITY) else who.department
    found = list_entries(session, provider=provider, state=state, limit=page.limit + 1, after=page.text())
    return EntriesPage.model_validate(page.answer(found, lambda one: one.number, _render))


@router.post("", status_code=201)
def draft(
    session: Database, who: ProviderOfficer, response: Response, body: NewEntry, _key: IdempotencyKey = None
) -> EntryAnswer:
    """Draft the next version of an entry of one's own department."""
    with answered("entry"):
        entry = _entry(body)
        record(session, who, "entry.draft", f"entry:{entry.code}")
        made = draft_entry(session, entry, actor_of(who), demand=body.demand)
    _tag(response, made)
    response.headers["Location"] = f"/api/v1/entries/{made.number}"
    return _answer(made)


@router.get("/{number}")
def show(session: Database, who: Officer, response: Response, number: EntryNumber) -> EntryWhole:
    """Show one version with its clocks, history and differences from the version before."""
    with answered("entry"):
        found = find_entry(session, number)
        require_side(who, "entry", found.provider)
        changes = [{"place": c.place, "before": c.before, "after": c.after} for c in entry_changes(session, number)]
    _tag(response, found)
    return EntryWhole(**_render(found), course=course_of(session, KIND, number), changes=changes)


@router.put("/{number}")
def edit(
    session: Database, who: Officer, response: Response, number: EntryNumber, body: NewEntry, if_match: IfMatch = None
) -> EntryAnswer:
    """Replace the content of a draft."""
    with answered("entry"):
        found = find_entry(session, number, lock=True)
        require_side(who, "entry", found.provider)
        revision = _revision(if_match, found)
        record(session, who, "entry.edit", f"entry:{number}")
        changed = edit_draft(session, number, _entry(body), actor_of(who), revision=revision)
    _tag(response, changed)
    return _answer(changed)


@router.post("/{number}/steps")
def step(
    session: Database, who: Officer, response: Response, number: EntryNumber, body: EntryStep,
    _key: IdempotencyKey = None,
) -> EntryAnswer:  # fmt: skip
    """Take a step: submit, endorse (提供部门审核), send_back, publish (主管部门审核), return, withdraw."""
    with answered("entry"):
        provider = find_entry(session, number).provider
        require_side(who, "entry", provider)
        record(session, who, f"entry.{body.act}", f"entry:{number}", detail={"reason": body.reason})
        facts = body.model_dump(exclude={"act"}, exclude_none=True)
        moved = move_entry(session, number, body.act, actor_of(who), facts)
    _tag(response, moved)
    return _answer(moved)


def contract_entry(resource: str, additions: dict[str, Any] | None = None) -> Entry:
    """Return the entry that a contract leads to.

    Raises:
        ProblemError: 404 when there is no such resource.
    """
    registry = get_registry()
    try:
        contract = registry.get(resource)
    except InvalidContractError:
        raise
    except ContractError as error:
        raise not_found("resource") from error
    return entry_of(contract, registry.elements_of(contract), additions)


def _entry(body: NewEntry) -> Entry:
    if (body.resource is None) == (body.entry is None):
        raise ProblemError("RULE_REFUSED", reason="name a resource, or give a whole entry (资源与条目二选一)")
    if body.resource is not None:
        return contract_entry(body.resource, body.additions)
    return read_entry(body.entry or {})


def _revision(if_match: str | None, found: CatalogueEntry) -> int:
    if if_match is None:
        raise ProblemError("PRECONDITION_REQUIRED")
    if if_match.strip() != _etag(found):
        raise ProblemError("PRECONDITION_FAILED", headers={"ETag": _etag(found)})
    return found.revision


def _etag(found: CatalogueEntry) -> str:
    return f'"{found.number}-{found.revision}-{found.state}"'


def _tag(response: Response, found: CatalogueEntry) -> None:
    response.headers["ETag"] = _etag(found)


def _render(found: CatalogueEntry) -> dict[str, Any]:
    names = set(EntryAnswer.model_fields) - {"content"}
    return {**{name: getattr(found, name) for name in names}, "content": content_of(found).model_dump(mode="json")}


def _answer(found: CatalogueEntry) -> EntryAnswer:
    return EntryAnswer(**_render(found))
