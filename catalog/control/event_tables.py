"""The tables of the interface: answers to repeated requests (幂等), events and their webhooks (事件通知)."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, Serial, TextKey, one_of


class IdempotentAnswer(Base):
    """What a request with an Idempotency-Key was answered; the same request again is answered the same."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (Index("ix_idempotent_answer_expires_at", "expires_at"),)

    caller: Mapped[TextKey]
    """Subject of who asked: keys of different callers never meet."""
    key: Mapped[TextKey]
    request_sha256: Mapped[str]
    """Over method, path, query and body."""
    status: Mapped[int | None]
    """None while the request is being worked on."""
    headers: Mapped[dict[str, str]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    body: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))
    created_at: Mapped[Recorded]
    expires_at: Mapped[Instant]


class Event(Base):
    """Something that happened (事件), written in the transaction in which it happened: the outbox."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_kind_id", "kind", "id"),
        Index("ix_event_object", "object"),
        Index("ix_event_departments", "departments", postgresql_using="gin"),
        Index("uq_event_once", "once", unique=True, postgresql_where=text("once IS NOT NULL")),
    )

    id: Mapped[Serial]
    kind: Mapped[str]
    """`noun.act` of the register of kinds, such as `grant.revoke`."""
    object: Mapped[str]
    departments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Whom it concerns; nobody else is told."""
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Names and numbers of what changed; no personal data."""
    occurred_at: Mapped[Recorded]
    dispatched_at: Mapped[Instant | None]
    """When its deliveries were laid out."""
    once: Mapped[str | None]
    """What is told one time only, such as a grant's end in seven days: a second event of the same is none."""


class EventMark(Base):
    """What a department has done with an event in its inbox (已读与签收): read, acknowledged, when and by whom."""

    __tablename__ = "event_mark"
    __table_args__ = (
        CheckConstraint("num_nulls(acknowledged_at, acknowledged_by) IN (0, 2)", name="acknowledged_by_somebody"),
        Index("ix_event_mark_department", "department"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    department: Mapped[TextKey]
    read_at: Mapped[Recorded]
    read_by: Mapped[str]
    """Account that read it first."""
    acknowledged_at: Mapped[Instant | None]
    acknowledged_by: Mapped[str | None]


class Webhook(Base):
    """Where a department's system wants to be told of events (回调地址)."""

    __tablename__ = "webhook"
    __table_args__ = (CheckConstraint("revision >= 1", name="revision_positive"),)

    id: Mapped[Serial]
    department: Mapped[str]
    url: Mapped[str]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret: Mapped[str]
    """Key of its signatures, encrypted."""
    created_by: Mapped[str]
    created_at: Mapped[Recorded]
    disabled_at: Mapped[Instant | None]
    revision: Mapped[int] = mapped_column(server_default=text("1"))


class WebhookDelivery(Base):
    """One event on its way to one webhook."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", "waiting", "delivered", "given_up"),
        UniqueConstraint("event_id", "webhook_id"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_webhook_delivery_due", "next_attempt_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[Serial]
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[Recorded]
    last_status: Mapped[int | None]
    """HTTP status of the last attempt; None when there was no answer."""
    last_error: Mapped[str | None]
    delivered_at: Mapped[Instant | None]
