"""The table of decisions about deliveries that are held (暂扣处置). Invariant: decisions are only added."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, Serial, one_of


class BatchDecision(Base):
    """What one person decided about one delivery that is held, and when the pipeline did so."""

    __tablename__ = "batch_decision"
    __table_args__ = (
        one_of("act", "confirm", "release", "reject"),
        CheckConstraint("length(trim(reason)) > 0", name="has_a_reason"),
        CheckConstraint("(applied_at IS NULL) = (applied_in IS NULL)", name="applied_somewhere"),
        UniqueConstraint("batch_id", "held_for", "act"),
        Index("ix_batch_decision_resource", "resource"),
    )

    id: Mapped[Serial]
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"))
    resource: Mapped[str]
    department: Mapped[str]
    held_for: Mapped[str]
    """Reason code for which the delivery was held; decisions count for that reason alone."""
    act: Mapped[str]
    """`confirm`: its department says that it is whole as it is; `release`: the host authority lets it in; `reject`: its
    department takes it back and sends anew."""
    reason: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[Recorded]
    applied_at: Mapped[Instant | None]
    """When extract did it."""
    applied_in: Mapped[str | None]
    """The batch that brought the rows; of a rejection the batch itself."""
