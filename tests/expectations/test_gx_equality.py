"""The one pass gives GX's own verdicts and counts, for every type of expectation that any suite can hold."""

from __future__ import annotations

import inspect
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalog.model.registry import Registry, get_registry
from expectations import custom, exact_type, relation
from expectations.gx import ConditionColumn, Expectation, ExpectationSuite, gxe
from expectations.one_pass import OnePass
from expectations.plan import LIVE
from expectations.suite import build_plan
from tests.expectations.trial import USCC, citizen, contract_of, frame_of, row, rows

DIRTY = [
    *rows(6),
    row(7, citizen_id=citizen(1)),
    row(8, citizen_id=citizen(9) + "\n"),
    row(9, citizen_id="１１０１０５１９４９１２３１００２X"),
    row(10, citizen_id=None),
    row(11, full_name=None, sex_code="7"),
    row(12, sex_code=None, employer_uscc="9.14E+17"),
    row(13, birth_date=date(2999, 1, 1), employer_uscc="91350100M000100Y44"),
    row(14, birth_date=date(1800, 1, 1), _is_deleted=True),
    row(15, citizen_id=citizen(2), _is_deleted=True),
    row(16, sex_code="x", _is_deleted=True),
    row(17, _record_key="r1", income=Decimal("123456.7800")),
    row(18, _batch_id=None, birth_date=None),
    row(19, citizen_id="110105194912310021", income=Decimal("-0.0001")),
    row(20, full_name="一二三四五六七", _is_deleted=True),
]
DOMAIN = {"live": {"row_condition": LIVE}, "all": {}}


def cases(known: str) -> list[Expectation]:
    """Return every type that suites can hold, most of them on live rows and on all; ``known`` is another table."""
    made: list[Expectation] = []
    for domain in DOMAIN.values():
        made += [
            gxe.ExpectColumnValuesToNotBeNull(column="full_name", **domain),
            gxe.ExpectColumnValuesToBeNull(column="full_name", **domain),
            gxe.ExpectColumnValuesToBeUnique(column="citizen_id", **domain),
            gxe.ExpectColumnValuesToBeUnique(column="_row_number", **domain),
            gxe.ExpectColumnValuesToBeInSet(column="sex_code", value_set=["0", "1"], **domain),
            gxe.ExpectColumnValuesToBeInSet(column="sex_code", value_set=["1", "2"], mostly=0.5, **domain),
            gxe.ExpectColumnValuesToMatchRegex(column="citizen_id", regex=r"\A[0-9]{17}[0-9X]\z", **domain),
            gxe.ExpectColumnValuesToBeBetween(
                column="birth_date", min_value=datetime(1900, 1, 1), max_value=datetime(2199, 12, 31), **domain
            ),
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="_record_key", column_B="sex_code", ignore_row_if="either_value_is_missing", **domain
            ),
            gxe.ExpectColumnPairValuesToBeEqual(
                column_A="citizen_id", column_B="_record_key", ignore_row_if="both_values_are_missing", **domain
            ),
            gxe.ExpectCompoundColumnsToBeUnique(
                column_list=["citizen_id", "sex_code"], ignore_row_if="never", **domain
            ),
            gxe.ExpectCompoundColumnsToBeUnique(
                column_list=["birth_date", "sex_code"], ignore_row_if="any_value_is_missing", **domain
            ),
            gxe.ExpectTableRowCountToBeBetween(min_value=19, **domain),
            custom.ExpectColumnValuesToBeValidCitizenId(column="citizen_id", **domain),
            custom.ExpectColumnValuesToBeValidUscc(column="employer_uscc", **domain),
            custom.ExpectColumnValuesToBeValidOrganisationCode(column="employer_uscc", **domain),
            custom.ExpectColumnValuesToBeValidRegistrationNumber(column="employer_uscc", **domain),
            custom.ExpectColumnValuesToBeValidLicenceId(column="employer_uscc", **domain),
            custom.ExpectColumnValuesToBeKnownDivision(column="_batch_id", **domain),
            custom.ExpectColumnPairDivisionToBeInForce(column_A="sex_code", column_B="birth_date", **domain),
            custom.ExpectColumnValuesToBeInCodeList(column="sex_code", code_list="sex", **domain),
            custom.ExpectColumnValuesToBeInCodeList(
                column="sex_code", code_list="sex", in_force_on="2026-01-01", **domain
            ),
            custom.ExpectColumnValuesToHaveElementFormat(column="full_name", notation="a..6", **domain),
            custom.ExpectColumnValuesToHaveElementFormat(
                column="income", notation="n..8,2", is_number=True, **domain
            ),
            custom.ExpectDatesToBeInOrder(column_list=["birth_date", "_recorded_at"], **domain),
            relation.ExpectColumnValuesToExistInTable(
                column="citizen_id", reference_uri=known, reference_column="number", **domain
            ),
            relation.ExpectColumnValuesToAgreeWithTable(
                key="citizen_id", column="full_name", reference_uri=known, reference_key="number",
                reference_column="name", reference_where="name IS NOT NULL", **domain,
            ),
        ]  # fmt: skip
    nobody = ConditionColumn("sex_code") == "none such"
    made += [
        gxe.ExpectColumnValuesToMatchRegex(column="citizen_id", regex=r"\A[0-9]\z", row_condition=nobody),
        gxe.ExpectColumnMaxToBeBetween(column="_recorded_at", min_value=datetime(2026, 1, 2)),
        gxe.ExpectColumnMinToBeBetween(column="_row_number", min_value=1),
        gxe.ExpectColumnTypeToBe(column="full_name", type_="LongType"),
        gxe.ExpectTableColumnsToMatchSet(column_set=["full_name"], exact_match=True),
        exact_type.ExpectColumnSparkTypeToBe(column="income", spark_type="decimal(10,2)"),
    ]
    for number, expectation in enumerate(made):
        expectation.meta = {"rule_id": f"{type(expectation).__name__}.{number}"}
    return made


