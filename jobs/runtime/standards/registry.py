"""Which rule a contract's ``standard`` means (规则登记)."""

from __future__ import annotations

from catalog.model.contract import Item
from jobs.runtime.standards import addresses, contact, dates, identifiers, industry, money, text, values
from jobs.runtime.standards.rule import Rule

RULES: dict[str, Rule] = {
    "text": text.TEXT,
    "name": text.NAME,
    **{standard: made(()) for standard, made in identifiers.RULES_BY_HEADING.items()},
    "date": dates.DATE,
    "instant": values.INSTANT,
    "decimal": values.DECIMAL,
    "integer": values.INTEGER,
    "boolean": values.BOOLEAN,
    "current_name": text.CURRENT_NAME,
    "former_name": text.FORMER_NAME,
    "money_amount": money.MONEY_AMOUNT,
    "money_currency": money.MONEY_CURRENCY,
    "phone": contact.PHONE,
    "address": text.ADDRESS,
    "address_division": addresses.ADDRESS_DIVISION,
    "address_rest": addresses.ADDRESS_REST,
    "industry": industry.INDUSTRY,
}


def rule_of(item: Item) -> Rule:
    """Return the rule that ``item`` names; an identifier's knows the column's headings, to tell a repeated header."""
    if item.standard in identifiers.RULES_BY_HEADING:
        return identifiers.RULES_BY_HEADING[item.standard](tuple(item.source_names))
    return values.code_rule(str(item.code_list)) if item.standard == "code" else RULES[item.standard]
