"""Published versions of shared tables (发布版本): one is served, the earlier ones stay on record."""

import uuid
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from catalog.control.tables import ShareVersion


def publish_share_version(
    session: Session,
    *,
    share: str,
    schema_name: str,
    table_name: str,
    resource: str,
    delta_version: int,
    table_uri: str,
    rows: int,
    schema_json: dict[str, Any],
    content_digest: str | None = None,
    check_id: uuid.UUID | None = None,
) -> ShareVersion:
    """Serve a table version from now on; the one served so far is superseded in the same transaction.

    Publishing what is already served changes nothing and returns it, so a replay is safe. Two publishers of
    one table wait for each other.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:table, 0))"),
        {"table": f"share_version/{share}/{schema_name}/{table_name}"},
    )
    current = served_version(session, share, schema_name, table_name)
    if current is not None:
        if current.delta_version == delta_version and current.table_uri == table_uri:
            return current
        current.status = "superseded"
        session.flush()
    last = session.scalar(select(func.max(ShareVersion.version)).where(*_of(share, schema_name, table_name)))
    published = ShareVersion(
        share=share,
        schema_name=schema_name,
        table_name=table_name,
        resource=resource,
        version=(last or 0) + 1,
        delta_version=delta_version,
        table_uri=table_uri,
        rows=rows,
        schema_json=schema_json,
        content_digest=content_digest,
        check_id=check_id,
        status="served",
    )
    session.add(published)
    session.flush()
    session.refresh(published)
    return published


def served_version(session: Session, share: str, schema_name: str, table_name: str) -> ShareVersion | None:
    """Return the version of a table that recipients get now, or nothing."""
    return session.scalars(
        select(ShareVersion).where(*_of(share, schema_name, table_name), ShareVersion.status == "served")
    ).one_or_none()


def published_version(
    session: Session, share: str, schema_name: str, table_name: str, version: int
) -> ShareVersion | None:
    """Return one numbered version that may still be read (served or superseded, not withdrawn)."""
    return session.scalars(
        select(ShareVersion).where(
            *_of(share, schema_name, table_name),
            ShareVersion.version == version,
            ShareVersion.status.in_(("served", "superseded")),
        )
    ).one_or_none()


def list_share_versions(
    session: Session, *, resource: str | None = None, served_only: bool = False
) -> list[ShareVersion]:
    """Return published versions in the order of share, schema, table and number."""
    query = select(ShareVersion).order_by(
        ShareVersion.share, ShareVersion.schema_name, ShareVersion.table_name, ShareVersion.version
    )
    if resource:
        query = query.where(ShareVersion.resource == resource)
    if served_only:
        query = query.where(ShareVersion.status == "served")
    return list(session.scalars(query))


def _of(share: str, schema_name: str, table_name: str) -> tuple[Any, ...]:
    return (
        ShareVersion.share == share,
        ShareVersion.schema_name == schema_name,
        ShareVersion.table_name == table_name,
    )
