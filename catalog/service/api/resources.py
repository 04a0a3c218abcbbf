"""The catalogue over HTTP (目录接口): every resource in force, visible to every department."""

import json
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import ARRAY, Text, any_, bindparam, select

from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller
from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry
from catalog.service.access import Reading
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_paging import CurrentPage, Page
from catalog.service.api_problems import not_found
from catalog.service.api_versions import content_etag, unchanged
from catalog.service.identity import signed_in

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

SignedIn = Annotated[Caller, Depends(signed_in())]


@router.get("", response_model=dict[str, Any])
def list_resources(request: Request, session: Reading, _who: SignedIn, page: CurrentPage) -> Response:
    """List the contracts in force with their items and, for shared ones, the version now served."""
    after = page.text()
    found = [identifier for identifier in _in_force() if identifier > after][: page.limit + 1]
    return _answer(request, _page(found, page, _served_now(session, found)))


@router.get("/{resource}", response_model=dict[str, Any])
def show_resource(request: Request, session: Reading, _who: SignedIn, resource: str) -> Response:
    """Show one contract in force."""
    if resource not in _in_force():
        raise not_found("resource")
    return _answer(request, _entry(resource, _served_now(session, [resource])))


def _page(found: list[str], page: Page, served: dict[str, dict[str, Any]]) -> str:
    """Return a page as JSON."""
    answer = page.answer(found, str, lambda identifier: {"id": identifier})
    texts = [_entry(item["id"], served) for item in answer["items"]]
    following = f', "next": {json.dumps(answer["next"])}' if "next" in answer else ""
    return f'{{"items": [{", ".join(texts)}]{following}}}'


def _entry(resource: str, served: dict[str, dict[str, Any]]) -> str:
    """Return an entry as JSON: the contract's kept text and the version now served."""
    text = _described(resource)
    if resource not in served:
        return text
    return f'{text[:-1]}, "served": {json.dumps(served[resource], ensure_ascii=False)}}}'


def _served_now(session: Reading, resources: list[str]) -> dict[str, dict[str, Any]]:
    """Return the version now served of each shared resource."""
    rows = session.execute(_SERVED, {"resources": resources})
    return {
        row.resource: {
            "share": row.share,
            "schema": row.schema_name,
            "table": row.table_name,
            "version": row.version,
            "publishedAt": row.published_at.isoformat(),
        }
        for row in rows
    }


def _answer(request: Request, content: str) -> Response:
    """Answer JSON under its ETag; a reader that has it already is told so."""
    body = content.encode()
    tag = content_etag(body)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return unchanged(request, tag) or Response(body, media_type="application/json", headers=headers)


def _in_force() -> tuple[str, ...]:
    return tuple(sorted(contract.id for contract in get_registry().all() if contract.status == "active"))


@lru_cache(maxsize=20_000)
def _described(resource: str) -> str:
    """Return what a contract says, as JSON; contracts do not change while the service runs."""
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
