"""Reads of shared tables in the audit (共享表读取留痕): who was handed which version, for which granted purpose."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.tables import Grant, ShareVersion
from catalog.model.caller import Caller


def record_table_read(
    session: Session, caller: Caller, version: ShareVersion, act: str, detail: dict[str, int | str]
) -> None:
    """Record that a recipient reads a version, before anything is handed out.

    Args:
        session: the request's transaction.
        caller: the recipient.
        version: what is read.
        act: `share.query` for the addresses of its files, `share.file` for a file.
        detail: rows offered, or file and range.
    """
    record(
        session,
        caller,
        act,
        object_of(version),
        purpose="; ".join(granted_purposes(session, caller.id, version)),
        detail={"resource": version.resource, **detail},
    )


def object_of(version: ShareVersion) -> str:
    """Return how the audit names a version of a shared table."""
    return f"share:{version.share}.{version.schema_name}.{version.table_name}@{version.version}"


def granted_purposes(session: Session, recipient_id: int, version: ShareVersion) -> list[str]:
    """Return what the grants that cover a version now were given for."""
    now = utc_now()
    purposes = session.scalars(
        select(Grant.purpose).where(
            Grant.recipient_id == recipient_id,
            Grant.revoked_at.is_(None),
            Grant.valid_from <= now,
            Grant.valid_to > now,
            Grant.share == version.share,
            or_(Grant.schema_name.is_(None), Grant.schema_name == version.schema_name),
            or_(Grant.table_name.is_(None), Grant.table_name == version.table_name),
        )
    )
    return sorted(set(purposes))
