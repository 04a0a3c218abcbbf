"""Real departmental lists (真实数据): whether they are there, and what became of every row of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.ledger import ledger_entries
from catalog.control.tables import Finding
from catalog.model.contract import Contract
from infra.run.evidence import set_aside_reasons
from infra.run.summary import SourceReport


def find_folder(given: Path | None, console: Console) -> Path | None:
    """Return the folder with real lists, or None: none was named, or what was named is not there, which is said."""
    if given is None:
        return None
    if not given.is_dir():
        told = f"REAL_DATA={given} is not a folder: the run goes on without real lists (真实数据缺失，继续运行)."
        console.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
        return None
    return given.resolve()


def report(session: Session, spark_remote: str, contracts: Sequence[Contract]) -> dict[str, SourceReport]:
    """Return contract → what became of its rows in all batches so far, with the reasons."""
    return {contract.id: _report(session, spark_remote, contract) for contract in contracts}


def _report(session: Session, spark_remote: str, contract: Contract) -> SourceReport:
    extracted = ledger_entries(session, resource=contract.id, stage="extract")
    conformed = ledger_entries(session, resource=contract.id, stage="conform")
    found = session.scalars(select(Finding).where(Finding.resource == contract.id)).all()
    reasons: dict[str, int] = {}
    for finding in found:
        reasons[finding.reason_code] = reasons.get(finding.reason_code, 0) + finding.count
    return SourceReport(
        read=sum(entry.read for entry in extracted),
        accepted=sum(entry.accepted for entry in conformed),
        set_aside=sum(entry.set_aside for entry in conformed),
        rejected=sum(entry.rejected for entry in extracted) + sum(entry.rejected for entry in conformed),
        reasons={**set_aside_reasons(spark_remote, contract), **reasons},
    )
