"""The tables of the control plane (管控库).

Invariants that the database itself holds: the ledger balances (read = accepted + set aside + rejected), the same
bytes are accepted once per resource, a shared table has at most one served version, and a token is stored as a hash.
"""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Json, Recorded, Serial, TextKey, one_of
from catalog.control.clock_tables import ClockRecord
from catalog.control.correction_tables import CorrectionCase
from catalog.control.disclosure_tables import Disclosure
from catalog.control.entry_tables import CatalogueEntry, EntryWords
from catalog.control.grant_tables import AccessGrant, Application, Dispute, StandingAuthorisation
from catalog.control.grant_use_tables import GrantUse
from catalog.control.held_tables import BatchDecision
from catalog.control.life_tables import LifeEvent, Numbering
from catalog.control.linkage_tables import EntityRedirect, RecordAssignment, ReviewDecision, ReviewPair
from catalog.control.list_tables import Demand, NegativeListing, Responsibility
from catalog.control.withdrawal_tables import WithdrawalReceiver, WithdrawalRecord, WithdrawnVersion

__all__ = [
    "AccessGrant",
    "Application",
    "Base",
    "Batch",
    "BatchDecision",
    "BatchStage",
    "CatalogueEntry",
    "CheckResult",
    "ClockRecord",
    "CorrectionCase",
    "Delivery",
    "Demand",
    "Disclosure",
    "Dispute",
    "EntityRedirect",
    "EntryWords",
    "Finding",
    "Grant",
    "GrantUse",
    "LedgerEntry",
    "LifeEvent",
    "NegativeListing",
    "Numbering",
    "Position",
    "Recipient",
    "RecordAssignment",
    "Resource",
    "Responsibility",
    "ReviewDecision",
    "ReviewPair",
    "Run",
    "ShareVersion",
    "StandingAuthorisation",
    "UnmappedCount",
    "UnmappedValue",
    "WithdrawalReceiver",
    "WithdrawalRecord",
    "WithdrawnVersion",
]


class Resource(Base):
    """A data resource (数据资源) as its contract last declared it."""

    __tablename__ = "resource"

    id: Mapped[TextKey]
    """`domain.resource`."""
    version: Mapped[str]
    contract_sha256: Mapped[str]
    layer: Mapped[str]
    department: Mapped[str]
    status: Mapped[str]
    updated_at: Mapped[Recorded]


class Batch(Base):
    """One delivery (批次) of one dataset, as landed."""

    __tablename__ = "batch"
    __table_args__ = (
        one_of("status", "received", "held", "accepted", "no_op", "rejected"),
        CheckConstraint("declared_rows >= 0 AND received_rows >= 0", name="rows_not_negative"),
        Index(
            "uq_batch_accepted_content",
            "resource",
            "content_sha256",
            unique=True,
            postgresql_where=text("status = 'accepted'"),
        ),
        Index("ix_batch_resource_received", "resource", "received_at"),
    )

    batch_id: Mapped[TextKey]
    resource: Mapped[str]
    source: Mapped[str]
    """The server the data came from, as the contract names it."""
    dataset: Mapped[str]
    business_date: Mapped[date | None]
    kind: Mapped[str]
    """How it was read: full, incremental, feed, file, pages."""
    status: Mapped[str] = mapped_column(Text, server_default="received")
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    """The reason as a sentence for people."""
    declared_rows: Mapped[int | None]
    received_rows: Mapped[int | None]
    content_sha256: Mapped[str | None]
    cursor_from: Mapped[str | None]
    cursor_to: Mapped[str | None]
    location: Mapped[str | None]
    """Where the delivery lies in landing."""
    manifest: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    received_at: Mapped[Recorded]
    arrival: Mapped[int]
    """Place in the order in which the batches of its resource arrived: microseconds, always rising."""


