"""The one pass gives GX's own verdicts and counts, for every expectation type in use."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from catalog.model.registry import Registry
from expectations.gx import ConditionColumn, Expectation, ExpectationSuite, gxe
from expectations.one_pass import OnePass
from expectations.plan import LIVE
from expectations.suite import build_plan
from tests.expectations.trial import citizen, contract_of, frame_of, row, rows

DIRTY = [
    *rows(6),
    row(7, citizen_id=citizen(1)),
    row(8, citizen_id=citizen(9) + "\n"),
    row(9, citizen_id="１１０１０５１９４９１２３１００２X"),
    row(10, citizen_id=None),
    row(11, full_name=None, sex_code="7"),
    row(12, sex_code=None, employer_uscc="9.14E+17"),
    row(13, birth_date=date(2999, 1, 1)),
    row(14, birth_date=date(1800, 1, 1), _is_deleted=True),
    row(15, citizen_id=citizen(2), _is_deleted=True),
    row(16, sex_code="x", _is_deleted=True),
    row(17, _record_key="r1"),
    row(18, _batch_id=None),
]


def further() -> list[Expectation]:
    """Expectations that rules files use and contracts do not make."""
    words = {"severity": "critical"}
    made = {
        "pair": gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="full_name", column_B="sex_code", or_equal=True, ignore_row_if="either_value_is_missing",
            row_condition=LIVE, meta={"rule_id": "pair"}, **words,
        ),
        "pair_both": gxe.ExpectColumnPairValuesToBeEqual(
            column_A="citizen_id", column_B="_record_key", ignore_row_if="both_values_are_missing",
            meta={"rule_id": "pair_both"}, **words,
        ),
        "compound_never": gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["citizen_id", "sex_code"], ignore_row_if="never", row_condition=LIVE,
            meta={"rule_id": "compound_never"}, **words,
        ),
        "compound_any": gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["birth_date", "sex_code"], ignore_row_if="any_value_is_missing",
            meta={"rule_id": "compound_any"}, **words,
        ),
        "lenient": gxe.ExpectColumnValuesToBeInSet(
            column="sex_code", value_set=["1", "2"], mostly=0.5, meta={"rule_id": "lenient"}, severity="warning"
        ),
        "nobody": gxe.ExpectColumnValuesToMatchRegex(
            column="citizen_id", regex=r"\A[0-9]\z", row_condition=ConditionColumn("sex_code") == "none such",
            meta={"rule_id": "nobody"}, **words,
        ),
    }  # fmt: skip
    return list(made.values())


def counts(result: dict[str, Any]) -> dict[str, Any]:
    """Return what was counted; GX answers None, not 0, for the failures among no rows."""
    kept = ("element_count", "unexpected_count", "missing_count", "observed_value")
    found = {name: result[name] for name in kept if name in result}
    return {name: value or 0 if name == "unexpected_count" else value for name, value in found.items()}


@pytest.fixture(scope="module")
def dirty(spark: Any) -> Any:
    return frame_of(spark, DIRTY)


def test_verdicts_and_counts_are_those_of_gx(spark: Any, dirty: Any) -> None:
    import great_expectations as gx

    planned = [*build_plan(contract_of(), present=dirty.columns, registry=Registry()).rules, *further()]
    one_pass = OnePass(dirty, planned)
    one_pass.prepare()
    one_pass.run()
    ours = {rule.meta["rule_id"]: one_pass.verdict(index) for index, rule in enumerate(planned)}

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    asset = context.data_sources.add_spark("lake", persist=False).add_dataframe_asset("trial")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": dirty})
    theirs = batch.validate(ExpectationSuite(name="same", expectations=planned), result_format="BASIC")

    assert len(theirs.results) == len(planned) == len(ours) > 25
    differences = {}
    for result in theirs.results:
        assert not result.exception_info.get("raised_exception"), result.exception_info
        mine = ours[result.expectation_config.meta["rule_id"]]
        pair = (mine.success, counts(mine.result)), (result.success, counts(result.result))
        if pair[0] != pair[1]:
            differences[result.expectation_config.meta["rule_id"]] = pair
    assert differences == {}
    failed = {rule_id for rule_id, verdict in ours.items() if not verdict.success}
    assert {
        f"trial.resident.{rule}"
        for rule in (
            "key.unique", "_record_key.unique", "_batch_id.not_null", "citizen_id.pattern", "citizen_id.not_null",
            "full_name.not_null", "sex_code.in_code_list", "birth_date.date_range", "employer_uscc.pattern",
        )
    } <= failed  # fmt: skip
    types = {type(rule).__name__ for rule in planned}
    assert len(types) >= 10, types


def test_the_pass_is_one_query(spark: Any, dirty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    collected = []
    collect = type(dirty).collect
    monkeypatch.setattr(type(dirty), "collect", lambda self: collected.append(1) or collect(self))
    one_pass = OnePass(dirty, build_plan(contract_of(), present=dirty.columns, registry=Registry()).rules)
    one_pass.prepare()
    assert collected == []
    one_pass.run()
    assert collected == [1]


def test_tombstones_are_judged_by_their_keys_only(spark: Any) -> None:
    frame = frame_of(spark, [*rows(5), row(6, sex_code="x", full_name=None, _is_deleted=True)])
    plan = build_plan(contract_of(), present=frame.columns, registry=Registry())
    one_pass = OnePass(frame, plan.rules)
    one_pass.prepare()
    one_pass.run()
    verdicts = {rule.meta["rule_id"]: one_pass.verdict(index) for index, rule in enumerate(plan.rules)}
    assert len(verdicts) > 10
    assert [rule_id for rule_id, verdict in verdicts.items() if not verdict.success] == []
    assert verdicts["trial.resident.table.row_floor"].result["observed_value"] == 5
    assert verdicts["trial.resident.key.unique"].result["element_count"] == 6
    assert verdicts["trial.resident.sex_code.in_code_list"].result["element_count"] == 5
