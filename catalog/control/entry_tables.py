"""The tables of the exchange catalogue's entries. Invariant: per code at most one version is published, one in work."""

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, TextKey, one_of


class CatalogueEntry(Base):
    """One version of one entry (目录条目), with its reviews."""

    __tablename__ = "catalogue_entry"
    __table_args__ = (
        one_of("state", "draft", "provider_review", "host_review", "published", "superseded", "withdrawn"),
        CheckConstraint("version >= 1 AND revision >= 1", name="numbers_positive"),
        CheckConstraint(
            "state NOT IN ('host_review', 'published') OR num_nulls(secrecy_review, personal_assessment) = 0",
            name="reviewed_before_host",
        ),
        CheckConstraint("state <> 'published' OR published_at IS NOT NULL", name="published_has_time"),
        UniqueConstraint("code", "version"),
        Index("uq_catalogue_entry_published", "code", unique=True, postgresql_where=text("state = 'published'")),
        Index(
            "uq_catalogue_entry_in_work",
            "code",
            unique=True,
            postgresql_where=text("state IN ('draft', 'provider_review', 'host_review')"),
        ),
        Index("uq_catalogue_entry_name", "provider", "name", unique=True,
              postgresql_where=text("state = 'published'")),
        Index("ix_catalogue_entry_resource", "resource"),
    )  # fmt: skip

    number: Mapped[TextKey]
    """`ENT-2026-000001`."""
    code: Mapped[str]
    """资源代码."""
    version: Mapped[int]
    name: Mapped[str]
    provider: Mapped[str]
    resource: Mapped[str | None]
    demand: Mapped[str | None]
    """The demand that it answers."""
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The whole entry, as `catalog.model.catalogue_entry.Entry`."""
    state: Mapped[str] = mapped_column(Text, server_default="draft")
    reason: Mapped[str | None]
    secrecy_review: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """保密审查: conclusion, who signed."""
    personal_assessment: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """个人信息保护影响评估; kept at least three years."""
    drafted_by: Mapped[str]
    endorsed_by: Mapped[str | None]
    published_by: Mapped[str | None]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts changes of the draft, for ETags."""
    created_at: Mapped[Recorded]
    published_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    """When it was superseded or withdrawn."""


class EntryWords(Base):
    """What a published entry is found by (检索词): words in Chinese and pinyin, provider, division, elements."""

    __tablename__ = "entry_words"
    __table_args__ = (
        Index("ix_entry_words_words", "words", postgresql_using="gin"),
        Index("ix_entry_words_elements", "elements", postgresql_using="gin"),
        Index("ix_entry_words_provider", "provider"),
        Index("ix_entry_words_division", "division"),
    )

    number: Mapped[str] = mapped_column(ForeignKey("catalogue_entry.number", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    provider: Mapped[str]
    division: Mapped[str]
    share_type: Mapped[str]
    item_count: Mapped[int]
    elements: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    title: Mapped[Any] = mapped_column(TSVECTOR, deferred=True)
    words: Mapped[Any] = mapped_column(TSVECTOR, deferred=True)
    """Kilobytes each, and for the database alone: they do not travel with an answer."""