class Run(Base):
    """One execution (运行) of one command, recorded when it starts and when it ends, on failure too."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("status", "running", "succeeded", "failed"),
        Index("ix_run_resource_started", "resource", "started_at"),
    )

    run_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    command: Mapped[str]
    stage: Mapped[str]
    resource: Mapped[str | None]
    dag_id: Mapped[str | None]
    dag_run_id: Mapped[str | None]
    task_id: Mapped[str | None]
    try_number: Mapped[int | None]
    business_date: Mapped[date | None]
    started_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]
    status: Mapped[str] = mapped_column(Text, server_default="running")
    error: Mapped[str | None]


class LedgerEntry(Base):
    """The row account (台账) of one batch at one stage: nothing disappears without a count."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("read = accepted + set_aside + rejected", name="balances"),
        CheckConstraint("read >= 0 AND accepted >= 0 AND set_aside >= 0 AND rejected >= 0", name="counts_not_negative"),
        UniqueConstraint("resource", "stage", "table_name", "batch_id"),
    )

    id: Mapped[Serial]
    run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("run.run_id"))
    resource: Mapped[str]
    table_name: Mapped[str]
    stage: Mapped[str]
    batch_id: Mapped[str]
    read: Mapped[int]
    accepted: Mapped[int]
    set_aside: Mapped[int]
    rejected: Mapped[int]
    seconds: Mapped[float]
    recorded_at: Mapped[Recorded]


class BatchStage(Base):
    """How far one batch has come: which stage finished with it, and in which table version."""

    __tablename__ = "batch_stage"
    __table_args__ = (one_of("status", "done", "failed"),)

    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    stage: Mapped[TextKey]
    resource: Mapped[str]
    status: Mapped[str]
    delta_version: Mapped[int | None]
    finished_at: Mapped[Recorded]


class Position(Base):
    """How far a consumer has read a source (位点): a watermark, or the last consumed table version."""

    __tablename__ = "position"

    consumer: Mapped[TextKey]
    source: Mapped[TextKey]
    position: Mapped[str]
    updated_at: Mapped[Recorded]


class Finding(Base):
    """Something noted about a batch or a file (发现的问题) that is no property of a single value."""

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("resource", "batch_id", "reason_code", "place"),
        CheckConstraint("count >= 0", name="count_not_negative"),
    )

    id: Mapped[Serial]
    resource: Mapped[str]
    batch_id: Mapped[str]
    reason_code: Mapped[str]
    """HEADER_REORDERED, COLUMN_ADDED, DUPLICATE_DELIVERY, SHORT_DELIVERY, …"""
    place: Mapped[str] = mapped_column(Text, server_default="")
    """File, row or record key; empty for the whole batch."""
    detail: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    count: Mapped[int] = mapped_column(server_default=text("1"))
    recorded_at: Mapped[Recorded]


class UnmappedValue(Base):
    """A value that a code list does not know, or no longer (待映射值), and what a person decided about it."""

    __tablename__ = "unmapped_value"
    __table_args__ = (
        one_of("reason", "CODE_UNKNOWN", "CODE_RETIRED"),
        one_of("state", "open", "mapped", "refused"),
        CheckConstraint("(state = 'open') = (decided_by IS NULL)", name="decided_by_somebody"),
        UniqueConstraint("resource", "column_name", "code_list", "value", "reason"),
        Index("ix_unmapped_value_code_list_value", "code_list", "value"),
    )

    id: Mapped[Serial]
    resource: Mapped[str]
    column_name: Mapped[str]
    code_list: Mapped[str]
    value: Mapped[str]
    """As cleaned; of a personal column a keyed digest instead."""
    reason: Mapped[str]
    first_seen: Mapped[Recorded]
    last_seen: Mapped[Recorded]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    decision: Mapped[str | None]
    """The canonical code meant, or `ignored`."""
    decided_by: Mapped[str | None]
    decided_at: Mapped[Instant | None]


class UnmappedCount(Base):
    """How often one batch has an unmapped value, and where; a replay of the batch replaces it."""

    __tablename__ = "unmapped_count"
    __table_args__ = (
        CheckConstraint("rows > 0", name="rows_positive"),
        Index("ix_unmapped_count_batch_id", "batch_id"),
    )

    value_id: Mapped[int] = mapped_column(ForeignKey("unmapped_value.id"), primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.batch_id"), primary_key=True)
    rows: Mapped[int]
    first_row: Mapped[int | None]
    """Row numbers of the first and last row in the delivery, as examples."""
    last_row: Mapped[int | None]


class CheckResult(Base):
    """What the quality gate (质量关口) decided about one version of one table."""

    __tablename__ = "check_result"
    __table_args__ = (
        one_of("outcome", "pass", "warn", "stop"),
        CheckConstraint("planned >= 0 AND evaluated >= 0 AND failed >= 0", name="counts_not_negative"),
        Index("ix_check_result_table_version", "table_name", "delta_version"),
    )

    check_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    run_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("run.run_id"))
    resource: Mapped[str]
    table_name: Mapped[str]
    delta_version: Mapped[int]
    batch_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    planned: Mapped[int]
    evaluated: Mapped[int]
    failed: Mapped[int]
    outcome: Mapped[str]
    detail: Mapped[Json] = mapped_column(server_default=text("'{}'::jsonb"))
    report_path: Mapped[str | None]
    checked_at: Mapped[Recorded]


