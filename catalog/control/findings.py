"""Notes about whole batches and files (批次问题记录): a reordered header, a short delivery, a repeated one."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.masking import mask_text
from catalog.control.tables import Finding


def record_finding(
    session: Session,
    *,
    resource: str,
    batch_id: str,
    reason_code: str,
    place: str = "",
    detail: dict[str, Any] | None = None,
    count: int = 1,
) -> None:
    """Note something about a batch, once per place; a replay replaces the note.

    Args:
        session: An open transaction.
        resource: `domain.resource`.
        batch_id: The batch it was seen in.
        reason_code: A stable code such as HEADER_REORDERED.
        place: File, row or record key; personal numbers in it are hidden.
        detail: What was expected and what was seen.
        count: How many rows or files it concerns.
    """
    values = {
        "resource": resource,
        "batch_id": batch_id,
        "reason_code": reason_code,
        "place": mask_text(place),
        "detail": detail or {},
        "count": count,
        "recorded_at": utc_now(),
    }
    key = ["resource", "batch_id", "reason_code", "place"]
    statement = insert(Finding).values(values)
    changed = {name: statement.excluded[name] for name in values if name not in key}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def list_findings(
    session: Session,
    *,
    resource: str | None = None,
    batch_id: str | None = None,
    reason_code: str | None = None,
    limit: int | None = None,
) -> list[Finding]:
    """Return notes, newest first."""
    query = select(Finding).order_by(Finding.recorded_at.desc(), Finding.id.desc())
    if resource:
        query = query.where(Finding.resource == resource)
    if batch_id:
        query = query.where(Finding.batch_id == batch_id)
    if reason_code:
        query = query.where(Finding.reason_code == reason_code)
    if limit:
        query = query.limit(limit)
    return list(session.scalars(query))
