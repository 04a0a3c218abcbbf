"""Which rule a contract's ``standard`` means (规则登记)."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column

from catalog.model.contract import Item
from jobs.runtime.standards import identifiers, text, values
from jobs.runtime.standards.outcome import Outcome

RULES: dict[str, Callable[[Column], Outcome]] = {
    "text": text.standardise_text,
    "name": text.standardise_name,
    "citizen_id": identifiers.standardise_citizen_id,
    "uscc": identifiers.standardise_uscc,
    "licence_id": identifiers.standardise_licence_id,
    "division": identifiers.standardise_division,
    "date": values.standardise_date,
    "instant": values.standardise_instant,
    "decimal": values.standardise_decimal,
    "integer": values.standardise_integer,
    "boolean": values.standardise_boolean,
}


def standardise(raw: Column, item: Item) -> Outcome:
    """Apply the rule that ``item`` names to the raw text column."""
    if item.standard == "code":
        return values.standardise_code(raw, str(item.code_list))
    return RULES[item.standard](raw)
