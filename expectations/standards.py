"""Which standard binds a column (数据元绑定): its own item, or the item of the column it was copied from."""

from __future__ import annotations

from catalog.model.contract import Contract, Item
from catalog.model.ids import citizen_id, division, licence_id, organisation_code, registration_number, uscc
from catalog.model.registry import Registry

PATTERNS = {
    "citizen_id": (citizen_id.PATTERN, "公民身份号码格式", "a citizen number's form (GB 11643)"),
    "uscc": (uscc.PATTERN, "统一社会信用代码格式", "a unified social credit code's form (GB 32100)"),
    "licence_id": (licence_id.PATTERN, "电子证照标识格式", "a licence identifier's form (GB/T 36904)"),
    "organisation_code": (organisation_code.PATTERN, "组织机构代码格式", "an organisation code's form (GB 11714)"),
    "registration_number": (registration_number.PATTERN, "工商注册号格式", "a registration number's form (GS 15-2006)"),
    "division": (division.PATTERN, "行政区划代码格式", "a division code's form (GB/T 2260)"),
}
"""Standard → anchored ASCII pattern in Java's spelling, and what it is in two languages."""


KINDS = {
    "citizen_id": ("公民身份号码", "citizen number (GB 11643)"),
    "uscc": ("统一社会信用代码", "unified social credit code (GB 32100)"),
    "licence_id": ("电子证照标识", "licence identifier (GB/T 36904)"),
    "organisation_code": ("组织机构代码", "organisation code (GB 11714)"),
    "registration_number": ("工商注册号", "registration number (GS 15-2006)"),
    "division": ("行政区划代码", "division code (GB/T 2260)"),
}
"""Standard → what a valid value is, in two languages."""


def bound_item(contract: Contract, column: str, registry: Registry) -> Item:
    """Return how ``column`` is judged; base and shared tables inherit it from the tables they are built from.

    A base column takes the most lenient ``on_failure`` of its inputs, since each of them may supply the value, unless
    its own contract says what happens.
    """
    government = contract.government
    own = government.items.get(column)
    if own and (government.source or "on_failure" in own.model_fields_set):
        return own
    ids: list[str] = []
    if government.reconcile:
        ids = list(government.reconcile.inputs)
    elif government.curate and not _is_computed(contract, column):
        ids = [government.curate.input]
    found = [
        bound_item(source, column, registry)
        for source in (registry.get(resource) for resource in ids)
        if column in source.columns
    ]
    bound = [item for item in (own, *found) if item is not None and item != Item()]
    if not bound:
        return Item()
    lenient = any(item.on_failure == "flag" for item in bound)
    return bound[0].model_copy(update={"on_failure": "flag" if lenient else "set_aside", "agrees_with": None})


def _is_computed(contract: Contract, column: str) -> bool:
    logic = next(p.transform_logic for p in contract.properties if p.name == column)
    return logic is not None and logic != column
