"""The gate at each border (质量关口): pass, warn or stop, for one version of one table, on record; fails closed.

Invariant: what is recorded as checked is a Delta version, never "the table"; nothing passes without a record, and a
check that could not be carried out is a stop.
"""

from __future__ import annotations

import uuid
from dataclasses import replace

from pyspark.sql import SparkSession

from catalog.control.checks import record_check, rows_before
from catalog.control.masking import mask_text
from catalog.control.passing_check import Checked, passing_check
from catalog.control.positions import TableVersion
from catalog.control.session import in_transaction
from catalog.model import layers
from catalog.model.contract import Contract
from catalog.model.errors import GateStoppedError
from catalog.model.registry import Registry, get_registry
from catalog.model.settings import get_settings
from expectations.activation import GATE, activate
from expectations.result import CheckOutcome
from jobs.runtime import delta
from jobs.runtime.rule_fingerprint import fingerprint
from jobs.runtime.spark import connect, many_expressions
from jobs.runtime.stage import StageRun, console, stage_run
from jobs.runtime.table_state import pin
from jobs.runtime.volume import expect_batch


def check(resource: str, batch: str | None = None, *, version: int | None = None) -> None:
    """Check the table of ``resource`` as it stands, once per version and rule set.

    Args:
        resource: ``domain.resource``.
        batch: the batch this check is for; the whole version is checked, the batch is noted.
        version: an older version to check; default the current one.

    Raises:
        GateStoppedError: naming rule, table, version, how to see the rows and whom to tell.
    """
    registry = get_registry()
    contract = registry.get(resource)
    table = layers.table_of(contract)
    with stage_run("check", resource) as run:
        spark = connect()
        standing = expect_batch(spark, contract)
        if not delta.exists(spark, table):
            raise GateStoppedError(
                f"{table.name} does not exist, so nothing can pass",
                place=table.name,
                remedy=f"run the stages before the check: python -m jobs run --resource {resource}",
            )
        newest = pin(spark, table)
        pinned = newest if version is None else replace(newest, version=version)
        known = _known_pass(contract, registry, table, pinned)
        if known is not None:
            run.say(f"{table.name} version {pinned.version} was checked under the same rules: {known}; not scanned")
            return
        with many_expressions(spark, standing):
            pass_gate(spark, contract, registry, table, pinned, run=run, batch=batch)


def _known_pass(contract: Contract, registry: Registry, table: layers.Table, pinned: TableVersion) -> str | None:
    """Return the outcome on record that lets a version through already; None when it must be checked."""
    wanted = Checked(contract.id, table.name, pinned, fingerprint(contract, registry))
    key = get_settings().require("identity_key")
    try:
        return in_transaction(lambda session: passing_check(session, wanted, key)).outcome
    except GateStoppedError:
        return None


def pass_gate(
    spark: SparkSession,
    contract: Contract,
    registry: Registry,
    table: layers.Table,
    pinned: TableVersion,
    *,
    run: StageRun,
    batch: str | None = None,
) -> CheckOutcome:
    """Evaluate one version, keep the result in file and record, show it, and stop when it says so.

    Raises:
        GateStoppedError: when the outcome is stop.
        Exception: whatever kept the result from being recorded; an unrecorded check is no check.
    """
    version = pinned.version
    sealed = {"fingerprint": fingerprint(contract, registry), "table_id": pinned.table_id}
    before = in_transaction(lambda session: rows_before(session, table.name, pinned.table_id, version))
    outcome, document, cause = _evaluate(spark, contract, registry, table, version, before)
    from expectations.report import describe, render, write_report

    if fingerprint(contract, registry) != sealed["fingerprint"]:
        outcome = replace(outcome, error="the rules were changed while the check ran")
    path = write_report(outcome, document)
    record(run, outcome, sealed, report=str(path), batch=batch)
    if outcome.rules and (changes := activate(contract, registry, GATE)):
        run.say(f"rules in force now: {', '.join(f'{len(rules)} {what}' for what, rules in changes.items())}")
    told = [describe(rule) for rule in outcome.rules if rule.outcome != "pass"]
    if told:
        console.print(render(told, f"{table.name} 版本 version {version}"))
    run.say(
        f"{table.name} version {version}: {outcome.outcome}, {outcome.rows:,} rows, "
        f"{outcome.evaluated} of {outcome.planned} rules evaluated, {outcome.failed} not passed"
    )
    if outcome.outcome == "stop":
        from expectations.notices.send import notify_stopped

        notify_stopped(outcome)
        raise stopped(outcome) from cause
    return outcome


def _evaluate(
    spark: SparkSession,
    contract: Contract,
    registry: Registry,
    table: layers.Table,
    version: int,
    previous_rows: int | None,
) -> tuple[CheckOutcome, dict[str, object], Exception | None]:
    try:
        from expectations.evaluate import evaluate

        frame = delta.read(spark, table, version)
        return (*evaluate(frame, contract, registry, table.name, version, previous_rows), None)
    except Exception as error:
        text = mask_text(f"{type(error).__name__}: {error}")
        return CheckOutcome(contract.id, table.name, version, 0, 0, [], text), {}, error


def record(
    run: StageRun, outcome: CheckOutcome, sealed: dict[str, str], *, report: str, batch: str | None = None
) -> uuid.UUID:
    """Record a verdict in the control plane and return its number.

    Args:
        run: the stage's run.
        outcome: the verdict.
        sealed: what it holds for besides the version: this set of rules, and this very table.
        report: where the whole of it lies.
        batch: for which the check was asked.

    Raises:
        LeaseLostError: when another run has the resource; nothing was recorded.
    """
    detail = {
        **sealed,
        "rows": outcome.rows,
        "refusals": [refusal[:2000] for refusal in outcome.refusals],
        "rules": {rule.rule_id: {"outcome": rule.outcome, "failed": rule.failed} for rule in outcome.rules},
    }
    return run.transaction(
        lambda session: record_check(
            session,
            resource=outcome.resource,
            table_name=outcome.table,
            delta_version=outcome.version,
            planned=outcome.planned,
            evaluated=outcome.evaluated,
            failed=outcome.failed,
            outcome=outcome.outcome,
            batch_ids=[batch] if batch else [],
            detail=detail,
            report_path=report,
            run_id=run.run_id,
            key=get_settings().require("identity_key"),
        )
    )


def stopped(outcome: CheckOutcome) -> GateStoppedError:
    """Return the error that a stop raises: which rules, where, how to see the rows, whom to tell."""
    rules = [rule for rule in outcome.rules if rule.outcome == "stop"]
    reasons = [f"{rule.rule_id}: {rule.zh} / {rule.en} ({rule.failed:,} failed)" for rule in rules]
    remedy = [f"report: python -m expectations report {outcome.resource}"]
    if rules:
        rows = f"python -m expectations rows {outcome.resource} {rules[0].rule_id} --version {outcome.version}"
        remedy.append(f"rows: {rows} --purpose PURPOSE")
        remedy.append(f"tell: {', '.join(sorted({rule.department for rule in rules}))}")
    if outcome.is_mended_by_setting_aside:
        remedy.append("the version passes once these rows are set aside")
    remedy.append("the last good version stays served")
    return GateStoppedError(
        "; ".join([*outcome.refusals, *reasons]),
        place=f"{outcome.table} version {outcome.version}",
        remedy="; ".join(remedy),
    )
