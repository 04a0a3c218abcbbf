"""The table of disclosures (明文查阅记录): who saw personal values whole, and why. Invariant: rows are only added."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from catalog.control.base import Base, Recorded, Serial


class Disclosure(Base):
    """One look at an entity's personal values without masks (明文查阅)."""

    __tablename__ = "disclosure"
    __table_args__ = (
        CheckConstraint("length(trim(reason)) > 0", name="has_a_reason"),
        Index("ix_disclosure_resource_entity_id", "resource", "entity_id"),
    )

    id: Mapped[Serial]
    at: Mapped[Recorded]
    person: Mapped[str]
    """Account that asked."""
    resource: Mapped[str]
    entity_id: Mapped[str]
    """Opaque: never a national number."""
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str]
