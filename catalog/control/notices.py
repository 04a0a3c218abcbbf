"""Notices as sent (告警记录): where each went, how often it was tried, whether it arrived."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.masking import mask_text
from catalog.control.quality_tables import Notice


def record_notice(
    session: Session,
    *,
    notice_id: uuid.UUID,
    channel: str,
    target: str,
    resource: str,
    body: dict[str, Any],
    tries: int,
    error: str | None,
) -> None:
    """Record one notice on one channel; one that is sent again later replaces its entry, tries added up."""
    known = session.get(Notice, notice_id)
    if known is None:
        known = Notice(notice_id=notice_id, channel=channel, target=target, resource=resource, body=body, tries=0)
        session.add(known)
    known.tries += tries
    known.error = mask_text(error) if error else None
    known.status = "failed" if error else "sent"
    known.sent_at = None if error else utc_now()


def list_notices(session: Session, *, resource: str | None = None, status: str | None = None) -> list[Notice]:
    """Return notices, newest first."""
    query = select(Notice).order_by(Notice.created_at.desc())
    if resource:
        query = query.where(Notice.resource == resource)
    if status:
        query = query.where(Notice.status == status)
    return list(session.scalars(query))
