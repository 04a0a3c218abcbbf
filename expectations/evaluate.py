"""One pinned table version against its plan (检查执行): the verdict, and the validation result as GX writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from catalog.model.contract import Contract
from catalog.model.registry import Registry
from expectations.examples import find_examples
from expectations.gx import Expectation, ExpectationSuiteValidationResult, ExpectationValidationResult, gx_version
from expectations.one_pass import OnePass, RuleBrokenError
from expectations.plan import Plan
from expectations.result import CheckOutcome, RuleResult
from expectations.suite import build_plan

JsonDocument = dict[str, Any]


def evaluate(
    frame: DataFrame, contract: Contract, registry: Registry, table_name: str, version: int
) -> tuple[CheckOutcome, JsonDocument]:
    """Return the verdict on ``frame`` and the GX validation result that carries it.

    Args:
        frame: the table as of ``version``.
        contract: its contract.
        registry: where inherited standards are found.
        table_name: ``layer.table``.
        version: the Delta version that ``frame`` was read at.
    """
    columns = frame.columns
    plan = build_plan(contract, present=columns, registry=registry)
    missing = [column for column in contract.columns if column not in columns]
    if missing:
        outcome = CheckOutcome(
            contract.id, table_name, version, len(plan.rules), 0, [], f"columns are missing: {', '.join(missing)}"
        )
        return outcome, _document(plan, outcome, [])
    return evaluate_plan(frame, plan, table_name, version)


def evaluate_plan(frame: DataFrame, plan: Plan, table_name: str, version: int) -> tuple[CheckOutcome, JsonDocument]:
    """Return the verdict of a given plan on ``frame`` and its validation result."""
    one_pass = OnePass(frame, plan.rules)
    one_pass.prepare()
    one_pass.run()
    verdicts = [one_pass.verdict(index) for index in range(len(plan.rules))]
    failing = {
        str(rule.meta["rule_id"]): one_pass.failing[index]
        for index, (rule, verdict) in enumerate(zip(plan.rules, verdicts, strict=True))
        if not verdict.success and index in one_pass.failing
    }
    examples = find_examples(frame, plan.contract, failing)
    rules = [
        _rule_result(rule, verdict, examples.get(str(rule.meta["rule_id"]), []))
        for rule, verdict in zip(plan.rules, verdicts, strict=True)
    ]
    rows = _live_rows(plan, verdicts)
    outcome = CheckOutcome(plan.contract.id, table_name, version, len(plan.rules), rows, rules)
    return outcome, _document(plan, outcome, verdicts)


def _live_rows(plan: Plan, verdicts: list[ExpectationValidationResult]) -> int:
    for rule, verdict in zip(plan.rules, verdicts, strict=True):
        if rule.meta["rule_id"].endswith(".table.row_floor"):
            return int(verdict.result["observed_value"])
    return 0


def _rule_result(rule: Expectation, verdict: ExpectationValidationResult, examples: list[dict[str, Any]]) -> RuleResult:
    meta, found = rule.meta, verdict.result
    if verdict.exception_info and verdict.exception_info.get("raised_exception"):
        raise RuleBrokenError(str(verdict.exception_info.get("exception_message")), place=meta["rule_id"])
    elements, missing = found.get("element_count"), found.get("missing_count")
    vacuous = elements is not None and missing is not None and elements == missing
    if examples:
        found["partial_unexpected_index_list"] = examples
    return RuleResult(
        rule_id=meta["rule_id"],
        severity=meta["severity"],
        success=bool(verdict.success),
        failed=0 if verdict.success else int(found.get("unexpected_count") or 1),
        evaluable=not vacuous,
        on_empty=meta["on_empty"],
        zh=meta["zh"],
        en=meta["en"],
        department=meta["department"],
        observed=_observed(found),
        examples=examples,
    )


def _observed(found: dict[str, Any]) -> str:
    """Return what a table rule saw: a count, a type, or the columns that differ."""
    mismatched = (found.get("details") or {}).get("mismatched")
    return str(mismatched if mismatched else found.get("observed_value", "") if "element_count" not in found else "")


def _document(plan: Plan, outcome: CheckOutcome, verdicts: list[ExpectationValidationResult]) -> JsonDocument:
    successful = sum(bool(verdict.success) for verdict in verdicts)
    validation = ExpectationSuiteValidationResult(
        success=outcome.outcome != "stop",
        results=verdicts,
        suite_name=plan.suite.name,
        statistics={
            "evaluated_expectations": len(verdicts),
            "successful_expectations": successful,
            "unsuccessful_expectations": len(verdicts) - successful,
            "success_percent": 100 * successful / len(verdicts) if verdicts else None,
        },
        meta={
            "great_expectations_version": gx_version,
            "expectation_suite_name": plan.suite.name,
            "active_batch_definition": {
                "datasource_name": "lake",
                "data_asset_name": outcome.table,
                "batch_identifiers": {"version": outcome.version},
            },
            "validation_time": datetime.now(UTC).isoformat(),
        },
    )
    return dict(validation.to_json_dict())
