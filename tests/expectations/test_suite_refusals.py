"""Suites and verdicts that could let a bad table through are refused before any data is read."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from catalog.model.registry import Registry
from expectations.gate import stopped
from expectations.gx import gxe
from expectations.plan import SuiteRefusedError, make_plan
from expectations.relation import ExpectColumnValuesToExistInTable
from expectations.result import CheckOutcome, RuleResult
from expectations.rule import Rule, indicators
from expectations.suite import build_plan
from tests.expectations.trial import contract_of


def words(rule_id: str = "t.c.pattern", severity: str = "stop") -> dict[str, Any]:
    return Rule(rule_id, severity, "格式合规性", "应当", "must", "public_security").arguments  # type: ignore[arg-type]


def plan_of(*expectations: Any) -> Any:
    return make_plan(contract_of(), list(expectations), live_only=True)


def test_empty_suite() -> None:
    with pytest.raises(SuiteRefusedError, match="empty"):
        plan_of()


def test_rule_without_words() -> None:
    with pytest.raises(SuiteRefusedError, match="does not say which rule"):
        plan_of(gxe.ExpectColumnValuesToNotBeNull(column="c"))


def test_two_rules_of_one_name() -> None:
    with pytest.raises(SuiteRefusedError, match="two rules"):
        plan_of(*[gxe.ExpectColumnValuesToNotBeNull(column=c, **words()) for c in "ab"])


def test_lenient_mandatory_rule() -> None:
    with pytest.raises(SuiteRefusedError, match="mostly"):
        plan_of(gxe.ExpectColumnValuesToNotBeNull(column="c", mostly=0.99, **words()))


def test_mandatory_rule_that_does_without_the_table_it_asks() -> None:
    asked = {"column": "c", "reference_uri": "file:/nowhere", "reference_column": "k", "may_be_absent": True}
    with pytest.raises(SuiteRefusedError, match="may_be_absent"):
        plan_of(ExpectColumnValuesToExistInTable(**asked, **words()))
    assert len(plan_of(ExpectColumnValuesToExistInTable(**asked, **words(severity="warn"))).rules) == 1


def test_lenient_warning_is_allowed() -> None:
    assert len(plan_of(gxe.ExpectColumnValuesToNotBeNull(column="c", mostly=0.99, **words(severity="warn"))).rules) == 1


@pytest.mark.parametrize(
    "regex", [r"^\d{18}$", r"\A[0-9]{18}$", r"[0-9]{18}", r"\A\d{18}\z", r"\A[0-9]{15}|[0-9]{18}\z", r"\A[0-9]\\z"]
)
def test_open_pattern(regex: str) -> None:
    with pytest.raises(SuiteRefusedError, match="open"):
        plan_of(gxe.ExpectColumnValuesToMatchRegex(column="c", regex=regex, **words()))


def test_unknown_indicator() -> None:
    with pytest.raises(ValueError, match="no indicator"):
        Rule("t.c.x", "stop", "好看", "好看", "is pretty", "public_security")


def test_every_rule_of_a_contract_speaks_two_languages_and_names_its_department() -> None:
    rules = build_plan(contract_of(), registry=Registry()).rules
    assert len(rules) > 15
    for rule in rules:
        meta = rule.meta
        assert meta["rule_id"].startswith("trial.resident.")
        assert any("\u4e00" <= c <= "\u9fff" for c in meta["zh"]), meta
        assert meta["en"].isascii() and meta["en"]
        assert meta["department"] == "public_security"
        assert rule.severity == {"stop": "critical", "flag": "warning", "warn": "info"}[meta["severity"]]
        assert meta["version"] == 1
        assert rule.description == f"{meta['zh']} / {meta['en']}"


def test_the_twenty_indicators_of_the_standard() -> None:
    assert len(indicators()) == 20
    assert [len(list(group)) for _, group in groupby(indicators().values(), lambda i: i.dimension)] == [
        6,
        2,
        5,
        2,
        3,
        2,
    ]
    assert len({i.code for i in indicators().values()}) == 20


def test_bronze_is_judged_on_presence_and_its_own_columns() -> None:
    plan = build_plan(contract_of(), layer="bronze", registry=Registry())
    assert [rule.meta["rule_id"] for rule in plan.rules] == [
        f"trial.resident.bronze.{what}"
        for what in (
            "table.row_floor", "_batch_id.not_null", "_source.not_null", "_received_at.not_null", "_row_hash.not_null",
        )
    ]  # fmt: skip


def test_suite_survives_a_round_trip_through_gx() -> None:
    from expectations.gx import ExpectationSuite

    plan = build_plan(contract_of(), registry=Registry())
    document = plan.suite.to_json_dict()
    again = ExpectationSuite(name=document["name"], expectations=document["expectations"])
    assert len(again.expectations) == len(plan.rules)


GOOD = RuleResult("t.c.x", "stop", True, 0, True, "stop", "应当", "must", "public_security")
PASSED = CheckOutcome("t", "silver.t", 1, 1, 10, [GOOD])


def test_verdicts() -> None:
    bad, mild, empty = replace(GOOD, success=False), replace(GOOD, success=False, severity="warn"), GOOD
    assert PASSED.outcome == "pass"
    assert replace(PASSED, rules=[bad]).outcome == "stop"
    assert replace(PASSED, rules=[mild]).outcome == "warn"
    assert replace(PASSED, rules=[replace(empty, evaluable=False)]).outcome == "stop"
    assert replace(PASSED, rules=[replace(empty, evaluable=False, on_empty="warn")]).outcome == "warn"


def test_a_version_that_passes_once_its_rows_are_set_aside_says_so() -> None:
    aside = replace(GOOD, success=False, failed=3, severity="set_aside")
    assert replace(PASSED, rules=[aside]).is_mended_by_setting_aside
    assert "once these rows are set aside" in str(stopped(replace(PASSED, rules=[aside])))
    for others in ([replace(GOOD, rule_id="x", success=False)], [replace(GOOD, rule_id="x", evaluable=False)]):
        outcome = replace(PASSED, planned=2, rules=[aside, *others])
        assert not outcome.is_mended_by_setting_aside
        assert "set aside" not in str(stopped(outcome))
    assert not replace(PASSED, error="Spark went away", rules=[aside]).is_mended_by_setting_aside


@pytest.mark.parametrize(
    "broken",
    [
        {"planned": 0, "rules": []},
        {"planned": 2},
        {"planned": 2, "rules": [GOOD, GOOD]},
        {"rows": 0},
        {"rows": -1},
        {"error": "Spark went away"},
    ],
)
def test_a_check_that_was_not_carried_out_stops(broken: dict[str, Any]) -> None:
    outcome = replace(PASSED, **broken)
    assert outcome.refusals
    assert outcome.outcome == "stop"
