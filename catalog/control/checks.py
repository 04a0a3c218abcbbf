"""What the quality gate decided (质量关口结论), one record per checked table version."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.tables import CheckResult


def record_check(
    session: Session,
    *,
    resource: str,
    table_name: str,
    delta_version: int,
    planned: int,
    evaluated: int,
    failed: int,
    outcome: str,
    batch_ids: Sequence[str] = (),
    detail: dict[str, Any] | None = None,
    report_path: str | None = None,
    run_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Record the outcome of one check (`pass`, `warn` or `stop`) and return its number."""
    check = CheckResult(
        check_id=uuid.uuid4(),
        run_id=run_id,
        resource=resource,
        table_name=table_name,
        delta_version=delta_version,
        batch_ids=list(batch_ids),
        planned=planned,
        evaluated=evaluated,
        failed=failed,
        outcome=outcome,
        detail=detail or {},
        report_path=report_path,
    )
    session.add(check)
    session.flush()
    return check.check_id


def latest_check(session: Session, table_name: str, delta_version: int | None = None) -> CheckResult | None:
    """Return the newest check of a table, or of one of its versions; nothing when it was never checked."""
    query = select(CheckResult).where(CheckResult.table_name == table_name)
    if delta_version is not None:
        query = query.where(CheckResult.delta_version == delta_version)
    return session.scalars(query.order_by(CheckResult.checked_at.desc()).limit(1)).one_or_none()
