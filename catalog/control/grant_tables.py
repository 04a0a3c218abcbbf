"""The tables from application to grant (申请、授权): a refusal has its reason, a grant its approved application."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Json, Recorded, TextKey, one_of


class StandingAuthorisation(Base):
    """What a provider allows a department in advance (常态化授权), so that applications within it need no review."""

    __tablename__ = "standing_authorisation"
    __table_args__ = (
        CheckConstraint("valid_to >= valid_from", name="term_in_order"),
        Index("ix_standing_authorisation_code_department", "code", "department"),
    )

    number: Mapped[TextKey]
    code: Mapped[str]
    """资源代码 of the entry."""
    provider: Mapped[str]
    department: Mapped[str]
    """Who is allowed."""
    items: Mapped[list[str]] = mapped_column(ARRAY(Text))
    service_item: Mapped[str | None]
    """Only for this service item (事项); any when empty."""
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    decided_by: Mapped[str]
    revoked_at: Mapped[Instant | None]
    created_at: Mapped[Recorded]


class Application(Base):
    """One application for data (共享申请)."""

    __tablename__ = "application"
    __table_args__ = (
        one_of("state", "submitted", "papers_wanted", "resubmitted", "endorsed", "approved", "refused", "withdrawn"),
        one_of("mode", "table", "lookup", "verify", "file", "feed"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refusal_has_reason"),
        CheckConstraint("term_to >= term_from", name="term_in_order"),
        CheckConstraint("volume_per_day >= 1", name="volume_positive"),
        Index("ix_application_provider_state", "provider", "state"),
        Index("ix_application_department_state", "department", "state"),
    )

    number: Mapped[TextKey]
    entry: Mapped[str] = mapped_column(ForeignKey("catalogue_entry.number"))
    code: Mapped[str]
    provider: Mapped[str]
    department: Mapped[str]
    """Who applies."""
    items: Mapped[list[str]] = mapped_column(ARRAY(Text))
    row_scope: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    """`divisions` and `condition`; empty for all rows."""
    purpose: Mapped[str]
    service_item: Mapped[str]
    legal_basis: Mapped[str]
    mode: Mapped[str]
    volume_per_day: Mapped[int]
    """Rows or calls a day, at most."""
    term_from: Mapped[date]
    term_to: Mapped[date]
    responsible_officer: Mapped[str]
    recipient: Mapped[str | None]
    """Receiving system that will read."""
    opens_earlier: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether versions are asked for that were superseded before the term begins."""
    share_type: Mapped[str]
    """The strictest of the items asked for."""
    needs_host: Mapped[bool]
    state: Mapped[str] = mapped_column(Text, server_default="submitted")
    reason: Mapped[str | None]
    rule: Mapped[str | None]
    """By which rule it was approved by itself: unconditional, or a standing authorisation's number."""
    submitted_by: Mapped[str]
    submitted_at: Mapped[Recorded]
    endorsed_by: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Instant | None]


class AccessGrant(Base):
    """What an approved application allows (授权): scope, quota, term; revoked, it ends at the next request."""

    __tablename__ = "access_grant"
    __table_args__ = (
        one_of("state", "active", "suspended", "revoked", "expired"),
        CheckConstraint("valid_to >= valid_from", name="term_in_order"),
        CheckConstraint("state NOT IN ('suspended', 'revoked') OR reason IS NOT NULL", name="end_has_reason"),
        CheckConstraint("state = 'active' OR recipient_grant_id IS NULL", name="only_active_reads"),
        CheckConstraint("state <> 'suspended' OR suspensions <> '[]'::jsonb", name="suspension_stands"),
        Index("ix_access_grant_code_state", "code", "state"),
        Index("ix_access_grant_department_state", "department", "state"),
        Index("ix_access_grant_recipient_grant_id", "recipient_grant_id"),
    )

    number: Mapped[TextKey]
    application: Mapped[str] = mapped_column(ForeignKey("application.number"), unique=True)
    code: Mapped[str]
    resource: Mapped[str | None]
    provider: Mapped[str]
    department: Mapped[str]
    recipient: Mapped[str | None]
    items: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_narrower: Mapped[bool]
    """Fewer items or rows than the table has: it is never served from the whole table."""
    row_scope: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    purpose: Mapped[str]
    mode: Mapped[str]
    quota_per_day: Mapped[int]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    """Last day."""
    opens_earlier: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether versions may be read that were superseded before its first day."""
    state: Mapped[str] = mapped_column(Text, server_default="active")
    reason: Mapped[str | None]
    recipient_grant_id: Mapped[int | None] = mapped_column(ForeignKey("recipient_grant.id"))
    """The line by which the service lets the recipient read now."""
    suspensions: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Why it is suspended: `side`, `reason`, `by` and `at` of what nobody took back yet."""
    renewals: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    granted_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]


class Dispute(Base):
    """A dispute (共享争议) about a refusal: consult → host authority → government."""

    __tablename__ = "dispute"
    __table_args__ = (
        one_of("state", "consulting", "before_host", "before_government", "settled", "ruled", "withdrawn"),
        one_of("outcome", "upheld", "overturned"),
        one_of("subject_kind", "application", "correction_case"),
        CheckConstraint("(state IN ('settled', 'ruled')) = (outcome IS NOT NULL)", name="end_has_outcome"),
        Index("uq_dispute_open", "subject_kind", "subject", unique=True,
              postgresql_where=text("state IN ('consulting', 'before_host', 'before_government')")),
    )  # fmt: skip

    number: Mapped[TextKey]
    subject_kind: Mapped[str]
    subject: Mapped[str]
    """Number of the application or case."""
    requester: Mapped[str]
    provider: Mapped[str]
    statement: Mapped[str]
    raised_by: Mapped[str]
    state: Mapped[str] = mapped_column(Text, server_default="consulting")
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    raised_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]
