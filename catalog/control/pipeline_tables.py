"""Who works on a resource now, and how far the lake's tables have come (作业租约与表版本).

Invariant: a fencing number only ever rises, and so does the version of one table id.
"""

import uuid

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped

from catalog.control.base import Base, Instant, Recorded, TextKey


class StageLease(Base):
    """The last run that was given a resource to work on (作业租约); one at a time."""

    __tablename__ = "stage_lease"
    __table_args__ = (CheckConstraint("fence > 0", name="fence_positive"),)

    resource: Mapped[TextKey]
    fence: Mapped[int]
    """Fencing number: a run with a lower one has lost the resource."""
    run_id: Mapped[uuid.UUID]
    stage: Mapped[str]
    holder: Mapped[str]
    """Host and process, for people."""
    taken_at: Mapped[Recorded]
    renewed_at: Mapped[Recorded]
    released_at: Mapped[Instant | None]
    """When its run ended; null while it works, and for ever when it died."""


class TableState(Base):
    """The newest version of a lake table that the platform has seen (表版本记录)."""

    __tablename__ = "table_state"
    __table_args__ = (CheckConstraint("version >= 0", name="version_not_negative"),)

    table_name: Mapped[TextKey]
    """``layer.table``."""
    table_id: Mapped[str]
    """Delta's id: a table that is made anew has another."""
    version: Mapped[int]
    seen_at: Mapped[Recorded]
