"""The control plane's tables about quality (质量管控表): issues and their closing, measures, scores, notices.

Invariants that the database itself holds: an issue has never fewer open rows than none, and a closing counts rows.
"""

import uuid
from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Json, Recorded, Serial, TextKey, one_of

__all__ = ["BatchMeasure", "Issue", "IssueClosing", "Notice", "QualityScore"]


class Issue(Base):
    """One way in which rows of one batch fail in one column (质量问题): how many still wait, and since when."""

    __tablename__ = "issue"
    __table_args__ = (
        one_of("standing", "set_aside", "flagged"),
        CheckConstraint("open_rows >= 0", name="open_rows_not_negative"),
        UniqueConstraint("batch_id", "standing", "column_name", "reason"),
        Index("ix_issue_resource_open_rows", "resource", "open_rows"),
    )

    id: Mapped[Serial]
    resource: Mapped[str]
    department: Mapped[str]
    """Whose rows they are; what another department may see is decided by this column."""
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"))
    standing: Mapped[str]
    """`set_aside`: the rows do not stand; `flagged`: they do, with a mark."""
    column_name: Mapped[str]
    """Empty where the reason is about the whole row."""
    reason: Mapped[str]
    open_rows: Mapped[int]
    judged_under: Mapped[str]
    """Digest of the contract, its elements and its code lists under which the batch was last judged."""
    opened_at: Mapped[Recorded]
    """Of a row that was sent again and fails again: when it failed first."""
    seen_at: Mapped[Recorded]


class IssueClosing(Base):
    """Rows of an issue that no longer wait (问题关闭), when, and how it came about."""

    __tablename__ = "issue_closing"
    __table_args__ = (
        one_of("how", "mended", "withdrawn", "sent_again", "replayed", "dismissed"),
        CheckConstraint("(how = 'dismissed') = (decided_by IS NOT NULL)", name="dismissed_by_somebody"),
        CheckConstraint("rows > 0", name="rows_positive"),
        Index("ix_issue_closing_issue_id", "issue_id"),
        Index("ix_issue_closing_by_batch", "by_batch"),
    )

    id: Mapped[Serial]
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"))
    how: Mapped[str]
    """`mended`: the record came again and stands; `withdrawn`: the source deleted it; `sent_again`: it came again and
    fails again, so a newer issue has it; `replayed`: a mended code list or rule freed the row; `dismissed`: a person
    decided that nothing will come, as for a repeated header."""
    by_batch: Mapped[str | None]
    """The batch that brought the record again; none for a replay or decision."""
    decided_by: Mapped[str | None]
    decision: Mapped[str | None]
    """Why it was dismissed."""
    rows: Mapped[int]
    closed_at: Mapped[Recorded]


class BatchMeasure(Base):
    """What one batch looked like (批次度量): empty cells and categories of its accepted rows."""

    __tablename__ = "batch_measure"
    __table_args__ = (
        one_of("measure", "rows", "nulls", "category"),
        CheckConstraint("rows >= 0", name="rows_not_negative"),
        Index("ix_batch_measure_resource", "resource"),
    )

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    measure: Mapped[TextKey]
    column_name: Mapped[TextKey]
    category: Mapped[TextKey]
    """A code of the column's list; empty for the other measures."""
    resource: Mapped[str]
    rows: Mapped[int]


class QualityScore(Base):
    """A and B of one indicator (质量指标分子与分母) for a resource, department or batch, as measured once."""

    __tablename__ = "quality_score"
    __table_args__ = (
        one_of("scope", "resource", "department", "batch"),
        CheckConstraint("(not_evaluable IS NULL) = (a IS NOT NULL AND b IS NOT NULL)", name="measured_or_why_not"),
        CheckConstraint("a IS NULL OR (a >= 0 AND b > 0 AND a <= b)", name="a_of_b"),
        UniqueConstraint("scope", "subject", "indicator", "business_date"),
    )

    id: Mapped[Serial]
    scope: Mapped[str]
    subject: Mapped[str]
    """Resource, department or batch."""
    indicator: Mapped[str]
    a: Mapped[int | None]
    b: Mapped[int | None]
    not_evaluable: Mapped[str | None]
    """Code of the reason why there is no A and B."""
    business_date: Mapped[date]
    measured_at: Mapped[Recorded]


class Notice(Base):
    """A notice about a stopped gate (告警通知): what was sent where, and whether it arrived."""

    __tablename__ = "notice"
    __table_args__ = (
        one_of("channel", "webhook", "mail"),
        one_of("status", "sent", "failed"),
        CheckConstraint("tries > 0", name="tries_positive"),
    )

    notice_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    channel: Mapped[str]
    target: Mapped[str]
    """Address without what follows its path, or the recipients."""
    resource: Mapped[str]
    body: Mapped[Json]
    status: Mapped[str] = mapped_column(Text)
    tries: Mapped[int]
    error: Mapped[str | None]
    created_at: Mapped[Recorded]
    sent_at: Mapped[Instant | None]
