"""What the control plane knows about one resource (评分依据): accounts, issues, deliveries, checks, runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.checks import latest_check
from catalog.control.issues import IssueState, list_issues
from catalog.control.tables import Batch, CheckResult, Finding, LedgerEntry, Run, ShareVersion
from catalog.model.contract import Contract
from catalog.model.layers import table_of

SETTLED = ("accepted", "held", "rejected")
"""States of batches whose rows the ledger has; a repetition (no_op) has none of its own."""
STAGE_OF_LAYER = {"silver": "extract", "base": "reconcile", "gold": "publish"}


@dataclass(frozen=True)
class RuleCount:
    """What the last check said about one rule."""

    rule_id: str
    indicator: str
    zh: str
    en: str
    failed: int
    rows: int
    """Rows judged; 1 for a rule on the whole table."""


@dataclass(frozen=True)
class Delivered:
    """One delivery with its rows as the ledger counts them."""

    batch_id: str
    business_date: date | None
    declared: int | None
    received: int
    """Rows that extract read."""
    admitted: int
    """Rows that conform judged."""
    set_aside: int
    rejected: int
    status: str = "accepted"
    reason: str = ""
    """Reason code of a delivery that is held or was sent back."""
    received_at: datetime | None = None
    """When it arrived, by the clock of the platform; its business date is the day that it is about."""


@dataclass(frozen=True)
class Evidence:
    """Everything that the scores of one resource are counted from."""

    contract: Contract
    batches: Sequence[Delivered]
    """The accepted ones, in the order they arrived."""
    issues: Sequence[IssueState]
    unusual: frozenset[str]
    """Batches that an anomaly rule found unusual."""
    compared: frozenset[str]
    """Batches that had history enough for anomaly rules."""
    rules: Sequence[RuleCount]
    checks: tuple[int, int]
    """Checks that let their version pass, and all checks."""
    runs: tuple[int, int]
    """Runs that succeeded, and all that ended."""
    rows: int
    """Live rows at the last check."""
    conflicts: int | None = None
    """Cells of a base library on which sources disagree; None where nothing is compared."""
    turned_away: Sequence[Delivered] = ()
    """Deliveries that are held or were sent back, all of whose rows the ledger has as rejected."""

    @property
    def held(self) -> list[Delivered]:
        """Deliveries that wait for a decision."""
        return [delivery for delivery in self.turned_away if delivery.status == "held"]

    @property
    def deliveries(self) -> list[Delivered]:
        """Everything that arrived and has rows in the ledger: accepted, held and sent back."""
        return [*self.batches, *self.turned_away]


def gather(
    session: Session, contract: Contract, compared: Sequence[str] = (), conflicts: int | None = None
) -> Evidence:
    """Return the evidence about one resource.

    Args:
        session: an open transaction.
        contract: the resource.
        compared: batches that anomaly rules had history enough for.
        conflicts: open disagreements of a base library.
    """
    latest = latest_check(session, table_of(contract).name)
    unusual = select(Finding.batch_id).where(
        Finding.resource == contract.id, Finding.reason_code.like("%\\_UNUSUAL", escape="\\")
    )
    deliveries = _delivered(session, contract)
    return Evidence(
        contract=contract,
        batches=[delivery for delivery in deliveries if delivery.status == "accepted"],
        turned_away=[delivery for delivery in deliveries if delivery.status != "accepted"],
        issues=list_issues(session, resource=contract.id, standing=None),
        unusual=frozenset(session.scalars(unusual)),
        compared=frozenset(compared),
        rules=_rules(latest),
        checks=_checks(session, contract),
        runs=_runs(session, contract),
        rows=int(latest.detail.get("rows", 0)) if latest else 0,
        conflicts=conflicts,
    )


def _delivered(session: Session, contract: Contract) -> list[Delivered]:
    accounts: dict[tuple[str, str], LedgerEntry] = {}
    for entry in session.scalars(select(LedgerEntry).where(LedgerEntry.resource == contract.id)):
        accounts[entry.batch_id, entry.stage] = entry
    query = select(Batch).where(Batch.resource == contract.id, Batch.status.in_(SETTLED))
    found = []
    for batch in session.scalars(query.order_by(Batch.received_at, Batch.batch_id)):
        extract, conform = accounts.get((batch.batch_id, "extract")), accounts.get((batch.batch_id, "conform"))
        found.append(
            Delivered(
                batch.batch_id,
                batch.business_date,
                batch.declared_rows,
                extract.read if extract else 0,
                conform.read if conform else 0,
                conform.set_aside if conform else 0,
                extract.rejected if extract else 0,
                batch.status,
                batch.reason_code or "",
                batch.received_at,
            )
        )
    return found


def _rules(check: CheckResult | None) -> list[RuleCount]:
    """Return the rules of a check with their indicators, which stand in the validation result that it points to.

    A rule that saw no value, or whose other table is not there, is neither kept nor broken, and left out.
    """
    path = Path(check.report_path) if check and check.report_path else None
    if check is None or path is None or not path.is_file():
        return []
    verdicts = check.detail.get("rules", {})
    found = []
    for result in json.loads(path.read_text(encoding="utf-8")).get("results", []):
        meta = result.get("expectation_config", {}).get("meta") or {}
        verdict = verdicts.get(meta.get("rule_id"))
        if verdict and "indicator" in meta:
            counted = result.get("result") or {}
            rows = counted.get("element_count")
            if rows and counted.get("missing_count") == rows:
                continue
            failed = int(verdict["failed"])
            named = (meta["rule_id"], meta["indicator"], meta.get("zh", ""), meta.get("en", ""))
            found.append(RuleCount(*named, failed if rows else min(failed, 1), int(rows or 1)))
    return found


def _checks(session: Session, contract: Contract) -> tuple[int, int]:
    query = select(func.count().filter(CheckResult.outcome != "stop"), func.count())
    passed, every = session.execute(query.where(CheckResult.resource == contract.id)).one()
    return int(passed), int(every)


def _runs(session: Session, contract: Contract) -> tuple[int, int]:
    """Return successes and endings of the stage that brings the resource; of a shared table, whether it is served."""
    if contract.government.layer == "gold":
        served = select(func.count().filter(ShareVersion.status == "served"), func.count())
        now, ever = session.execute(served.where(ShareVersion.resource == contract.id)).one()
        return min(int(now), 1), min(int(ever), 1)
    stage = STAGE_OF_LAYER[contract.government.layer]
    query = select(func.count().filter(Run.status == "succeeded"), func.count().filter(Run.status != "running"))
    good, every = session.execute(query.where(Run.resource == contract.id, Run.stage == stage)).one()
    return int(good), int(every)
