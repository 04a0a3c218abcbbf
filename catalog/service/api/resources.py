"""The catalogue over HTTP (目录接口): every resource in force, visible to every department."""

import json
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from catalog.control.shares import list_share_versions
from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller
from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import get_registry
from catalog.service.access import Database
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_paging import CurrentPage, Page
from catalog.service.api_problems import not_found
from catalog.service.api_versions import content_etag, unchanged
from catalog.service.identity import signed_in

router = APIRouter(prefix="/resources", tags=["catalogue"], route_class=IdempotentRoute)

SignedIn = Annotated[Caller, Depends(signed_in())]


@router.get("", response_model=dict[str, Any])
def list_resources(request: Request, session: Database, _who: SignedIn, page: CurrentPage) -> Response:
    """List the contracts in force with their items and, for shared ones, the version now served."""
    served = {version.resource: version for version in list_share_versions(session, served_only=True)}
    after = page.text()
    found = [identifier for identifier in _in_force() if identifier > after][: page.limit + 1]
    return _answer(request, _page(found, page, served))


@router.get("/{resource}", response_model=dict[str, Any])
def show_resource(request: Request, session: Database, _who: SignedIn, resource: str) -> Response:
    """Show one contract in force."""
    if resource not in _in_force():
        raise not_found("resource")
    versions = list_share_versions(session, resource=resource, served_only=True)
    return _answer(request, json.dumps(entry(resource, versions[-1] if versions else None), ensure_ascii=False))


def entry(resource: str, served: ShareVersion | None) -> dict[str, Any]:
    """Return one catalogue entry with the version now served."""
    described: dict[str, Any] = json.loads(_described(resource))
    return described if served is None else {**described, "served": _served(served)}


def _page(found: list[str], page: Page, served: dict[str, ShareVersion]) -> str:
    """Return a page as JSON, made of the entries' kept texts."""
    answer = page.answer(found, str, lambda identifier: {"id": identifier})
    texts = []
    for item in answer["items"]:
        text, version = _described(item["id"]), served.get(item["id"])
        extra = f', "served": {json.dumps(_served(version), ensure_ascii=False)}}}' if version is not None else "}"
        texts.append(text[:-1] + extra)
    following = f', "next": {json.dumps(answer["next"])}' if "next" in answer else ""
    return f'{{"items": [{", ".join(texts)}]{following}}}'


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


def _served(version: ShareVersion) -> dict[str, Any]:
    return {
        "share": version.share,
        "schema": version.schema_name,
        "table": version.table_name,
        "version": version.version,
        "publishedAt": version.published_at.isoformat(),
    }


def _catalogued(element: Element) -> dict[str, Any]:
    """Return an item's data element with the data type and length it has in the catalogue (发改高技〔2017〕1272号)."""
    kind = exchange_type(element)
    return {"element": element.id, "dataType": kind.letter, "length": kind.length, "decimals": kind.decimals}
