"""A shared table's interface as an OpenAPI 3.1 document (接口说明): its rows, and how they are read."""

from __future__ import annotations

from typing import Any

from catalog.model.catalogue_entry import SHARE_TYPES, Entry, EntryItem
from catalog.model.contract import Contract

_TYPES: dict[str, dict[str, str]] = {
    "C": {"type": "string"}, "M": {"type": "string"}, "G": {"type": "string"},
    "D": {"type": "string", "format": "date"},
    "T": {"type": "string", "format": "date-time"}, "L": {"type": "boolean"}, "I": {"type": "integer"},
    "N": {"type": "number"}, "Y": {"type": "number"}, "B": {"type": "number"}, "F": {"type": "number"},
}  # fmt: skip


def openapi_document(entry: Entry, contract: Contract, base: str) -> dict[str, Any]:
    """Return the document of one entry; what is not shared is left out.

    Args:
        entry: the published entry.
        contract: the shared table's contract.
        base: address of the service.
    """
    items = [item for item in entry.items if item.share_type != "refused"]
    required = {prop.name for prop in contract.properties if prop.required}
    share = contract.government.share
    table = f"/delta-sharing/shares/{share.share if share else ''}/schemas/{contract.domain}/tables/{contract.name}"
    token: list[dict[str, list[str]]] = [{"recipientToken": []}]
    lines = {"application/x-ndjson": {"schema": {"type": "string"}}}
    answers = {"200": {"description": "Lines of the Delta Sharing protocol", "content": lines}}
    limits = {"limitHint": {"type": "integer"}, "predicateHints": {"type": "array", "items": {"type": "string"}}}
    query = {"application/json": {"schema": {"type": "object", "properties": limits}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": entry.name, "version": contract.version, "description": entry.abstract},
        "servers": [{"url": base}],
        "paths": {
            f"{table}/metadata": {"get": {"operationId": "metadata", "security": token, "responses": answers}},
            f"{table}/query": {
                "post": {
                    "operationId": "query", "security": token, "requestBody": {"content": query}, "responses": answers,
                }
            },
        },
        "components": {
            "securitySchemes": {"recipientToken": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                contract.name: {
                    "type": "object",
                    "title": entry.name,
                    "properties": {item.name: _property(item) for item in items},
                    "required": [item.name for item in items if item.name in required],
                }
            },
        },
    }  # fmt: skip


def _property(item: EntryItem) -> dict[str, Any]:
    found: dict[str, Any] = {**_TYPES[item.data_type], "title": item.business_name}
    if item.data_type == "C" and item.length:
        found["maxLength"] = item.length
    return {**found, "x-element": item.element, "x-share-type": SHARE_TYPES[item.share_type]}