class ShareVersion(Base):
    """One published version (发布版本) of a shared table: numbered 1, 2, 3… and pinned to a table version."""

    __tablename__ = "share_version"
    __table_args__ = (
        one_of("status", "served", "superseded", "withdrawn"),
        UniqueConstraint("share", "schema_name", "table_name", "version"),
        CheckConstraint("version >= 1 AND delta_version >= 0 AND rows >= 0", name="numbers_in_range"),
        CheckConstraint("status <> 'superseded' OR num_nulls(superseded_at, ends_at) = 0", name="superseded_ends"),
        Index(
            "uq_share_version_served",
            "share",
            "schema_name",
            "table_name",
            unique=True,
            postgresql_where=text("status = 'served'"),
        ),
    )

    id: Mapped[Serial]
    share: Mapped[str]
    schema_name: Mapped[str]
    table_name: Mapped[str]
    resource: Mapped[str]
    version: Mapped[int]
    delta_version: Mapped[int]
    table_id: Mapped[str | None]
    """Delta's id of the table; none for versions published before it was kept."""
    table_uri: Mapped[str]
    """Where the table lies below ``LAKE_URI``, such as ``gold/population__resident_basic``."""
    rows: Mapped[int]
    schema_json: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content_digest: Mapped[str | None]
    check_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("check_result.check_id"))
    status: Mapped[str] = mapped_column(Text, server_default="served")
    published_at: Mapped[Recorded]
    published_with: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the contract said of it then (``catalog/model/publication.py``); none where that is not known."""
    superseded_at: Mapped[Instant | None]
    ends_at: Mapped[Instant | None]
    """From when on a superseded version is read no more."""
    ended_because: Mapped[str | None]
    """Why it ended at once; none where its age ends it."""


class Recipient(Base):
    """A receiving system (接收系统) of a department, known by the hash of its token."""

    __tablename__ = "recipient"

    id: Mapped[Serial]
    name: Mapped[str] = mapped_column(Text, unique=True)
    department: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(Text, unique=True)
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    created_at: Mapped[Recorded]


class Grant(Base):
    """What a recipient may read (授权), for which purpose and how long; no table named means all of the schema."""

    __tablename__ = "recipient_grant"
    __table_args__ = (
        Index(
            "uq_recipient_grant_scope",
            "recipient_id",
            "share",
            "schema_name",
            "table_name",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("schema_name IS NOT NULL OR table_name IS NULL", name="table_has_schema"),
    )

    id: Mapped[Serial]
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    share: Mapped[str]
    schema_name: Mapped[str | None]
    """None grants every schema of the share."""
    table_name: Mapped[str | None]
    """None grants every table of the schema."""
    purpose: Mapped[str]
    valid_from: Mapped[Recorded]
    valid_to: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    opens_earlier: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether versions may be read that were superseded before it began."""


class Delivery(Base):
    """A receipt (交付回执): what was handed to whom, of which version, and how many bytes."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("kind", "metadata", "query", "file"),
        CheckConstraint("rows >= 0 AND bytes >= 0", name="counts_not_negative"),
        Index("ix_delivery_recipient_at", "recipient_id", "at"),
        Index("ix_delivery_version_recipient", "share", "schema_name", "table_name", "version", "recipient_id"),
    )

    id: Mapped[Serial]
    recipient_id: Mapped[int] = mapped_column(ForeignKey("recipient.id"))
    share: Mapped[str]
    schema_name: Mapped[str]
    table_name: Mapped[str]
    version: Mapped[int]
    kind: Mapped[str]
    rows: Mapped[int]
    bytes: Mapped[int]
    grants: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    """Numbers of the grants by which it was read; none for a line made by command."""
    purpose: Mapped[str] = mapped_column(Text, server_default="")
    """What it was read for."""
    at: Mapped[Recorded]
