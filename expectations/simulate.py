"""What a changed rule would have done (规则试运行) to the last versions of a table, before it is in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model import layers
from catalog.model.contract import Contract
from catalog.model.errors import GateStoppedError
from catalog.model.registry import Registry
from expectations.gx import Expectation
from expectations.one_pass import OnePass
from expectations.plan import Plan
from expectations.proposals import Proposal, proposed
from expectations.rule import MANDATORY
from expectations.suite import build_plan
from expectations.tagging import RULES
from jobs.runtime import delta

_WITHOUT_ROWS = ("CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMNS")
"""Operations that make a version without bringing rows."""


@dataclass(frozen=True)
class Simulated:
    """One rule on one earlier version, as it is and as it is proposed."""

    rule_id: str
    version: int
    rows: int
    failed_before: int | None
    """None where there is no such rule yet."""
    failed_after: int
    newly_failing: int | None
    """Rows that only the proposed rule refuses; None for a rule that is not about rows."""
    freed: int | None
    """Rows that only the present rule refuses."""
    stops_before: bool
    stops_after: bool

    def as_json(self) -> dict[str, Any]:
        """Return it as a small document."""
        return asdict(self)


def simulate(
    spark: SparkSession, contract: Contract, registry: Registry, proposals: Sequence[Proposal], versions: int
) -> list[Simulated]:
    """Return what each proposed rule would have said of the newest ``versions`` versions that brought rows.

    Args:
        spark: the session.
        contract: whose table is looked at.
        registry: where inherited standards are found.
        proposals: the changed or new rules.
        versions: how many versions, the newest first.

    Raises:
        GateStoppedError: when the table has no version with rows.
        RuleBrokenError: when a proposed rule cannot be evaluated.
    """
    table = layers.table_of(contract)
    chosen = _versions(spark, table, versions) if delta.exists(spark, table) else []
    if not chosen:
        raise GateStoppedError(
            f"{table.name} has no version to try rules on",
            place=table.name,
            remedy=f"python -m jobs run --resource {contract.id}",
        )
    found = []
    for version in chosen:
        frame = delta.read(spark, table, version)
        plan = build_plan(contract, present=frame.columns, registry=registry)
        found += _on_version(frame, plan, proposed(plan, list(proposals)), version)
    return found


def _versions(spark: SparkSession, table: layers.Table, wanted: int) -> list[int]:
    history = spark.sql(f"DESCRIBE HISTORY {table.sql}").where(~F.col("operation").isin(*_WITHOUT_ROWS))
    return [int(row["version"]) for row in history.orderBy(F.desc("version")).limit(wanted).collect()]


def _on_version(frame: DataFrame, plan: Plan, after: list[Expectation], version: int) -> list[Simulated]:
    present = {rule.meta["rule_id"]: rule for rule in plan.rules}
    found = []
    for rule in after:
        before = present.get(rule.meta["rule_id"])
        pair = [rule] if before is None else [rule, _renamed(before)]
        one_pass = OnePass(frame, pair)
        one_pass.prepare()
        one_pass.run()
        verdicts = [one_pass.verdict(index) for index in range(len(pair))]
        failed = [0 if v.success else int(v.result.get("unexpected_count") or 1) for v in verdicts]
        newly, freed = _moved(one_pass, rule.meta["rule_id"], len(pair)) if 0 in one_pass.failing else (None, None)
        stops = [not v.success and r.meta["severity"] in MANDATORY for r, v in zip(pair, verdicts, strict=True)]
        found.append(
            Simulated(
                rule_id=rule.meta["rule_id"],
                version=version,
                rows=one_pass.rows,
                failed_before=failed[1] if before is not None else None,
                failed_after=failed[0],
                newly_failing=newly,
                freed=freed,
                stops_before=before is not None and stops[1],
                stops_after=stops[0],
            )
        )
    return found


def _renamed(before: Expectation) -> Expectation:
    """Return the present rule under another id, so that both can be asked in one pass."""
    document = before.configuration.to_json_dict()
    document["meta"] = {**document["meta"], "rule_id": f"{document['meta']['rule_id']}{_PRESENT}"}
    return type(before)(**document["kwargs"], meta=document["meta"], severity=document["severity"])


_PRESENT = "@present"


def _moved(one_pass: OnePass, rule_id: str, rules: int) -> tuple[int, int]:
    """Return how many rows only the proposed rule refuses, and how many only the present one."""
    if not any(found.rows for found in one_pass.found.values()):
        return 0, 0
    if rules == 1:
        return one_pass.found[0].rows, 0
    by_rules = one_pass.tagged().groupBy(RULES).agg(F.count(F.lit(1)).alias("rows")).collect()
    alone = {row[RULES][0]: int(row["rows"]) for row in by_rules if len(row[RULES]) == 1}
    return alone.get(rule_id, 0), alone.get(f"{rule_id}{_PRESENT}", 0)
