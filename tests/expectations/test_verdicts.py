"""What the data can do to get past the gate, and what the gate says; on a real Spark Connect server."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from catalog.model.contract import Contract
from catalog.model.registry import Registry
from expectations.evaluate import evaluate, evaluate_plan
from expectations.gx import gxe
from expectations.one_pass import ExpectationUnsupportedError, OnePass, RuleBrokenError
from expectations.plan import make_plan
from expectations.result import CheckOutcome
from expectations.rule import Rule
from tests.expectations.trial import SPARK_SCHEMA, citizen, contract_of, frame_of, row, rows


def judge(spark: Any, records: list[dict[str, Any]], schema: str = SPARK_SCHEMA, **government: Any) -> CheckOutcome:
    return evaluate(frame_of(spark, records, schema), contract_of(**government), Registry(), "silver.t", 1)[0]


def fell(outcome: CheckOutcome) -> dict[str, str]:
    """Return the rules that did not pass, by the end of their id."""
    return {r.rule_id.removeprefix("trial.resident."): r.outcome for r in outcome.rules if r.outcome != "pass"}


def test_good_rows_pass(spark: Any) -> None:
    outcome = judge(spark, rows())
    assert (outcome.outcome, outcome.rows, outcome.failed) == ("pass", 10, 0), fell(outcome)
    assert outcome.planned == outcome.evaluated >= 20


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"citizen_id": citizen(11) + "\n"}, "citizen_id.pattern citizen_id.valid"),
        ({"citizen_id": "110105194912310021"}, "citizen_id.valid"),
        ({"citizen_id": citizen(1), "_is_deleted": True}, "key.unique"),
        ({"citizen_id": None, "_is_deleted": True}, "citizen_id.not_null"),
        ({"sex_code": "1 "}, "sex_code.in_code_list"),
    ],
)
def test_one_bad_row_stops(spark: Any, change: dict[str, Any], rules: str) -> None:
    outcome = judge(spark, [*rows(), row(11, **change)])
    assert outcome.outcome == "stop"
    assert fell(outcome) == dict.fromkeys(rules.split(), "stop")
    assert {r.failed for r in outcome.rules if not r.success} == {2 if "unique" in rules else 1}


def test_flagged_values_and_odd_dates_warn(spark: Any) -> None:
    records = [*rows(), row(11, employer_uscc="9.14E+17"), row(12, birth_date=date(2999, 1, 1))]
    outcome = judge(spark, records)
    assert outcome.outcome == "warn"
    assert fell(outcome) == {
        "employer_uscc.pattern": "warn",
        "employer_uscc.valid": "warn",
        "birth_date.date_range": "warn",
    }


def test_no_rows(spark: Any) -> None:
    outcome = judge(spark, [])
    assert outcome.outcome == "stop"
    assert "the table has no live row" in outcome.refusals


def test_only_tombstones(spark: Any) -> None:
    outcome = judge(spark, [row(n, _is_deleted=True) for n in range(1, 9)])
    assert outcome.outcome == "stop"
    assert outcome.rows == 0


def test_below_the_floor_stops_and_above_the_ceiling_warns(spark: Any) -> None:
    assert fell(judge(spark, rows(2)))["table.row_floor"] == "stop"
    above = judge(spark, rows(4), bounds={"floor": 1, "ceiling": 3})
    assert (above.outcome, fell(above)) == ("warn", {"table.row_ceiling": "warn"})


def test_all_null_under_a_set_is_no_pass(spark: Any) -> None:
    outcome = judge(spark, [row(n, sex_code=None) for n in range(1, 9)])
    found = next(r for r in outcome.rules if r.rule_id.endswith("in_code_list"))
    assert found.success and not found.evaluable, "GX itself lets it pass"
    assert outcome.outcome == "stop"


def test_all_null_in_an_optional_column_warns(spark: Any) -> None:
    outcome = judge(spark, [row(n, employer_uscc=None) for n in range(1, 9)])
    assert outcome.outcome == "warn"
    assert fell(outcome) == {"employer_uscc.pattern": "warn", "employer_uscc.valid": "warn"}


def test_missing_column(spark: Any) -> None:
    outcome = judge(spark, rows(), SPARK_SCHEMA.replace("sex_code string, ", ""))
    assert outcome.outcome == "stop"
    assert any("sex_code" in refusal for refusal in outcome.refusals)


def test_unknown_column(spark: Any) -> None:
    outcome = judge(spark, rows(), f"{SPARK_SCHEMA}, nickname string")
    assert fell(outcome) == {"table.columns": "stop"}
    assert "nickname" in next(r for r in outcome.rules if r.outcome == "stop").observed


@pytest.mark.parametrize("kind", ["decimal(10,2)", "double", "string"])
def test_wrong_type(spark: Any, kind: str) -> None:
    frame = frame_of(spark, rows())
    changed = frame.withColumn("income", frame["income"].cast(kind))
    outcome = evaluate(changed, contract_of(), Registry(), "silver.t", 1)[0]
    assert fell(outcome) == {"income.type": "stop"}


def shared_contract() -> Contract:
    """Return the trial contract as one of a shared table."""
    return contract_of(
        layer="gold",
        source=None,
        curate={"input": "trial.person"},
        share={"share": "city", "type": "unconditional"},
    )


@pytest.mark.parametrize("leaked", ["_record_key", "_changes", "_source_file", "phone"])
def test_shared_table_with_a_column_beyond_its_contract(spark: Any, leaked: str) -> None:
    contract = shared_contract()
    columns = [*contract.columns, "_updated_at", leaked]
    from expectations.suite import TECHNICAL, _Builder

    assert TECHNICAL["gold"] == ()
    rule = _Builder(contract, "gold", tuple(c for c in columns if c.startswith("_")), Registry(), date(2026, 1, 1))
    frame = spark.createDataFrame([tuple("x" for _ in columns)], columns)
    one_pass = OnePass(frame, [rule.columns()])
    one_pass.prepare()
    one_pass.run()
    assert not one_pass.verdict(0).success
    clean = OnePass(frame.drop(leaked), [rule.columns()])
    clean.prepare()
    clean.run()
    assert clean.verdict(0).success


def words(rule_id: str) -> dict[str, Any]:
    return Rule(rule_id, "stop", "业务规则", "应当", "must", "public_security").arguments


def test_rule_on_a_column_that_is_not_there(spark: Any) -> None:
    plan = make_plan(
        contract_of(), [gxe.ExpectColumnValuesToNotBeNull(column="nowhere", **words("t.n.x"))], live_only=True
    )
    with pytest.raises(RuleBrokenError, match="nowhere"):
        evaluate_plan(frame_of(spark, rows()), plan, "silver.t", 1)


def test_rule_that_breaks_on_the_data(spark: Any) -> None:
    plan = make_plan(
        contract_of(),
        [gxe.ExpectColumnValuesToBeBetween(column="full_name", min_value=1, max_value=3, **words("t.n.x"))],
        live_only=True,
    )
    with pytest.raises(RuleBrokenError):
        evaluate_plan(frame_of(spark, rows()), plan, "silver.t", 1)


def test_expectation_beyond_the_pass_is_refused_not_skipped(spark: Any) -> None:
    rule = gxe.ExpectColumnMedianToBeBetween(column="income", min_value=0, max_value=9, **words("t.i.median"))
    with pytest.raises(ExpectationUnsupportedError, match="median"):
        OnePass(frame_of(spark, rows()), [rule]).prepare()


def test_examples_are_located_masked_and_at_most_twenty(spark: Any) -> None:
    records = [*rows(3), *[row(n, full_name=None) for n in range(4, 40)]]
    outcome, document = evaluate(frame_of(spark, records), contract_of(), Registry(), "silver.t", 1)
    found = next(r for r in outcome.rules if r.rule_id.endswith("full_name.not_null"))
    assert found.failed == 36
    assert len(found.examples) == 20
    assert all(e["citizen_id"] == "110105************" and e["_source_file"] == "a.csv" for e in found.examples)
    assert all(3 < int(str(e["_row_number"])) < 40 for e in found.examples)
    text = str(document)
    assert found.rule_id in text
    assert not any(citizen(n) in text for n in range(1, 40))
    assert document["statistics"]["evaluated_expectations"] == outcome.planned == len(document["results"])
