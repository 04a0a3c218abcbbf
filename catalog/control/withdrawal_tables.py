"""The tables of what is taken back (撤回): what it was, in which versions, and what each receiver did with its copy."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, Serial, TextKey, one_of


class WithdrawalRecord(Base):
    """One act of taking back (撤回): whole versions of a table, or rows of it by their key."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        one_of("kind", "version", "rows"),
        CheckConstraint(
            "(kind = 'rows') = (key_column IS NOT NULL) AND (kind = 'rows') = (cardinality(row_keys) > 0)",
            name="rows_have_keys",
        ),
        CheckConstraint("num_nulls(released_by, released_at, release_reason) IN (0, 3)", name="released_whole"),
        CheckConstraint("kind = 'rows' OR released_at IS NULL", name="version_never_released"),
        Index("ix_withdrawal_share_schema_name_table_name", "share", "schema_name", "table_name"),
    )

    number: Mapped[TextKey]
    kind: Mapped[str]
    share: Mapped[str]
    schema_name: Mapped[str]
    table_name: Mapped[str]
    resource: Mapped[str]
    provider: Mapped[str | None]
    key_column: Mapped[str | None]
    row_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    reason: Mapped[str]
    withdrawn_by: Mapped[str]
    withdrawn_at: Mapped[Recorded]
    released_by: Mapped[str | None]
    """Who said that the rows may be published again."""
    released_at: Mapped[Instant | None]
    release_reason: Mapped[str | None]


class WithdrawnVersion(Base):
    """A version that a withdrawal is about: taken back whole, or read by rows only because it holds rows taken back."""

    __tablename__ = "withdrawn_version"
    __table_args__ = (Index("ix_withdrawn_version_share_version_id", "share_version_id"),)

    withdrawal: Mapped[str] = mapped_column(ForeignKey("withdrawal.number"), primary_key=True)
    share_version_id: Mapped[int] = mapped_column(ForeignKey("share_version.id"), primary_key=True)


class WithdrawalReceiver(Base):
    """A receiving system that had been handed what was taken back, and what its department did with it (处置回执)."""

    __tablename__ = "withdrawal_receiver"
    __table_args__ = (
        one_of("answer", "deleted", "kept_by_law"),
        CheckConstraint("num_nulls(answer, answered_by, answered_at) IN (0, 3)", name="answered_whole"),
        CheckConstraint("answer <> 'kept_by_law' OR length(answer_reason) > 0", name="kept_with_reason"),
        UniqueConstraint("withdrawal", "recipient_id"),
        Index("ix_withdrawal_receiver_department", "department"),
    )

    id: Mapped[Serial]
    withdrawal: Mapped[str] = mapped_column(ForeignKey("withdrawal.number"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    department: Mapped[str]
    versions: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Numbers of the versions it had been handed."""
    answer: Mapped[str | None]
    answer_reason: Mapped[str | None]
    """Which law lets it keep its copy, or what else is to be said."""
    answered_by: Mapped[str | None]
    answered_at: Mapped[Instant | None]
