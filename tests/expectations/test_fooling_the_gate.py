"""Attempts to get a bad table, or a bad rule, past the gate; every one is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import Row
from sqlalchemy import text, update

from catalog.control.checks import signature
from catalog.control.passing_check import Checked, find_objection
from catalog.control.positions import TableVersion
from catalog.control.session import session_scope
from catalog.control.tables import CheckResult
from catalog.model.errors import GateStoppedError, GuantongError
from catalog.model.registry import Registry
from expectations.evaluate import evaluate, evaluate_plan, evaluate_rows
from expectations.gate import check
from expectations.gx import gxe
from expectations.plan import Plan, make_plan
from expectations.result import CheckOutcome, RuleResult
from expectations.rule import Rule
from expectations.scan import CountsDifferError, _suspects
from expectations.suite import build_plan
from tests.expectations.trial import RESOURCE, citizen, contract_of, frame_of, row, rows


def words(rule_id: str = "t.c.x", severity: str = "stop") -> dict[str, Any]:
    return Rule(rule_id, severity, "格式合规性", "应当", "must", "public_security").arguments  # type: ignore[arg-type]


def plan_of(*expectations: Any) -> Plan:
    return make_plan(contract_of(), list(expectations), live_only=True)


def matching(regex: str, severity: str = "stop") -> Plan:
    return plan_of(gxe.ExpectColumnValuesToMatchRegex(column="c", regex=regex, **words(severity=severity)))


def not_null(**more: Any) -> Any:
    return gxe.ExpectColumnValuesToNotBeNull(column=more.pop("column", "c"), **{**words(), **more})


RULES: dict[str, Callable[[], Any]] = {
    "a suite without rules": plan_of,
    "a rule without a name": lambda: plan_of(gxe.ExpectColumnValuesToNotBeNull(column="c")),
    "two rules under one id": lambda: plan_of(not_null(column="a"), not_null(column="b")),
    "a mandatory rule with mostly": lambda: plan_of(not_null(mostly=0.99)),
    "a rule to set rows aside with mostly": lambda: plan_of(not_null(mostly=0.9, **words(severity="set_aside"))),
    "a pattern closed with $": lambda: matching(r"\A[0-9]{18}$"),
    "a pattern opened with ^": lambda: matching(r"^[0-9]{18}\z"),
    "a pattern open on both sides": lambda: matching(r"[0-9]{18}"),
    "digits by \\d": lambda: matching(r"\A\d{18}\z"),
    "letters by \\w": lambda: matching(r"\A\w+\z", "set_aside"),
    "an alternative that is open": lambda: matching(r"\A[0-9]{15}|[0-9]{18}\z"),
    "an end that is escaped": lambda: matching(r"\A[0-9]\\z"),
    "one open pattern among several": lambda: plan_of(
        gxe.ExpectColumnValuesToMatchRegexList(column="c", regex_list=[r"\A[0-9]\z", "[A-Z]"], **words())
    ),
    "an indicator of its own": lambda: Rule("t.c.x", "stop", "好看", "好看", "is pretty", "public_security"),
    "a severity of its own": lambda: words(severity="ignore"),
    "version nought of a rule": lambda: Rule("t.c.x", "stop", "元数据", "好", "good", "public_security", version=0),
}


@pytest.mark.parametrize("attempt", RULES)
def test_rule_is_refused(attempt: str) -> None:
    with pytest.raises((GuantongError, ValueError)):
        RULES[attempt]()


TABLES: dict[str, list[dict[str, Any]]] = {
    "no row at all": [],
    "only deleted rows": [row(n, _is_deleted=True) for n in range(1, 9)],
    "fewer rows than the floor": rows(2),
    "a column that is all null": [row(n, sex_code=None) for n in range(1, 9)],
}


@pytest.mark.parametrize("attempt", TABLES)
def test_table_is_stopped(spark: Any, attempt: str) -> None:
    outcome = evaluate(frame_of(spark, TABLES[attempt]), contract_of(), Registry(), "silver.t", 1)[0]
    assert outcome.evaluated == outcome.planned > 20
    assert outcome.outcome == "stop"


BAD: dict[str, dict[str, Any]] = {
    "full-width digits": {"citizen_id": "１１０１０５１９４９１２３１００２X"},
    "a newline behind": {"citizen_id": citizen(11) + "\n"},
    "a carriage return behind": {"citizen_id": citizen(11) + "\r"},
    "a blank before": {"citizen_id": " " + citizen(11)},
    "a byte order mark before": {"citizen_id": "\ufeff" + citizen(11)},
    "an invisible character inside": {"citizen_id": citizen(11)[:9] + "\u200b" + citizen(11)[9:]},
    "Arabic digits": {"citizen_id": citizen(11).translate({ord(str(n)): 0x660 + n for n in range(10)})},
    "a lower-case x": {"citizen_id": "11010519491231002x"},
    "an empty key": {"citizen_id": ""},
    "a wrong check character": {"citizen_id": "110105194912310021"},
    "a thirtieth of February": {"citizen_id": "110105194902300022"},
    "a number of fifteen digits": {"citizen_id": "110105491231002"},
    "a missing key": {"citizen_id": None},
    "a missing key on a deleted row": {"citizen_id": None, "_is_deleted": True},
    "a key twice": {"citizen_id": citizen(1)},
    "a key again on a deleted row": {"citizen_id": citizen(2), "_is_deleted": True},
    "a source record twice": {"_record_key": "r3"},
    "a row neither deleted nor not": {"_is_deleted": None, "sex_code": "7"},
    "a code with a blank": {"sex_code": "1 "},
    "a code that no list has": {"sex_code": "7"},
    "a required value missing": {"full_name": None},
    "a row of no batch": {"_batch_id": None},
}


@pytest.fixture(scope="module")
def tagged(spark: Any) -> dict[int, list[str]]:
    """Return row number → the mandatory rules it breaks, of good rows and one row per attempt in one table."""
    bad = [row(number, **change) for number, change in enumerate(BAD.values(), start=11)]
    frame = frame_of(spark, [*rows(), *bad])
    plan = build_plan(contract_of(), present=frame.columns, registry=Registry())
    outcome, _, one_pass = evaluate_rows(frame, plan, "silver.t", 1)
    assert outcome.outcome == "stop"
    mandatory = {rule.meta["rule_id"] for rule in plan.rules if rule.meta["severity"] == "stop"}
    return {r["_row_number"]: sorted(mandatory & set(r["_rules"])) for r in one_pass.tagged().collect()}


@pytest.mark.parametrize("attempt", BAD)
def test_row_is_found(tagged: dict[int, list[str]], attempt: str) -> None:
    assert tagged.get(list(BAD).index(attempt) + 11)


def test_good_rows_are_not_found(tagged: dict[int, list[str]]) -> None:
    assert set(range(1, 11)) & tagged.keys() == {1, 2, 3}, "those whose key or record another row repeats"


def reshaped(spark: Any, change: Callable[[Any], Any], **government: Any) -> CheckOutcome:
    frame = change(frame_of(spark, rows()))
    return evaluate(frame, contract_of(**government), Registry(), "silver.t", 1, previous_rows=100)[0]


def recast(frame: Any, kind: str) -> Any:
    return frame.withColumn("income", frame["income"].cast(kind))


SHAPES: dict[str, Callable[[Any], Any]] = {
    "a column missing": lambda spark: reshaped(spark, lambda f: f.drop("sex_code")),
    "a column beyond the contract": lambda spark: reshaped(spark, lambda f: f.selectExpr("*", "'x' AS nickname")),
    "another precision": lambda spark: reshaped(spark, lambda f: recast(f, "decimal(10,2)")),
    "numbers as text": lambda spark: reshaped(spark, lambda f: recast(f, "string")),
    "half of the rows of the day before": lambda spark: reshaped(
        spark, lambda f: f, bounds={"floor": 3, "fall": 0.5}
    ),
    "a rule on a column that is not there": lambda spark: evaluate_plan(
        frame_of(spark, rows()), plan_of(not_null(column="nowhere")), "silver.t", 1
    ),
    "a rule that breaks on the data": lambda spark: evaluate_plan(
        frame_of(spark, rows()),
        plan_of(gxe.ExpectColumnValuesToBeBetween(column="full_name", min_value=1, max_value=3, **words())),
        "silver.t", 1,
    ),
    "a rule that the pass cannot evaluate": lambda spark: evaluate_plan(
        frame_of(spark, rows()),
        plan_of(gxe.ExpectColumnMedianToBeBetween(column="income", min_value=0, max_value=9, **words())),
        "silver.t", 1,
    ),
    "not a number, under a ceiling": lambda spark: numbers(spark, "NaN", max_value=9),
    "not a number, above a floor": lambda spark: numbers(spark, "NaN", min_value=1, max_value=9),
    "infinity": lambda spark: numbers(spark, "Infinity", max_value=9),
    "nought and minus nought as two keys": lambda spark: unique_numbers(spark, "0.0", "-0.0"),
    "not a number as two keys": lambda spark: unique_numbers(spark, "NaN", "NaN"),
    "a rule dropped after the inspection": lambda spark: tampered(spark, lambda p: p.suite.expectations.pop()),
    "a floor lowered after the inspection": lambda spark: tampered(
        spark, lambda p: setattr(p.suite.expectations[0], "min_value", 0)
    ),
    "a weight taken off after the inspection": lambda spark: tampered(
        spark, lambda p: p.suite.expectations[0].meta.update(severity="warn")
    ),
}  # fmt: skip


def numbers(spark: Any, value: str, **bounds: Any) -> CheckOutcome:
    frame = spark.sql(f"SELECT double('{value}') AS income, 'k' AS citizen_id")
    rule = gxe.ExpectColumnValuesToBeBetween(column="income", **bounds, **words())
    floor = gxe.ExpectTableRowCountToBeBetween(min_value=1, **words("t.table.row_floor"))
    return evaluate_plan(frame, plan_of(floor, rule), "silver.t", 1)[0]


def unique_numbers(spark: Any, *values: str) -> CheckOutcome:
    frame = spark.sql(f"SELECT explode(array({', '.join(f'double({value!r})' for value in values)})) AS income")
    rule = gxe.ExpectColumnValuesToBeUnique(column="income", **words())
    floor = gxe.ExpectTableRowCountToBeBetween(min_value=1, **words("t.table.row_floor"))
    return evaluate_plan(frame, plan_of(floor, rule), "silver.t", 1)[0]


def tampered(spark: Any, change: Callable[[Plan], Any]) -> CheckOutcome:
    frame = frame_of(spark, rows())
    plan = build_plan(contract_of(), present=frame.columns, registry=Registry())
    change(plan)
    return evaluate_plan(frame, plan, "silver.t", 1)[0]


@pytest.mark.parametrize("attempt", SHAPES)
def test_shape_or_rule_is_stopped(spark: Any, attempt: str) -> None:
    try:
        found = SHAPES[attempt](spark)
    except GuantongError:
        return
    assert found.outcome == "stop"


GOOD = RuleResult("t.c.x", "stop", True, 0, True, "stop", "应当", "must", "public_security")
PASSED = CheckOutcome("t", "silver.t", 1, 1, 10, [GOOD])
OUTCOMES: dict[str, dict[str, Any]] = {
    "no rule planned": {"planned": 0, "rules": []},
    "a rule not evaluated": {"planned": 2},
    "a rule counted twice": {"planned": 2, "rules": [GOOD, GOOD]},
    "no rows": {"rows": 0},
    "an error on the way": {"error": "Spark went away"},
    "a failed rule that sets aside": {"rules": [replace(GOOD, success=False, severity="set_aside")]},
    "a rule that saw only nulls": {"rules": [replace(GOOD, evaluable=False)]},
}


@pytest.mark.parametrize("attempt", OUTCOMES)
def test_outcome_is_a_stop(attempt: str) -> None:
    assert PASSED.outcome == "pass"
    assert replace(PASSED, **OUTCOMES[attempt]).outcome == "stop"


WITHOUT_SIGNATURE = "UPDATE check_result SET detail = detail - 'signature' WHERE resource = :resource"
WITH_ANOTHER = """UPDATE check_result SET detail = detail || '{"signature": "00"}' WHERE resource = :resource"""
ANOTHER_COUNT = """UPDATE check_result SET detail = detail || '{"rows": 999}' WHERE resource = :resource"""
STOP_TO_PASS = "UPDATE check_result SET outcome = 'pass', failed = 0 WHERE resource = :resource AND outcome = 'stop'"
MOVED = "UPDATE check_result SET delta_version = :bad WHERE resource = :resource AND outcome = 'pass'"


def refusal(site: Any, version: int) -> str:
    """Return what the publisher would say of a version; nothing when it would publish it."""
    try:
        site.require(version)
    except GateStoppedError as error:
        return str(error)
    return ""


def refused_after(site: Any, statement: str, version: int, **values: Any) -> str:
    """Return the same once the records were written to, and put them back."""
    with session_scope() as session:
        kept = session.execute(text("SELECT check_id, outcome, failed, delta_version, detail FROM check_result")).all()
        written = session.execute(text(statement), {"resource": RESOURCE, **values})
        assert written.rowcount == 1
    refused = refusal(site, version)
    with session_scope() as session:
        for record in kept:
            columns = dict(zip(("outcome", "failed", "delta_version", "detail"), record[1:], strict=True))
            session.execute(update(CheckResult).where(CheckResult.check_id == record[0]).values(**columns))
    return refused


RECORDS = {
    "a version that nobody checked": "never checked",
    "an older version checked instead": "never checked",
    "a pass moved to another version": "did not write",
    "a pass without signature": "did not write",
    "a pass with another signature": "did not write",
    "another count in a pass": "did not write",
    "a stop": "stopped by the gate",
    "a stop turned into a pass": "did not write",
    "rules changed since": "other rules",
    "a table made again under the number": "another table",
}
"""Attempt → what the refusal says."""


def test_record_or_version_is_refused(site: Any) -> None:
    good = site.fill()
    bad = site.fill([*rows(), row(11, sex_code="x")])
    said = {"a version that nobody checked": refusal(site, bad)}
    check(RESOURCE, version=good)
    assert not refusal(site, good)
    said["an older version checked instead"] = refusal(site, bad)
    said["a pass moved to another version"] = refused_after(site, MOVED, bad, bad=bad)
    said["a pass without signature"] = refused_after(site, WITHOUT_SIGNATURE, good)
    said["a pass with another signature"] = refused_after(site, WITH_ANOTHER, good)
    said["another count in a pass"] = refused_after(site, ANOTHER_COUNT, good)
    with pytest.raises(GateStoppedError):
        check(RESOURCE, version=bad)
    said["a stop"] = refusal(site, bad)
    said["a stop turned into a pass"] = refused_after(site, STOP_TO_PASS, bad)
    assert not refusal(site, good), "the records were put back"
    site.declare(bounds={"floor": 500})
    said["rules changed since"] = refusal(site, good)
    site.declare()
    assert not refusal(site, good)
    shutil.rmtree(site.table.local_path)
    assert site.fill([row(1, sex_code="x")]) == good
    said["a table made again under the number"] = refusal(site, good)
    assert {attempt for attempt, words in RECORDS.items() if words in said[attempt]} == said.keys(), said


SIGNED: dict[str, dict[str, Any]] = {
    "a stop with a pass's counts": {"outcome": "stop"},
    "no rule planned or evaluated": {"planned": 0, "evaluated": 0},
    "a rule left out": {"evaluated": 4},
    "no row": {"detail": {"rows": 0}},
    "a number of rows below nought": {"detail": {"rows": -1}},
    "another table's id": {"detail": {"table_id": "b"}},
    "no table's id": {"detail": {"table_id": None}},
    "the rules of last year": {"detail": {"fingerprint": "rules of last year"}},
    "another version": {"delta_version": 8},
    "another table's name": {"table_name": "gold.other"},
}
KEY = "0f" * 32
WANTED = Checked(RESOURCE, "gold.t", TableVersion("a", 7), "rules of today")


def objection(**changes: Any) -> str:
    """Return what speaks against a record that the gate itself signed, a good one with changes."""
    detail = {"rows": 3, "table_id": "a", "fingerprint": "rules of today", **changes.pop("detail", {})}
    good = {"table_name": "gold.t", "delta_version": 7, "planned": 5, "evaluated": 5, "failed": 0, "outcome": "pass"}
    made = CheckResult(resource=RESOURCE, detail=detail, **{**good, **changes})
    made.detail = {**made.detail, "signature": signature(made, KEY)}
    return find_objection(made, WANTED, KEY)


@pytest.mark.parametrize("attempt", SIGNED)
def test_signed_record_is_not_believed_by_its_word_alone(attempt: str) -> None:
    assert not objection()
    assert not objection(outcome="warn", failed=1)
    assert objection(**SIGNED[attempt])


def test_truncated_delivery_is_held(site: Any) -> None:
    site.declare(bounds={"floor": 1, "fall": 0.2})
    site.fill()
    check(RESOURCE)
    site.fill(rows(7))
    with pytest.raises(GateStoppedError, match="not_truncated"):
        check(RESOURCE)


@pytest.mark.parametrize("seen", [0, 5, 20])
def test_two_counts_that_differ_are_refused(seen: int) -> None:
    answers = [Row(rule=3, seen=seen, n=0)] if seen else []
    with pytest.raises(CountsDifferError, match=f"10 rows were counted and {seen} grouped"):
        _suspects({3: 10}, answers)
    assert _suspects({3: 10}, [Row(rule=3, seen=10, n=2)]) == [3]


def test_there_are_forty_attempts_and_a_good_table_passes(spark: Any) -> None:
    assert len({*RULES, *TABLES, *BAD, *SHAPES, *OUTCOMES, *RECORDS, *SIGNED}) >= 80
    outcome = evaluate(frame_of(spark, rows()), contract_of(), Registry(), "silver.t", 1, previous_rows=11)[0]
    assert (outcome.outcome, outcome.failed) == ("pass", 0)
