"""A contract as a plain document of the Open Data Contract Standard 3 (数据契约), as the standard's tools read it."""

from __future__ import annotations

from typing import Any

import yaml

from catalog.model.catalogue_entry import Entry
from catalog.model.contract import Contract


def odcs_document(contract: Contract, entry: Entry | None = None) -> dict[str, Any]:
    """Return the contract without the ``government:`` block; what the standard lacks becomes custom properties."""
    document = contract.model_dump(mode="json", by_alias=True, exclude={"government"}, exclude_defaults=True)
    for written, column in zip(document["schema"][0]["properties"], contract.properties, strict=True):
        written["logicalType"] = column.logical_type
    if contract.servers:
        document["servers"] = [_server(server) for server in document["servers"]]
    government = contract.government
    properties: dict[str, Any] = {
        "department": government.department,
        "resourceCode": government.resource_code,
        "updateCycle": government.update_cycle,
    }
    if government.share is not None:
        properties |= {"shareType": government.share.type, "shareCondition": government.share.condition}
    if entry is not None:
        properties |= {"catalogueName": entry.name, "grade": entry.grade, "useConditions": entry.use_conditions}
    document["customProperties"] = [{"property": name, "value": value} for name, value in properties.items() if value]
    return document


def _server(server: dict[str, Any]) -> dict[str, Any]:
    """Return a server as the standard admits it.

    A database needs host and port there and an interface its whole address; at run time these are the site's settings
    (``SOURCE_<SERVER>``) and never in a contract, so that such a server is of the type ``custom`` and says what it is.
    """
    place = {key: value for key, value in server.items() if key != "location"}
    known = {"postgres": "host" in server and "port" in server, "api": "://" in server.get("location", "")}
    if known.get(server["type"], True):
        return server
    path = {"path": server["location"]} if "location" in server else {}
    return {**place, **path, "type": "custom", "customProperties": [{"property": "system", "value": server["type"]}]}


def odcs_text(contract: Contract, entry: Entry | None = None) -> str:
    """Return the document as YAML."""
    return yaml.safe_dump(odcs_document(contract, entry), allow_unicode=True, sort_keys=False)
