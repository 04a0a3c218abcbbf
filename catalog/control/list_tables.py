"""The tables of the three lists (需求清单, 责任清单, 负面清单)."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, Serial, TextKey, one_of


class Demand(Base):
    """A demand for data that no entry has (目录外需求)."""

    __tablename__ = "demand"
    __table_args__ = (
        one_of("state", "raised", "asked", "passed_on", "confirmed", "refused", "catalogued", "withdrawn"),
        CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name="refusal_has_reason"),
        CheckConstraint("state <> 'asked' OR asked_department IS NOT NULL", name="asked_somebody"),
        CheckConstraint("state <> 'catalogued' OR entry IS NOT NULL", name="catalogued_where"),
        Index("ix_demand_asked_department_state", "asked_department", "state"),
        Index("ix_demand_department_state", "department", "state"),
    )

    number: Mapped[TextKey]
    title: Mapped[str]
    elements: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str]
    purpose: Mapped[str]
    service_item: Mapped[str]
    department: Mapped[str]
    """Who asks."""
    raised_by: Mapped[str]
    candidates: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Departments that may be the source, the likeliest first, each with its reasons."""
    asked_department: Mapped[str | None]
    state: Mapped[str] = mapped_column(Text, server_default="raised")
    reason: Mapped[str | None]
    entry: Mapped[str | None]
    """The entry that answers it."""
    raised_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]


class Responsibility(Base):
    """One line of a responsibility list (责任清单): what a department must share, by when, and what proves it."""

    __tablename__ = "responsibility"
    __table_args__ = (
        CheckConstraint("batch >= 1", name="batch_positive"),
        CheckConstraint("(fulfilled_on IS NULL) = (evidence IS NULL)", name="fulfilled_with_evidence"),
        UniqueConstraint("batch", "department", "title"),
        Index("ix_responsibility_department", "department"),
    )

    id: Mapped[Serial]
    batch: Mapped[int]
    """Number of the batch (批次) in which it was assigned."""
    title: Mapped[str]
    department: Mapped[str]
    resource: Mapped[str | None]
    due_on: Mapped[date]
    citation: Mapped[str]
    assigned_by: Mapped[str]
    assigned_at: Mapped[Recorded]
    fulfilled_on: Mapped[date | None]
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Entry, first version served, and freshness on the day of fulfilment."""


class NegativeListing(Base):
    """One line of the negative list (负面清单): what is not shared, and the law that says so."""

    __tablename__ = "negative_listing"
    __table_args__ = (
        CheckConstraint("length(citation) > 0", name="citation_given"),
        Index("uq_negative_listing_in_force", "department", "title", unique=True,
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[Serial]
    title: Mapped[str]
    department: Mapped[str]
    elements: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    citation: Mapped[str]
    listed_by: Mapped[str]
    listed_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]
