"""A contract as a plain document of the Open Data Contract Standard 3 (数据契约), as the standard's tools read it."""

from __future__ import annotations

from typing import Any

import yaml

from catalog.model.catalogue_entry import Entry
from catalog.model.contract import Contract


def odcs_document(contract: Contract, entry: Entry | None = None) -> dict[str, Any]:
    """Return the contract without the ``government:`` block; what the standard lacks becomes custom properties."""
    document = contract.model_dump(mode="json", by_alias=True, exclude={"government"}, exclude_defaults=True)
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


def odcs_text(contract: Contract, entry: Entry | None = None) -> str:
    """Return the document as YAML."""
    return yaml.safe_dump(odcs_document(contract, entry), allow_unicode=True, sort_keys=False)
