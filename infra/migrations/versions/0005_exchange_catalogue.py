"""Entries, demands, applications, grants, disputes, lists and clocks (目录、需求、申请、授权、争议、清单、时限)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "catalogue_entry",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("demand", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("secrecy_review", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("personal_assessment", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("endorsed_by", sa.Text(), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'published' OR published_at IS NOT NULL", name=op.f("ck_catalogue_entry_published_has_time")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'provider_review', 'host_review', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_catalogue_entry_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('host_review', 'published') OR num_nulls(secrecy_review, personal_assessment) = 0",
            name=op.f("ck_catalogue_entry_reviewed_before_host"),
        ),
        sa.CheckConstraint("version >= 1 AND revision >= 1", name=op.f("ck_catalogue_entry_numbers_positive")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_catalogue_entry")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_catalogue_entry_code_version")),
    )
    op.create_index("ix_catalogue_entry_resource", "catalogue_entry", ["resource"], unique=False)
    op.create_index(
        "uq_catalogue_entry_in_work",
        "catalogue_entry",
        ["code"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'provider_review', 'host_review')"),
    )
    op.create_index(
        "uq_catalogue_entry_name",
        "catalogue_entry",
        ["provider", "name"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "uq_catalogue_entry_published",
        "catalogue_entry",
        ["code"],
        unique=True,
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("limit_id", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("responsible", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), server_default="working", nullable=False),
        sa.Column("warn_before", sa.BigInteger(), nullable=False),
        sa.Column("escalate_after", sa.BigInteger(), nullable=False),
        sa.Column("pauses", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("is_provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("extension", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("extension_asked_by", sa.Text(), nullable=True),
        sa.Column("extension_reason", sa.Text(), nullable=True),
        sa.Column("extension_decided_by", sa.Text(), nullable=True),
        sa.Column("extended_by", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("warned_on", sa.Date(), nullable=True),
        sa.Column("overdue_on", sa.Date(), nullable=True),
        sa.Column("escalated_on", sa.Date(), nullable=True),
        sa.Column("stopped_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.CheckConstraint("(status = 'paused') = (due_on IS NULL)", name=op.f("ck_clock_paused_has_no_end")),
        sa.CheckConstraint(
            "status IN ('running', 'paused', 'met', 'late', 'cancelled')", name=op.f("ck_clock_status_known")
        ),
        sa.CheckConstraint("days >= 1 AND extended_by >= 0", name=op.f("ck_clock_days_in_range")),
        sa.CheckConstraint(
            "extended_by = 0 OR extension_decided_by IS NOT NULL", name=op.f("ck_clock_extended_with_consent")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_index("ix_clock_status_due_on", "clock", ["status", "due_on"], unique=False)
    op.create_index(
        "uq_clock_running",
        "clock",
        ["kind", "number", "limit_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('running', 'paused')"),
    )
    op.create_table(
        "demand",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("elements", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("service_item", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("candidates", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("asked_department", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="raised", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state <> 'asked' OR asked_department IS NOT NULL", name=op.f("ck_demand_asked_somebody")),
        sa.CheckConstraint("state <> 'catalogued' OR entry IS NOT NULL", name=op.f("ck_demand_catalogued_where")),
        sa.CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_demand_refusal_has_reason")),
        sa.CheckConstraint(
            "state IN ('raised', 'asked', 'passed_on', 'confirmed', 'refused', 'catalogued', 'withdrawn')",
            name=op.f("ck_demand_state_known"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_demand")),
    )
    op.create_index("ix_demand_asked_department_state", "demand", ["asked_department", "state"], unique=False)
    op.create_index("ix_demand_department_state", "demand", ["department", "state"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="consulting", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('settled', 'ruled')) = (outcome IS NOT NULL)", name=op.f("ck_dispute_end_has_outcome")
        ),
        sa.CheckConstraint("outcome IN ('upheld', 'overturned')", name=op.f("ck_dispute_outcome_known")),
        sa.CheckConstraint(
            "state IN ('consulting', 'before_host', 'before_government', 'settled', 'ruled', 'withdrawn')",
            name=op.f("ck_dispute_state_known"),
        ),
        sa.CheckConstraint(
            "subject_kind IN ('application', 'correction_case')", name=op.f("ck_dispute_subject_kind_known")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dispute")),
    )
    op.create_index(
        "uq_dispute_open",
        "dispute",
        ["subject_kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state IN ('consulting', 'before_host', 'before_government')"),
    )
    op.create_table(
        "negative_listing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("elements", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("listed_by", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(citation) > 0", name=op.f("ck_negative_listing_citation_given")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_negative_listing")),
    )
    op.create_index(
        "uq_negative_listing_in_force",
        "negative_listing",
        ["department", "title"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "responsibility",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("fulfilled_on", sa.Date(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.CheckConstraint(
            "(fulfilled_on IS NULL) = (evidence IS NULL)", name=op.f("ck_responsibility_fulfilled_with_evidence")
        ),
        sa.CheckConstraint("batch >= 1", name=op.f("ck_responsibility_batch_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responsibility")),
        sa.UniqueConstraint("batch", "department", "title", name=op.f("uq_responsibility_batch_department_title")),
    )
    op.create_index("ix_responsibility_department", "responsibility", ["department"], unique=False)
    op.create_table(
        "standing_authorisation",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("items", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("service_item", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_standing_authorisation_term_in_order")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_standing_authorisation")),
    )
    op.create_index(
        "ix_standing_authorisation_code_department", "standing_authorisation", ["code", "department"], unique=False
    )
    op.create_table(
        "application",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("items", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("row_scope", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("service_item", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("volume_per_day", sa.BigInteger(), nullable=False),
        sa.Column("term_from", sa.Date(), nullable=False),
        sa.Column("term_to", sa.Date(), nullable=False),
        sa.Column("responsible_officer", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("share_type", sa.Text(), nullable=False),
        sa.Column("needs_host", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="submitted", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("endorsed_by", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "mode IN ('table', 'lookup', 'verify', 'file', 'feed')", name=op.f("ck_application_mode_known")
        ),
        sa.CheckConstraint("state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_application_refusal_has_reason")),
        sa.CheckConstraint(
            "state IN ('submitted', 'papers_wanted', 'resubmitted', 'endorsed', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_application_state_known"),
        ),
        sa.CheckConstraint("term_to >= term_from", name=op.f("ck_application_term_in_order")),
        sa.CheckConstraint("volume_per_day >= 1", name=op.f("ck_application_volume_positive")),
        sa.ForeignKeyConstraint(["entry"], ["catalogue_entry.number"], name=op.f("fk_application_entry")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_application")),
    )
    op.create_index("ix_application_department_state", "application", ["department", "state"], unique=False)
    op.create_index("ix_application_provider_state", "application", ["provider", "state"], unique=False)
    op.create_table(
        "entry_words",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("share_type", sa.Text(), nullable=False),
        sa.Column("item_count", sa.BigInteger(), nullable=False),
        sa.Column("elements", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("title", postgresql.TSVECTOR(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["catalogue_entry.number"], name=op.f("fk_entry_words_number"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_entry_words")),
    )
    op.create_index("ix_entry_words_division", "entry_words", ["division"], unique=False)
    op.create_index("ix_entry_words_elements", "entry_words", ["elements"], unique=False, postgresql_using="gin")
    op.create_index("ix_entry_words_provider", "entry_words", ["provider"], unique=False)
    op.create_index("ix_entry_words_words", "entry_words", ["words"], unique=False, postgresql_using="gin")
    op.create_table(
        "access_grant",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("items", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_narrower", sa.Boolean(), nullable=False),
        sa.Column("row_scope", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("quota_per_day", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recipient_grant_id", sa.BigInteger(), nullable=True),
        sa.Column("renewals", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state = 'active' OR recipient_grant_id IS NULL", name=op.f("ck_access_grant_only_active_reads")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'suspended', 'revoked', 'expired')", name=op.f("ck_access_grant_state_known")
        ),
        sa.CheckConstraint(
            "state NOT IN ('suspended', 'revoked') OR reason IS NOT NULL", name=op.f("ck_access_grant_end_has_reason")
        ),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_access_grant_term_in_order")),
        sa.ForeignKeyConstraint(["application"], ["application.number"], name=op.f("fk_access_grant_application")),
        sa.ForeignKeyConstraint(
            ["recipient_grant_id"], ["recipient_grant.id"], name=op.f("fk_access_grant_recipient_grant_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_access_grant")),
        sa.UniqueConstraint("application", name=op.f("uq_access_grant_application")),
    )
    op.create_index("ix_access_grant_code_state", "access_grant", ["code", "state"], unique=False)
    op.create_index("ix_access_grant_department_state", "access_grant", ["department", "state"], unique=False)


def downgrade() -> None:
    """Drop the tables, children first."""
    op.drop_index("ix_access_grant_department_state", table_name="access_grant")
    op.drop_index("ix_access_grant_code_state", table_name="access_grant")
    op.drop_table("access_grant")
    op.drop_index("ix_entry_words_words", table_name="entry_words", postgresql_using="gin")
    op.drop_index("ix_entry_words_provider", table_name="entry_words")
    op.drop_index("ix_entry_words_elements", table_name="entry_words", postgresql_using="gin")
    op.drop_index("ix_entry_words_division", table_name="entry_words")
    op.drop_table("entry_words")
    op.drop_index("ix_application_provider_state", table_name="application")
    op.drop_index("ix_application_department_state", table_name="application")
    op.drop_table("application")
    op.drop_index("ix_standing_authorisation_code_department", table_name="standing_authorisation")
    op.drop_table("standing_authorisation")
    op.drop_index("ix_responsibility_department", table_name="responsibility")
    op.drop_table("responsibility")
    op.drop_index(
        "uq_negative_listing_in_force", table_name="negative_listing", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_table("negative_listing")
    op.drop_index(
        "uq_dispute_open",
        table_name="dispute",
        postgresql_where=sa.text("state IN ('consulting', 'before_host', 'before_government')"),
    )
    op.drop_table("dispute")
    op.drop_index("ix_demand_department_state", table_name="demand")
    op.drop_index("ix_demand_asked_department_state", table_name="demand")
    op.drop_table("demand")
    op.drop_index("uq_clock_running", table_name="clock", postgresql_where=sa.text("status IN ('running', 'paused')"))
    op.drop_index("ix_clock_status_due_on", table_name="clock")
    op.drop_table("clock")
    op.drop_index(
        "uq_catalogue_entry_published", table_name="catalogue_entry", postgresql_where=sa.text("state = 'published'")
    )
    op.drop_index(
        "uq_catalogue_entry_name", table_name="catalogue_entry", postgresql_where=sa.text("state = 'published'")
    )
    op.drop_index(
        "uq_catalogue_entry_in_work",
        table_name="catalogue_entry",
        postgresql_where=sa.text("state IN ('draft', 'provider_review', 'host_review')"),
    )
    op.drop_index("ix_catalogue_entry_resource", table_name="catalogue_entry")
    op.drop_table("catalogue_entry")
