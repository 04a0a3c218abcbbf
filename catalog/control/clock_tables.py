"""The table of running limits (办理时限). Invariant: one clock of a kind runs for one matter at a time."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Json, Serial, one_of


class ClockRecord(Base):
    """One limit that runs, stands still or has ended, for one matter."""

    __tablename__ = "clock"
    __table_args__ = (
        one_of("status", "running", "paused", "met", "late", "cancelled"),
        CheckConstraint("(status = 'paused') = (due_on IS NULL)", name="paused_has_no_end"),
        CheckConstraint("extended_by = 0 OR extension_decided_by IS NOT NULL", name="extended_with_consent"),
        CheckConstraint("days >= 1 AND extended_by >= 0", name="days_in_range"),
        Index("uq_clock_running", "kind", "number", "limit_id", unique=True,
              postgresql_where=text("status IN ('running', 'paused')")),
        Index("ix_clock_status_due_on", "status", "due_on"),
    )  # fmt: skip

    id: Mapped[Serial]
    kind: Mapped[str]
    number: Mapped[str]
    limit_id: Mapped[str]
    jurisdiction: Mapped[str]
    what: Mapped[str]
    citation: Mapped[str]
    responsible: Mapped[str]
    """Department that must act."""
    started_on: Mapped[date]
    days: Mapped[int]
    unit: Mapped[str] = mapped_column(Text, server_default="working")
    warn_before: Mapped[int]
    escalate_after: Mapped[int]
    pauses: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'::jsonb"))
    """Pairs of days: since and, once it goes on, until."""
    due_on: Mapped[date | None]
    """Last day; none while it stands still."""
    is_provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    """The last day depends on a year whose calendar is not announced."""
    extension: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    """Days, consent and citation of the extension that the limit allows; empty when it allows none."""
    extension_asked_by: Mapped[str | None]
    extension_reason: Mapped[str | None]
    extension_decided_by: Mapped[str | None]
    extended_by: Mapped[int] = mapped_column(server_default=text("0"))
    warned_on: Mapped[date | None]
    tells_when_due: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether the responsible department hears on the last day itself too."""
    due_told_on: Mapped[date | None]
    overdue_on: Mapped[date | None]
    escalated_on: Mapped[date | None]
    stopped_on: Mapped[date | None]
    status: Mapped[str] = mapped_column(Text, server_default="running")
