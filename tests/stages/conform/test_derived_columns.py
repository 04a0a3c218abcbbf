"""Columns derived from another's raw text: what a contract may say, what bronze and silver then hold."""

from datetime import datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from catalog.model.contract import Contract
from catalog.model.registry import get_registry
from jobs.conform.judge import judge
from jobs.conform.tables import silver_columns
from jobs.extract.bronze import bronze_columns
from jobs.extract.header import names_of

REGISTRY = "legal_entity.registry_sichuan"
DERIVED = {"capital_amount", "capital_currency_code", "address_division_code", "address_rest"}


def changed(column, **item):
    """Return the registry's contract as a document with another item for ``column``."""
    document = get_registry().get(REGISTRY).model_dump(by_alias=True, exclude_none=True)
    document["government"]["items"][column] = item
    return document


def test_a_derived_column_is_in_silver_only():
    contract = get_registry().get(REGISTRY)
    assert set(contract.columns) - set(contract.raw_columns) == DERIVED
    assert DERIVED.isdisjoint(name for name, _, _ in bronze_columns(contract))
    assert DERIVED.isdisjoint(names_of(contract).values())
    assert {name for name, _, _ in silver_columns(contract)} >= DERIVED


@pytest.mark.parametrize(
    ("column", "item"),
    [
        ("capital_amount", {"of": "nothing", "standard": "money_amount"}),
        ("capital_amount", {"of": "capital_currency_code", "standard": "money_amount"}),
        ("capital_amount", {"of": "capital_text", "standard": "money_amount", "from": ["注册资金"]}),
        ("uscc", {"of": "company_name", "standard": "uscc"}),
    ],
    ids=["unknown", "derived", "delivered", "key"],
)
def test_a_contradictory_derived_column_is_refused(column, item):
    assert Contract.model_validate(get_registry().get(REGISTRY).model_dump(by_alias=True, exclude_none=True))
    with pytest.raises(ValidationError, match=r"of names a delivered|cannot be part of"):
        Contract.model_validate(changed(column, **item))


def test_raw_value_and_rule_stay_beside_each_derived_value(spark):
    contract = get_registry().get(REGISTRY)
    capital, address = "3,000.5(万)", "四川省绵阳市涪城区长虹大道"
    given = {
        "uscc": "91350100M000100Y43", "company_name": "示范公司", "capital_text": capital, "address": address,
        "_operation": "I", "_received_at": datetime(2026, 3, 1),
    }  # fmt: skip
    columns = bronze_columns(contract)
    schema = ", ".join(f"`{name}` {kind}" for name, kind, _ in columns)
    frame = spark.createDataFrame([tuple(given.get(name) for name, _, _ in columns)], schema)
    row = judge(frame, contract, None).collect()[0]
    assert (row["capital_amount"], row["capital_currency_code"]) == (Decimal("30005000.0000"), "CNY")
    assert (row["address_division_code"], row["address_rest"]) == ("510703", "长虹大道")
    assert (row["capital_text"], row["address"]) == (capital, address)
    assert DERIVED.isdisjoint(row["_row"]) and row["_row"]["capital_text"] == capital
    assert {tuple(change) for change in row["_changes"]} == {
        ("capital_amount", capital, "money.amount"),
        ("capital_currency_code", capital, "money.currency_assumed"),
        ("address_division_code", address, "address.division"),
        ("address_rest", address, "address.rest"),
    }
