"""The catalogue over HTTP (目录接口): every resource in force, visible to every department."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import ARRAY, Text, any_, bindparam, select
from sqlalchemy.orm import Session

from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller
from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry
from catalog.service.access import Reading
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_paging import CurrentPage, Page, encode
from catalog.service.api_problems import not_found
from catalog.service.api_versions import content_etag, unchanged
from catalog.service.identity import Requirement, admitted, proven_caller, signed_in

router = APIRouter(prefix="/resources", tags=["catalogue"], route_class=IdempotentRoute)

_SERVED = (
    select(
        ShareVersion.resource,
        ShareVersion.share,
        ShareVersion.schema_name,
        ShareVersion.table_name,
        ShareVersion.version,
        ShareVersion.published_at,
    )
    .where(ShareVersion.status == "served", ShareVersion.resource == any_(bindparam("resources", type_=ARRAY(Text))))
    .order_by(ShareVersion.share, ShareVersion.schema_name, ShareVersion.table_name)
)

Served = tuple[tuple[Any, ...], ...]

SignedIn = Annotated[Caller, Depends(signed_in())]
Written = tuple[bytes, str]
"""A document and its ETag."""


@dataclass(frozen=True)
class SignedInPage(Requirement):
    """Anybody signed in, and the page that is asked for: one turn in a thread and one connection for both.

    Every reader asks for this list; caller and page in turns of their own cost nearly twice as much.
    """

    def __call__(self, request: Request, session: Reading, page: CurrentPage) -> Written:
        """Answer the page to a caller whom the requirement admits."""
        admitted(self, proven_caller(request, session))
        return _asked(session, page)


AskedPage = Annotated[Written, Depends(SignedInPage("signed_in"))]


@router.get("", response_model=dict[str, Any])
async def list_resources(request: Request, written: AskedPage) -> Response:
    """List the contracts in force with their items and, for shared ones, the version now served."""
    return _answer(request, *written)


def _asked(session: Session, page: Page) -> Written:
    after = page.text()
    found = [identifier for identifier in _in_force() if identifier > after][: page.limit + 1]
    chosen = tuple(found[: page.limit])
    following = encode(page.query, chosen[-1]) if len(found) > page.limit else None
    return _page(chosen, _served_now(session, chosen), following, get_registry().edition)


@router.get("/{resource}", response_model=dict[str, Any])
def show_resource(request: Request, session: Reading, _who: SignedIn, resource: str) -> Response:
    """Show one contract in force; one that cannot be used is refused."""
    if resource not in _in_force():
        if get_registry().has(resource):
            get_registry().get(resource)
        raise not_found("resource")
    return _answer(request, *_single(resource, _served_now(session, (resource,)), get_registry().edition))


def _served_now(session: Session, resources: tuple[str, ...]) -> Served:
    """Return the versions now served of shared resources, as rows of `_SERVED`."""
    return tuple(tuple(row) for row in session.execute(_SERVED, {"resources": list(resources)}))


@lru_cache(maxsize=512)
def _page(resources: tuple[str, ...], served: Served, following: str | None, edition: int) -> Written:
    """Return a page and its ETag; the same content is written once."""
    versions = {row[0]: row for row in served}
    after = f', "next": {json.dumps(following)}' if following else ""
    content = (
        f'{{"items": [{", ".join(_entry(one, versions.get(one), edition) for one in resources)}]{after}}}'.encode()
    )
    return content, content_etag(content)


@lru_cache(maxsize=2048)
def _single(resource: str, served: Served, edition: int) -> Written:
    content = _entry(resource, served[-1] if served else None, edition).encode()
    return content, content_etag(content)


def _entry(resource: str, served: tuple[Any, ...] | None, edition: int) -> str:
    """Return an entry as JSON: the contract's kept text and the version now served, where it is shared."""
    text = _described(resource, edition)
    share = get_registry().get(resource).government.share
    if served is None or share is None or share.type == "refused":
        return text
    _, share, schema, table, version, published_at = served
    version_now = {
        "share": share,
        "schema": schema,
        "table": table,
        "version": version,
        "publishedAt": published_at.isoformat(),
    }
    return f'{text[:-1]}, "served": {json.dumps(version_now, ensure_ascii=False)}}}'


def _answer(request: Request, content: bytes, tag: str) -> Response:
    """Answer JSON under its ETag; a reader that has it already is told so."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return unchanged(request, tag) or Response(content, media_type="application/json", headers=headers)


def _in_force() -> tuple[str, ...]:
    return _active(get_registry().edition)


@lru_cache(maxsize=1)
def _active(edition: int) -> tuple[str, ...]:
    """Return the resources in force as the contracts were in their ``edition``."""
    return tuple(sorted(contract.id for contract in get_registry().all() if contract.status == "active"))


@lru_cache(maxsize=20_000)
def _described(resource: str, edition: int) -> str:
    """Return what a contract says, as JSON; it says so until the contracts come in another edition."""
    return json.dumps(describe(get_registry().get(resource)), ensure_ascii=False)


def describe(contract: Contract) -> dict[str, Any]:
    """Return one contract as a catalogue entry."""
    government = contract.government
    elements = get_registry().elements_of(contract)
    described: dict[str, Any] = {
        "id": contract.id,
        "version": contract.version,
        "businessName": contract.table.business_name,
        "purpose": contract.description.purpose,
        "layer": government.layer,
        "department": government.department,
        "resourceCode": government.resource_code,
        "updateCycle": government.update_cycle,
        "properties": [
            {
                "name": item.name,
                "businessName": item.business_name,
                "logicalType": item.logical_type,
                "classification": item.classification,
                **(_catalogued(elements[item.name]) if item.name in elements else {}),
            }
            for item in contract.properties
        ],
    }
    if government.share is not None:
        described["share"] = government.share.model_dump(mode="json")
    return described


def _catalogued(element: Element) -> dict[str, Any]:
    """Return an item's data element with the data type and length it has in the catalogue (发改高技〔2017〕1272号)."""
    kind = exchange_type(element)
    return {"element": element.id, "dataType": kind.letter, "length": kind.length, "decimals": kind.decimals}
