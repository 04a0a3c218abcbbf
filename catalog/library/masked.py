"""Personal values out of a library's cells (脱敏), by the mask of each column's data element."""

from __future__ import annotations

from catalog.model.contract import Contract
from catalog.model.masks import apply_mask

UNKNOWN = "all"
"""Mask of a personal column whose element states none."""


def masked(contract: Contract, column: str, value: str | None) -> str | None:
    """Return ``value`` of a column as people may see it without a reason; a public value stays as it is."""
    if value is None:
        return None
    personal = {p.name for p in contract.properties if p.classification in ("personal", "sensitive")}
    mask = contract.item(column).mask or (UNKNOWN if column in personal else "none")
    return apply_mask(mask, value)
