"""What all procedures share: numbers by year, and the history of every step (办理过程)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Json, Recorded, Serial, TextKey


class Numbering(Base):
    """The last number given (编号) in one kind of procedure and year."""

    __tablename__ = "numbering"
    __table_args__ = (CheckConstraint("last >= 1", name="last_positive"),)

    kind: Mapped[TextKey]
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class LifeEvent(Base):
    """One step of one procedure (办理记录): who did what, and from which state to which; never changed afterwards."""

    __tablename__ = "life_event"
    __table_args__ = (Index("ix_life_event_kind_number", "kind", "number"),)

    id: Mapped[Serial]
    kind: Mapped[str]
    """Kind of procedure: correction_case, application, …"""
    number: Mapped[str]
    act: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    by: Mapped[str]
    """Account that acted; `system` for the platform."""
    department: Mapped[str] = mapped_column(Text, server_default="")
    detail: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    """What was stated with the act: reason, evidence, conditions."""
    at: Mapped[datetime]
    recorded_at: Mapped[Recorded]
