"""The tables of linking (关联): pairs that wait for a person, what persons decided, and where entity ids went.

Invariant: decisions, redirects and assignments are ended, never deleted or changed.
"""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Json, Recorded, Serial, one_of


class ReviewPair(Base):
    """Two records that may be the same person or legal entity (待人工判定), side by side."""

    __tablename__ = "review_pair"
    __table_args__ = (
        one_of("state", "open", "link", "no_link"),
        CheckConstraint("left_record <> right_record", name="two_records"),
        UniqueConstraint("library", "left_record", "right_record"),
        Index("ix_review_pair_library_state", "library", "state"),
    )

    id: Mapped[Serial]
    library: Mapped[str]
    left_record: Mapped[str]
    """`<resource>|<record key>`."""
    right_record: Mapped[str]
    weight: Mapped[float]
    """Evidence in bits, the prior among it."""
    model: Mapped[str]
    why: Mapped[str] = mapped_column(Text, server_default="")
    """Why a person is asked although the weight says link: `close_second`, `needs_person`; else empty."""
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """The waterfall: comparison, level and bits, in order."""
    left_masked: Mapped[Json]
    right_masked: Mapped[Json]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    first_seen: Mapped[Recorded]
    last_seen: Mapped[Recorded]


class ReviewDecision(Base):
    """What one person decided about a pair (判定), kept also when it is undone."""

    __tablename__ = "review_decision"
    __table_args__ = (
        one_of("verdict", "link", "no_link"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_by_somebody"),
        Index(
            "uq_review_decision_standing",
            "pair_id",
            "decided_by",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    id: Mapped[Serial]
    pair_id: Mapped[int] = mapped_column(ForeignKey("review_pair.id"))
    verdict: Mapped[str]
    decided_by: Mapped[str]
    note: Mapped[str] = mapped_column(Text, server_default="")
    decided_at: Mapped[Recorded]
    undone_by: Mapped[str | None]
    undone_at: Mapped[Instant | None]


class EntityRedirect(Base):
    """An entity id that another took over (标识归并): whoever knows the old one finds the new one."""

    __tablename__ = "entity_redirect"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="two_ids"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        Index(
            "uq_entity_redirect_standing", "library", "from_id", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
        Index("ix_entity_redirect_to", "library", "to_id"),
    )

    id: Mapped[Serial]
    library: Mapped[str]
    from_id: Mapped[str]
    to_id: Mapped[str]
    note: Mapped[str] = mapped_column(Text, server_default="")
    recorded_by: Mapped[str]
    recorded_at: Mapped[Recorded]
    ended_by: Mapped[str | None]
    ended_at: Mapped[Instant | None]


class RecordAssignment(Base):
    """A record that a person put into an entity (记录归属), whatever keys and model say."""

    __tablename__ = "record_assignment"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        Index(
            "uq_record_assignment_standing",
            "library",
            "record_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[Serial]
    library: Mapped[str]
    record_id: Mapped[str]
    entity_id: Mapped[str]
    note: Mapped[str] = mapped_column(Text, server_default="")
    recorded_by: Mapped[str]
    recorded_at: Mapped[Recorded]
    ended_by: Mapped[str | None]
    ended_at: Mapped[Instant | None]
