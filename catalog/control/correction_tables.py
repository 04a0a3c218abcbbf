"""The table of correction cases (数据校核). Invariant: one open case per row, column and doubted department."""

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Json, Recorded, TextKey, one_of


class CorrectionCase(Base):
    """A doubt about one value (校核申请), and how far its correction has come."""

    __tablename__ = "correction_case"
    __table_args__ = (
        one_of(
            "state", "raised", "in_verification", "confirmed", "refused", "insufficient", "corrected", "closed"
        ),
        one_of("raised_kind", "person", "department", "system", "comparison"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refusal_has_reason"),
        CheckConstraint("state <> 'corrected' OR corrected_by_batch IS NOT NULL", name="correction_has_batch"),
        Index(
            "uq_correction_case_open",
            "resource",
            "row_key",
            "column_name",
            "doubted_department",
            unique=True,
            postgresql_where=text("state <> 'closed'"),
        ),
        Index("ix_correction_case_doubted_department_state", "doubted_department", "state"),
    )  # fmt: skip

    number: Mapped[TextKey]
    """`COR-2026-000001`."""
    resource: Mapped[str]
    """The resource on whose row the doubt was raised."""
    row_key: Mapped[str]
    """Entity id of the row, opaque: never a national number."""
    column_name: Mapped[str]
    element: Mapped[str | None]
    doubted_department: Mapped[str]
    """Whose value is doubted; it answers."""
    raised_kind: Mapped[str]
    """`comparison` is the base library's own comparison of sources (多源校核)."""
    raised_by: Mapped[str]
    """Account or system that raised it; `system` for the comparison."""
    raising_department: Mapped[str] = mapped_column(Text, server_default="")
    evidence: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    proposed_value: Mapped[str | None]
    """What who raised it takes for right; shown masked, and whole for a purpose on record."""
    conflict_key: Mapped[str | None]
    """Row of the base library's table of conflicts, where the case comes from one."""
    state: Mapped[str] = mapped_column(Text, server_default="raised")
    reason: Mapped[str | None]
    """Of the last refusal or request for evidence."""
    corrected_by_batch: Mapped[str | None]
    raised_at: Mapped[Recorded]
    answered_at: Mapped[Instant | None]
    """When the doubted department confirmed or refused."""
    corrected_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]
