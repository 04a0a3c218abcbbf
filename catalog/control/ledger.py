"""The row ledger (台账): rows read = accepted + set aside + rejected, for every batch at every stage."""

import uuid
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.tables import LedgerEntry
from catalog.model.errors import LedgerUnbalancedError


def record_ledger(
    session: Session,
    *,
    resource: str,
    stage: str,
    table_name: str,
    batch_id: str,
    read: int,
    accepted: int,
    set_aside: int = 0,
    rejected: int = 0,
    seconds: float = 0.0,
    run_id: uuid.UUID | None = None,
) -> None:
    """Record the row account of one batch at one stage; a replay replaces the earlier account.

    Raises:
        LedgerUnbalancedError: When the counts do not add up or one is below zero.
    """
    counts = (read, accepted, set_aside, rejected)
    if min(counts) < 0 or read != accepted + set_aside + rejected:
        raise LedgerUnbalancedError(
            f"{read} rows read, but {accepted} accepted + {set_aside} set aside + {rejected} rejected "
            f"= {accepted + set_aside + rejected}",
            place=f"{resource}, {stage}, {table_name}, batch {batch_id}",
            remedy="nothing was recorded; find the missing or doubled rows and replay the batch",
        )
    values = {
        "run_id": run_id,
        "resource": resource,
        "stage": stage,
        "table_name": table_name,
        "batch_id": batch_id,
        "read": read,
        "accepted": accepted,
        "set_aside": set_aside,
        "rejected": rejected,
        "seconds": seconds,
        "recorded_at": utc_now(),
    }
    key = ["resource", "stage", "table_name", "batch_id"]
    statement = insert(LedgerEntry).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def ledger_entries(
    session: Session,
    *,
    resource: str | None = None,
    stage: str | None = None,
    batch_id: str | None = None,
    limit: int | None = None,
) -> list[LedgerEntry]:
    """Return row accounts, in the order they were recorded."""
    query = select(LedgerEntry).order_by(LedgerEntry.recorded_at, LedgerEntry.id)
    if resource:
        query = query.where(LedgerEntry.resource == resource)
    if stage:
        query = query.where(LedgerEntry.stage == stage)
    if batch_id:
        query = query.where(LedgerEntry.batch_id == batch_id)
    if limit:
        query = query.limit(limit)
    return list(session.scalars(query))


def rows_admitted(session: Session, resources: Collection[str]) -> int:
    """Return how many rows of ``resources`` extract has accepted so far, versions of one record counted singly."""
    total = select(func.coalesce(func.sum(LedgerEntry.accepted), 0))
    return int(session.scalar(total.where(LedgerEntry.stage == "extract", LedgerEntry.resource.in_(resources))) or 0)
