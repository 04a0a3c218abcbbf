"""What the quality gate decided (质量关口结论), one record per checked table version."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.events import tell
from catalog.control.resources import provider_of
from catalog.control.tables import CheckResult
from catalog.model.event_kinds import Sides


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
    key: str = "",
) -> uuid.UUID:
    """Record the outcome of one check (`pass`, `warn` or `stop`), signed with ``key``; a stop is told.

    Returns:
        Its number.
    """
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
    if key:
        check.detail = {**check.detail, "signature": signature(check, key)}
    session.add(check)
    session.flush()
    if outcome == "stop":
        told = {"resource": resource, "table": table_name, "version": delta_version}
        sides: Sides = {"provider": provider_of(session, resource)}
        tell(session, "gate.stopped", f"check:{check.check_id}", sides, {**told, "planned": planned, "failed": failed})
    return check.check_id


def latest_check(session: Session, table_name: str, delta_version: int | None = None) -> CheckResult | None:
    """Return the newest check of a table, or of one of its versions; nothing when it was never checked."""
    query = select(CheckResult).where(CheckResult.table_name == table_name)
    if delta_version is not None:
        query = query.where(CheckResult.delta_version == delta_version)
    return session.scalars(query.order_by(CheckResult.checked_at.desc()).limit(1)).one_or_none()


def rows_before(session: Session, table_name: str, table_id: str, delta_version: int) -> int | None:
    """Return the rows of the newest version before ``delta_version`` that passed; nothing when none did.

    Args:
        session: the control plane.
        table_name: ``layer.table``.
        table_id: Delta's id of the table; records of one that stood there before do not count.
        delta_version: the version about to be checked.
    """
    query = (
        select(CheckResult.detail)
        .where(CheckResult.table_name == table_name, CheckResult.outcome.in_(("pass", "warn")))
        .where(CheckResult.delta_version < delta_version, CheckResult.detail["table_id"].astext == table_id)
        .order_by(CheckResult.delta_version.desc(), CheckResult.checked_at.desc())
        .limit(1)
    )
    detail = session.scalars(query).one_or_none()
    return None if detail is None else int(detail["rows"])


def signature(check: CheckResult, key: str) -> str:
    """Return the keyed hash of what a record says, so that a verdict written past the gate is found out.

    Args:
        check: the record; a ``signature`` in its detail is left out.
        key: a secret of the installation, hexadecimal.
    """
    counts = [check.planned, check.evaluated, check.failed]
    detail = {name: value for name, value in check.detail.items() if name != "signature"}
    said = [check.resource, check.table_name, check.delta_version, check.outcome, *counts, detail]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hmac.new(bytes.fromhex(key), f"check_result\0{text}".encode(), hashlib.sha256).hexdigest()


def is_genuine(check: CheckResult, key: str) -> bool:
    """Tell whether the gate itself wrote ``check``, and nobody changed it since."""
    return hmac.compare_digest(str(check.detail.get("signature", "")), signature(check, key))
