"""Every rules file belongs to a contract, and each business rule catches what it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import expectations.rules as package
from catalog.model.layers import table
from catalog.model.registry import Registry, get_registry
from expectations.gx import Expectation
from expectations.one_pass import OnePass
from expectations.rules import RuleBook, business_rules, module_of
from expectations.suite import build_plan

TODAY = date(2026, 3, 1)
FILES = sorted(Path(package.__file__).parent.glob("*/[a-z]*.py"))
RESOURCES = [f"{path.parent.name}.{path.stem}" for path in FILES]


def rules_of(resource: str) -> list[Expectation]:
    return business_rules(RuleBook(get_registry().get(resource), TODAY, live_only=True))


def verdicts(spark: Any, resource: str, schema: str, records: list[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    """Return what each rule counted."""
    rules = rules_of(resource)
    assert rules
    one_pass = OnePass(spark.createDataFrame(records, schema), rules)
    one_pass.prepare()
    one_pass.run()
    return {rule.meta["rule_id"]: one_pass.verdict(index).result for index, rule in enumerate(rules)}


def failures(spark: Any, resource: str, schema: str, records: list[tuple[Any, ...]]) -> dict[str, int]:
    """Return how many rows break each rule."""
    return {rule: found["unexpected_count"] for rule, found in verdicts(spark, resource, schema, records).items()}


def test_there_are_rules_files() -> None:
    assert {"population.person", "licence.licence"} <= set(RESOURCES)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_rules_file_has_its_contract_and_names_its_columns(resource: str) -> None:
    contract = get_registry().get(resource)
    assert module_of(resource)
    for rule in rules_of(resource):
        assert rule.meta["rule_id"].startswith(f"{resource}.")
        named = [getattr(rule, name) for name in ("column", "column_A", "column_B") if hasattr(rule, name)]
        assert named and set(named) <= set(contract.columns)


@pytest.mark.parametrize("resource", [contract.id for contract in get_registry().all()])
def test_every_contract_has_a_plan_that_can_stop(resource: str) -> None:
    contract = get_registry().get(resource)
    metas = [rule.meta for rule in build_plan(contract, business_date=TODAY).rules]
    stops = {meta["rule_id"] for meta in metas if meta["severity"] == "stop"}
    assert {f"{resource}.{what}" for what in ("table.row_floor", "table.columns", "key.unique")} <= stops
    typed = {meta["rule_id"] for meta in metas if meta["rule_id"].endswith(".type")}
    assert typed == {f"{resource}.{column}.type" for column in contract.columns}


def test_a_rules_file_without_a_contract_is_found_out() -> None:
    assert RESOURCES
    orphans = [resource for resource in RESOURCES if resource not in {c.id for c in get_registry().all()}]
    assert orphans == []
    assert Registry().all() == []


def test_nobody_is_older_than_130_or_born_tomorrow(spark: Any) -> None:
    records = [
        (date(1895, 3, 2), False),
        (date(1895, 3, 1), False),
        (date(2026, 3, 1), False),
        (date(2026, 3, 2), False),
        (date(1700, 1, 1), True),
        (None, False),
    ]
    found = failures(spark, "population.person", "birth_date date, _is_deleted boolean", records)
    assert found == {"population.person.birth_date.age_at_most_130": 2}


def test_a_licence_begins_before_it_ends(spark: Any) -> None:
    records = [
        (date(2020, 1, 1), date(2025, 1, 1), False),
        (date(2020, 1, 1), date(2020, 1, 1), False),
        (date(2020, 1, 2), date(2020, 1, 1), False),
        (date(2020, 1, 2), date(2020, 1, 1), True),
        (date(2020, 1, 1), None, False),
    ]
    schema = (
        "valid_from_date date, valid_to_date date, _is_deleted boolean, holder_code string, holder_kind_code string"
    )
    found = failures(spark, "licence.licence", schema, [(*record, None, "001") for record in records])
    assert found["licence.licence.valid_to_date.not_before_valid_from_date"] == 1


ONE, TWO, GONE = "91350100M000100Y43", "91350100M000100Y4X", "91350100M000100Y4Y"
REFERENCES = {
    "licence.licence.holder_code.is_known_entity": (
        "base.legal_entity__entity", "uscc",
        "valid_from_date date, valid_to_date date, holder_code string, holder_kind_code string, _is_deleted boolean",
        [(None, None, *row) for row in (
            (ONE, "001", False), (TWO, "001", False), (TWO, "001", False), (GONE, "001", False),
            (TWO, "111", False), (TWO, "001", True), (None, "001", False),
        )],
        {"unexpected_count": 3, "element_count": 5, "missing_count": 0},
    ),
    "legal_entity.entity.representative_citizen_id.is_known_person": (
        "base.population__person", "citizen_id",
        "representative_citizen_id string, _is_deleted boolean",
        [(ONE, False), (TWO, False), (GONE, False), (TWO, True), (None, False)],
        {"unexpected_count": 2, "element_count": 4, "missing_count": 0},
    ),
}  # fmt: skip
"""Rule → table and column that it asks, rows to judge, and what it must count."""


@pytest.mark.parametrize("rule", REFERENCES)
def test_a_reference_is_known_or_not_evaluable(spark: Any, stack: Any, tmp_path: Path, rule: str) -> None:
    name, column, schema, records, expected = REFERENCES[rule]
    resource = ".".join(rule.split(".")[:2])
    before, stack.lake_uri = stack.lake_uri, f"file:{tmp_path}"
    try:
        found = verdicts(spark, resource, schema, records)[rule]
        everything = {"unexpected_count": 0, "missing_count": expected["element_count"]}
        assert {key: found[key] for key in expected} == {**expected, **everything}, "there is nothing to ask yet"
        known = spark.createDataFrame([(ONE, False), (GONE, True)], f"{column} string, _is_deleted boolean")
        known.write.format("delta").save(table(name).uri)
        found = verdicts(spark, resource, schema, records)[rule]
        assert {key: found[key] for key in expected} == expected
    finally:
        stack.lake_uri = before
