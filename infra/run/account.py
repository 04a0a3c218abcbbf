"""What the control plane recorded about a round (运行账目): rows by table and stage, batches, findings, shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.shares import list_share_versions
from catalog.control.tables import Finding, LedgerEntry, Run


@dataclass
class Rows:
    """The row account of one table in one round."""

    read: int = 0
    accepted: int = 0
    set_aside: int = 0
    rejected: int = 0

    @property
    def balances(self) -> bool:
        """Whether every row read has its place."""
        return self.read == self.accepted + self.set_aside + self.rejected

    def add(self, entry: LedgerEntry) -> None:
        """Add one line of the ledger."""
        self.read += entry.read
        self.accepted += entry.accepted
        self.set_aside += entry.set_aside
        self.rejected += entry.rejected


@dataclass(frozen=True)
class Account:
    """The ledger lines that the runs of one round wrote."""

    entries: Sequence[LedgerEntry]

    @classmethod
    def read(cls, session: Session, dag_run_ids: Sequence[str]) -> Account:
        """Return the account of the runs that Airflow called ``dag_run_ids``."""
        query = (
            select(LedgerEntry)
            .join(Run, LedgerEntry.run_id == Run.run_id)
            .where(Run.dag_run_id.in_(list(dag_run_ids)))
            .order_by(LedgerEntry.id)
        )
        return cls(session.scalars(query).all())

    def by_table(self) -> dict[str, Rows]:
        """Return table → rows, in the order in which the tables were first written."""
        found: dict[str, Rows] = {}
        for entry in self.entries:
            found.setdefault(entry.table_name, Rows()).add(entry)
        return found

    def by_task(self) -> dict[tuple[str, str], Rows]:
        """Return (resource, stage) → rows."""
        found: dict[tuple[str, str], Rows] = {}
        for entry in self.entries:
            found.setdefault((entry.resource, entry.stage), Rows()).add(entry)
        return found

    def lost_rows(self) -> list[str]:
        """Return the batches of which conform did not read exactly what extract accepted, as sentences."""
        read = {(e.resource, e.batch_id): e.read for e in self.entries if e.stage == "conform"}
        found = []
        for entry in self.entries:
            if entry.stage == "extract" and entry.accepted != read.get((entry.resource, entry.batch_id), 0):
                now = read.get((entry.resource, entry.batch_id), 0)
                told = f"extract accepted {entry.accepted} rows, conform read {now}"
                found.append(f"{entry.resource} batch {entry.batch_id}: {told}")
        return found


def findings_upto_now(session: Session, codes: Sequence[str]) -> list[Finding]:
    """Return every note with one of ``codes``."""
    return list(session.scalars(select(Finding).where(Finding.reason_code.in_(list(codes))).order_by(Finding.id)))


def served_shares(session: Session) -> list[dict[str, str | int]]:
    """Return the version of every shared table that recipients get now."""
    return [
        {
            "share": version.share,
            "schema": version.schema_name,
            "table": version.table_name,
            "version": version.version,
            "rows": version.rows,
        }
        for version in list_share_versions(session, served_only=True)
    ]
