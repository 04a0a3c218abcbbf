"""One pinned table version against its plan (检查执行): the verdict, and the validation result as GX writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame

from catalog.model.contract import Contract
from catalog.model.registry import Registry
from expectations.examples import masked_places, place_columns
from expectations.gx import Expectation, ExpectationSuiteValidationResult, ExpectationValidationResult, gx_version
from expectations.one_pass import OnePass, RuleBrokenError
from expectations.plan import Plan
from expectations.result import CheckOutcome, RuleResult
from expectations.suite import build_plan
from jobs.runtime.spark import many_expressions

JsonDocument = dict[str, Any]


def evaluate(
    frame: DataFrame,
    contract: Contract,
    registry: Registry,
    table_name: str,
    version: int,
    previous_rows: int | None = None,
) -> tuple[CheckOutcome, JsonDocument]:
    """Return the verdict on ``frame`` and the GX validation result that carries it.

    Args:
        frame: the table as of ``version``.
        contract: its contract.
        registry: where inherited standards are found.
        table_name: ``layer.table``.
        version: the Delta version that ``frame`` was read at.
        previous_rows: live rows of the version that passed before.
    """
    columns = frame.columns
    plan = build_plan(contract, present=columns, registry=registry, previous_rows=previous_rows)
    missing = [column for column in contract.columns if column not in columns]
    if missing:
        outcome = CheckOutcome(
            contract.id, table_name, version, len(plan.rules), 0, [], f"columns are missing: {', '.join(missing)}"
        )
        return outcome, _document(plan, outcome, [])
    return evaluate_plan(frame, plan, table_name, version)


def evaluate_plan(frame: DataFrame, plan: Plan, table_name: str, version: int) -> tuple[CheckOutcome, JsonDocument]:
    """Return the verdict of a given plan on ``frame`` and its validation result.

    Raises:
        RuleBrokenError: when a rule raises an error instead of a verdict, or was changed since it was planned.
    """
    outcome, document, _ = evaluate_rows(frame, plan, table_name, version)
    return outcome, document


def evaluate_rows(
    frame: DataFrame, plan: Plan, table_name: str, version: int
) -> tuple[CheckOutcome, JsonDocument, OnePass]:
    """Return also the pass itself, which can hand out every failing row with the rules it breaks."""
    names = place_columns(plan.contract, frame.columns)
    one_pass = OnePass(frame, plan.rules)
    with many_expressions(frame.sparkSession):
        one_pass.prepare()
        one_pass.run(names)
    verdicts = [one_pass.verdict(index) for index in range(len(plan.rules))]
    if not plan.is_unchanged:
        raise RuleBrokenError(
            "the suite was changed between its inspection and the verdict",
            place=table_name,
            remedy="rules are made by their contract and rules file; nothing may write to them afterwards",
        )
    rules = []
    for index, (rule, verdict) in enumerate(zip(plan.rules, verdicts, strict=True)):
        places = one_pass.found[index].places if index in one_pass.found and not verdict.success else []
        rules.append(_rule_result(rule, verdict, masked_places(plan.contract, names, places) if names else []))
    rows = _live_rows(plan, verdicts)
    outcome = CheckOutcome(plan.contract.id, table_name, version, len(plan.rules), rows, rules)
    return outcome, _document(plan, outcome, verdicts), one_pass


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
    now = datetime.now(UTC)
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
            "validation_time": now.isoformat(),
            "run_id": {"run_name": f"{outcome.table} version {outcome.version}", "run_time": now.isoformat()},
        },
    )
    return dict(validation.to_json_dict())
