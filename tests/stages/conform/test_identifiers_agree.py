"""The column expressions judge identifiers exactly as the pure functions do, on generated and damaged values."""

import pytest

from catalog.model.ids.citizen_id import OLD_PATTERN, upgrade_citizen_id
from catalog.model.ids.cleaning import clean_identifier, without_dashes
from catalog.model.ids.failures import matches
from catalog.model.ids.organisation_code import explain_organisation_code, organisation_code_of
from catalog.model.ids.registry import IDENTIFIERS
from catalog.model.reasons import load_reasons
from jobs.runtime.spark import expect_rows
from jobs.runtime.standards import apply_rules, identifiers
from jobs.runtime.standards.registry import RULES
from tests.model.identifier_samples import COUNT, samples

MANY = 1_000_000
"""Rows for which plans are compiled; fewer are interpreted."""
FEW = 5_000


def expected(name: str, raw: str | None) -> tuple[str | None, str | None]:
    """Return the standard value and the reason code that the pure functions give."""
    value = clean_identifier(raw) if raw else ""
    if name == "citizen_id" and matches(OLD_PATTERN, value):
        value = upgrade_citizen_id(value)
    if name == "organisation_code":
        value = clean_identifier(without_dashes(value) or value)
        return value or None, explain_organisation_code(value) if value else None
    explain = next(identifier.explain for identifier in IDENTIFIERS if identifier.name == name)
    return value or None, explain(value) if value else None


def judged(spark, name: str, raws: list[str | None]) -> list[tuple]:
    """Return value and reason of each raw value, in order.

    The rows are dealt out first: over rows that a plan itself carries, the optimiser would compute the rules alone.
    """
    frame = spark.createDataFrame([(i, raw) for i, raw in enumerate(raws)], "i int, raw string").repartition(2)
    rows = apply_rules(frame, {"raw": RULES[name]})
    found = rows.selectExpr("i", "raw__value AS value", "raw__problem AS problem").collect()
    return [(row["value"], row["problem"]) for row in sorted(found, key=lambda row: row["i"])]


@pytest.mark.parametrize("rows", [MANY, FEW], ids=["compiled", "interpreted"])
@pytest.mark.parametrize("name", [identifier.name for identifier in IDENTIFIERS])
def test_column_expression_agrees_with_the_pure_function(spark, name, rows):
    expect_rows(spark, rows)
    raws = list(samples(name, COUNT if rows == MANY else FEW))
    found = judged(spark, name, raws)
    assert len(found) == len(raws) >= FEW
    wanted = [expected(name, raw) for raw in raws]
    verdicts = {reason for _, reason in wanted}
    own = {code for code in load_reasons() if code.startswith(f"{name.upper()}_")} - {"CITIZEN_ID_UPGRADED"}
    assert None in verdicts
    if rows == MANY:
        assert own - {"DIVISION_NOT_IN_FORCE"} <= verdicts, "the sample must show every way of failing"
    different = [(raw, *pair) for raw, *pair in zip(raws, found, wanted, strict=True) if pair[0] != pair[1]]
    assert different[:10] == []


def test_old_citizen_number_is_brought_to_eighteen_places(spark):
    frame = spark.createDataFrame([("320311770706001",)], "raw string")
    row = apply_rules(frame, {"raw": identifiers.CITIZEN_ID}).collect()[0]
    assert (row["raw__value"], row["raw__rule"]) == ("320311197707060018", "CITIZEN_ID_UPGRADED")


def test_a_list_of_organisation_codes_links_to_unified_codes(spark):
    codes = [raw for raw in samples("uscc", FEW) if raw and len(raw) == 18 and raw.isascii()]
    assert len(codes) > FEW // 3
    frame = spark.createDataFrame([(code,) for code in codes], "code string")
    found = frame.select("code", identifiers.organisation_code_of(frame["code"]).alias("organisation")).collect()
    assert [(row["code"], row["organisation"]) for row in found] == [(c, organisation_code_of(c)) for c in codes]


def test_a_heading_of_the_contract_is_a_repeated_header(spark):
    rule = identifiers.RULES_BY_HEADING["uscc"](("信用 编号",))
    frame = spark.createDataFrame([("信用编号",), ("非独立法人",)], "raw string")
    found = {row["raw"]: row["raw__problem"] for row in apply_rules(frame, {"raw": rule}).collect()}
    assert found == {"信用编号": "USCC_HEADING", "非独立法人": "USCC_FORMAT"}