def types_in_use() -> list[str]:
    """Return the types in the suites of all contracts, and all that this project defines."""
    planned = {type(rule) for c in get_registry().all() for rule in build_plan(c, previous_rows=100).rules}
    own = {
        kind
        for module in (custom, relation, exact_type)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Expectation) and kind.__module__ == module.__name__ and kind.__name__.startswith("Expect")
    }
    return sorted(kind.__name__ for kind in planned | own)


def counts(result: dict[str, Any]) -> dict[str, Any]:
    """Return what was counted; GX answers None, not 0, for the failures among no rows."""
    kept = ("element_count", "unexpected_count", "missing_count", "observed_value")
    found = {name: result[name] for name in kept if name in result}
    return {name: value or 0 if name == "unexpected_count" else value for name, value in found.items()}


@pytest.fixture(scope="module")
def dirty(spark: Any) -> Any:
    return frame_of(spark, DIRTY)


@pytest.fixture(scope="module")
def both(spark: Any, dirty: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """Return rule id → our verdict and counts, and GX's own on the same suite and data."""
    import great_expectations as gx

    known = f"file:{tmp_path_factory.mktemp('known')}/known"
    named = [(citizen(1), "甲1"), (citizen(1), "甲1"), (citizen(2), "别名"), (citizen(3), None), (None, "甲4")]
    spark.createDataFrame(named, "number string, name string").write.format("delta").save(known)
    planned = [*build_plan(contract_of(), present=dirty.columns, registry=Registry()).rules, *cases(known)]
    one_pass = OnePass(dirty, planned)
    one_pass.prepare()
    one_pass.run(["citizen_id", "_row_number"])
    ours = {rule.meta["rule_id"]: one_pass.verdict(index) for index, rule in enumerate(planned)}

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    asset = context.data_sources.add_spark("lake", persist=False).add_dataframe_asset("trial")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": dirty})
    theirs = batch.validate(ExpectationSuite(name="same", expectations=planned), result_format="BASIC")
    assert len(theirs.results) == len(planned) == len(ours) > 80
    for result in theirs.results:
        assert not result.exception_info.get("raised_exception"), result.exception_info
    found = {r.expectation_config.meta["rule_id"]: r for r in theirs.results}
    answers = {}
    for rule in planned:
        rule_id = rule.meta["rule_id"]
        pair = [(v.success, counts(v.result)) for v in (ours[rule_id], found[rule_id])]
        answers[rule_id] = (type(rule).__name__, *pair)
    return answers


@pytest.mark.parametrize("kind", types_in_use())
def test_verdicts_and_counts_are_those_of_gx(both: Any, kind: str) -> None:
    of_kind = {rule_id: pair for rule_id, (name, *pair) in both.items() if name == kind}
    assert of_kind, f"{kind} is in use; give it a case in this file"
    assert {rule_id: pair for rule_id, pair in of_kind.items() if pair[0] != pair[1]} == {}


def test_the_cases_fail_and_pass(both: Any) -> None:
    """Equality of verdicts on data that breaks nothing would say nothing."""
    failed = {name for name, ours, _ in both.values() if not ours[0]}
    assert set(types_in_use()) <= failed
    passed = {name for name, ours, _ in both.values() if ours[0]}
    assert len(passed) > 8
    planned = {f"trial.resident.{rule}" for rule in (
        "key.unique", "_record_key.unique", "_batch_id.not_null", "citizen_id.pattern", "citizen_id.not_null",
        "full_name.not_null", "sex_code.in_code_list", "birth_date.date_range", "employer_uscc.pattern",
        "citizen_id.valid", "employer_uscc.valid",
    )}  # fmt: skip
    assert {rule_id for rule_id in planned if both[rule_id][1][0]} == set()


def test_a_clean_table_is_one_query(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of(spark, rows(8))
    collected = []
    collect = type(frame).collect
    monkeypatch.setattr(type(frame), "collect", lambda self: collected.append(1) or collect(self))
    one_pass = OnePass(frame, build_plan(contract_of(), present=frame.columns, registry=Registry()).rules)
    one_pass.prepare()
    assert collected == []
    one_pass.run(["citizen_id"])
    assert collected == [1]


def test_failing_rows_are_tagged_with_all_their_rules(spark: Any, dirty: Any) -> None:
    rules = build_plan(contract_of(), present=dirty.columns, registry=Registry()).rules
    one_pass = OnePass(dirty, rules)
    one_pass.prepare()
    one_pass.run(["_row_number"])
    tagged = {r["_row_number"]: set(r["_rules"]) for r in one_pass.tagged().collect()}
    short = {n: {rule.removeprefix("trial.resident.") for rule in broken} for n, broken in tagged.items()}
    assert short == {
        1: {"key.unique", "_record_key.unique"},
        2: {"key.unique"},
        7: {"key.unique"},
        8: {"citizen_id.pattern", "citizen_id.valid"},
        9: {"citizen_id.pattern", "citizen_id.valid"},
        10: {"citizen_id.not_null"},
        11: {"full_name.not_null", "sex_code.in_code_list"},
        12: {"employer_uscc.pattern", "employer_uscc.valid"},
        13: {"birth_date.date_range", "employer_uscc.valid"},
        15: {"key.unique"},
        17: {"_record_key.unique"},
        18: {"_batch_id.not_null"},
        19: {"citizen_id.valid"},
    }
    by_rule = {rules[i].meta["rule_id"]: found for i, found in one_pass.found.items() if found.rows}
    for rule_id, found in by_rule.items():
        assert found.rows == sum(rule_id in broken for broken in tagged.values())
        assert {int(str(place[0])) for place in found.places} == {n for n, b in tagged.items() if rule_id in b}


def test_tombstones_are_judged_by_their_keys_only(spark: Any) -> None:
    frame = frame_of(spark, [*rows(5), row(6, sex_code="x", full_name=None, employer_uscc=USCC, _is_deleted=True)])
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
