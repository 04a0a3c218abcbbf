"""The table of what grants have used of their quota (授权用量), one row per grant and official day."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base


class GrantUse(Base):
    """How many rows or calls went out under a grant on a day."""

    __tablename__ = "grant_use"
    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)

    grant_number: Mapped[str] = mapped_column(ForeignKey("access_grant.number"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """Official day (北京时间); the quota begins anew with each."""
    used: Mapped[int]
