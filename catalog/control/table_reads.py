"""Reads of shared tables in the audit (共享表读取留痕): who was handed which version, for which granted purpose."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.grant_use import Reading
from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller


def record_table_read(
    session: Session,
    caller: Caller,
    version: ShareVersion,
    reading: Reading,
    act: str,
    detail: dict[str, int | str],
) -> None:
    """Record that a recipient reads a version, before anything is handed out.

    Args:
        session: the request's transaction.
        caller: the recipient.
        version: what is read.
        reading: by which grants.
        act: `share.query` for the addresses of its files, `share.file` for a file.
        detail: rows offered, or file and range.
    """
    record(
        session,
        caller,
        act,
        object_of(version),
        purpose="; ".join(reading.purposes),
        detail={"resource": version.resource, **detail},
    )


def record_flag_read(
    session: Session, caller: Caller, version: ShareVersion, suffix: str, purposes: Collection[str], rows: int
) -> None:
    """Record that a recipient reads which values of a served version are doubted, before anything is handed out."""
    place = f"share:{version.share}.{version.schema_name}.{version.table_name}{suffix}"
    detail: dict[str, int | str] = {"resource": version.resource, "rows": rows}
    record(session, caller, "share.flags", place, purpose="; ".join(sorted(set(purposes))), detail=detail)


def object_of(version: ShareVersion) -> str:
    """Return how the audit names a version of a shared table."""
    return f"share:{version.share}.{version.schema_name}.{version.table_name}@{version.version}"
