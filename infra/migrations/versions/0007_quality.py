"""Issues and their closing, measures of batches, scores, notices (质量问题、度量、评分与通知)."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def _instant(name: str, *, recorded: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=NOW if recorded else None, nullable=not recorded)


def upgrade() -> None:
    """Make the tables."""
    _make_issues()
    op.create_table(
        "batch_measure",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("measure IN ('rows', 'nulls', 'category')", name=op.f("ck_batch_measure_measure_known")),
        sa.CheckConstraint("rows >= 0", name=op.f("ck_batch_measure_rows_not_negative")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_measure_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "measure", "column_name", "category", name=op.f("pk_batch_measure")),
    )
    op.create_index("ix_batch_measure_resource", "batch_measure", ["resource"], unique=False)
    op.create_table(
        "quality_score",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("a", sa.BigInteger(), nullable=True),
        sa.Column("b", sa.BigInteger(), nullable=True),
        sa.Column("not_evaluable", sa.Text(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        _instant("measured_at"),
        sa.CheckConstraint("scope IN ('resource', 'department', 'batch')", name=op.f("ck_quality_score_scope_known")),
        sa.CheckConstraint(
            "(not_evaluable IS NULL) = (a IS NOT NULL AND b IS NOT NULL)",
            name=op.f("ck_quality_score_measured_or_why_not"),
        ),
        sa.CheckConstraint("a IS NULL OR (a >= 0 AND b > 0 AND a <= b)", name=op.f("ck_quality_score_a_of_b")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_score")),
        sa.UniqueConstraint(
            "scope",
            "subject",
            "indicator",
            "business_date",
            name=op.f("uq_quality_score_scope_subject_indicator_business_date"),
        ),
    )
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _instant("created_at"),
        _instant("sent_at", recorded=False),
        sa.CheckConstraint("channel IN ('webhook', 'mail')", name=op.f("ck_notice_channel_known")),
        sa.CheckConstraint("status IN ('sent', 'failed')", name=op.f("ck_notice_status_known")),
        sa.CheckConstraint("tries > 0", name=op.f("ck_notice_tries_positive")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice")),
    )


def _make_issues() -> None:
    op.create_table(
        "issue",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("open_rows", sa.BigInteger(), nullable=False),
        sa.Column("judged_under", sa.Text(), nullable=False),
        _instant("opened_at"),
        _instant("seen_at"),
        sa.CheckConstraint("standing IN ('set_aside', 'flagged')", name=op.f("ck_issue_standing_known")),
        sa.CheckConstraint("open_rows >= 0", name=op.f("ck_issue_open_rows_not_negative")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_issue_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint(
            "batch_id", "standing", "column_name", "reason", name=op.f("uq_issue_batch_id_standing_column_name_reason")
        ),
    )
    op.create_index("ix_issue_resource_open_rows", "issue", ["resource", "open_rows"], unique=False)
    op.create_table(
        "issue_closing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("issue_id", sa.BigInteger(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("by_batch", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        _instant("closed_at"),
        sa.CheckConstraint(
            "how IN ('mended', 'withdrawn', 'sent_again', 'replayed', 'dismissed')",
            name=op.f("ck_issue_closing_how_known"),
        ),
        sa.CheckConstraint(
            "(how = 'dismissed') = (decided_by IS NOT NULL)", name=op.f("ck_issue_closing_dismissed_by_somebody")
        ),
        sa.CheckConstraint("rows > 0", name=op.f("ck_issue_closing_rows_positive")),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=op.f("fk_issue_closing_issue_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_closing")),
    )
    op.create_index("ix_issue_closing_issue_id", "issue_closing", ["issue_id"], unique=False)
    op.create_index("ix_issue_closing_by_batch", "issue_closing", ["by_batch"], unique=False)


def downgrade() -> None:
    """Drop the tables, children first."""
    op.drop_table("notice")
    op.drop_table("quality_score")
    op.drop_index("ix_batch_measure_resource", table_name="batch_measure")
    op.drop_table("batch_measure")
    op.drop_index("ix_issue_closing_by_batch", table_name="issue_closing")
    op.drop_index("ix_issue_closing_issue_id", table_name="issue_closing")
    op.drop_table("issue_closing")
    op.drop_index("ix_issue_resource_open_rows", table_name="issue")
    op.drop_table("issue")
