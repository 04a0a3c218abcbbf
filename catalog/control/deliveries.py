"""Receipts (交付回执): what was handed out, to whom and how much."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.tables import Delivery, Recipient, ShareVersion


def record_delivery(
    session: Session,
    recipient_id: int,
    version: ShareVersion,
    kind: str,
    *,
    rows: int = 0,
    size: int = 0,
    grants: Collection[str] = (),
    purpose: str = "",
) -> None:
    """Write a receipt: a `query` with the rows offered, or a `file` with the bytes that really went out.

    Args:
        session: an open transaction.
        recipient_id: who was handed it.
        version: what was handed out.
        kind: `metadata`, `query` or `file`.
        rows: offered.
        size: bytes that went out.
        grants: numbers of the grants by which it was read.
        purpose: what it was read for.
    """
    session.add(
        Delivery(
            recipient_id=recipient_id,
            share=version.share,
            schema_name=version.schema_name,
            table_name=version.table_name,
            version=version.version,
            kind=kind,
            rows=rows,
            bytes=size,
            grants=sorted(grants),
            purpose=purpose,
        )
    )


def list_deliveries(session: Session, *, recipient_id: int | None = None, limit: int = 100) -> Sequence[Delivery]:
    """Return receipts, newest first."""
    query = select(Delivery).order_by(Delivery.at.desc(), Delivery.id.desc()).limit(limit)
    if recipient_id is not None:
        query = query.where(Delivery.recipient_id == recipient_id)
    return session.scalars(query).all()


def readers_of(session: Session, version: ShareVersion) -> Sequence[Recipient]:
    """Return who was handed anything of a version, in order of name."""
    receipts = select(Delivery.recipient_id).where(
        Delivery.share == version.share,
        Delivery.schema_name == version.schema_name,
        Delivery.table_name == version.table_name,
        Delivery.version == version.version,
    )
    return session.scalars(select(Recipient).where(Recipient.id.in_(receipts)).order_by(Recipient.name)).all()
