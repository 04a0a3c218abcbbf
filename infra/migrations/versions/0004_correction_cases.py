"""Correction cases (数据校核), and the numbers and history of procedures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "correction_case",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=True),
        sa.Column("doubted_department", sa.Text(), nullable=False),
        sa.Column("raised_kind", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.Text(), nullable=False),
        sa.Column("raising_department", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("conflict_key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="raised", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("corrected_by_batch", sa.Text(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "raised_kind IN ('person', 'department', 'system', 'comparison')",
            name=op.f("ck_correction_case_raised_kind_known"),
        ),
        sa.CheckConstraint(
            "state <> 'corrected' OR corrected_by_batch IS NOT NULL",
            name=op.f("ck_correction_case_correction_has_batch"),
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_correction_case_refusal_has_reason")
        ),
        sa.CheckConstraint(
            "state IN ('raised', 'in_verification', 'confirmed', 'refused', 'insufficient', 'corrected', 'closed')",
            name=op.f("ck_correction_case_state_known"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_correction_case")),
    )
    op.create_index(
        "ix_correction_case_doubted_department_state", "correction_case", ["doubted_department", "state"], unique=False
    )
    op.create_index(
        "uq_correction_case_open",
        "correction_case",
        ["resource", "row_key", "column_name", "doubted_department"],
        unique=True,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "life_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_life_event")),
    )
    op.create_index("ix_life_event_kind_number", "life_event", ["kind", "number"], unique=False)
    op.create_table(
        "numbering",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last >= 1", name=op.f("ck_numbering_last_positive")),
        sa.PrimaryKeyConstraint("kind", "year", name=op.f("pk_numbering")),
    )


def downgrade() -> None:
    """Drop the tables, children first."""
    op.drop_table("numbering")
    op.drop_index("ix_life_event_kind_number", table_name="life_event")
    op.drop_table("life_event")
    op.drop_index(
        "uq_correction_case_open", table_name="correction_case", postgresql_where=sa.text("state <> 'closed'")
    )
    op.drop_index("ix_correction_case_doubted_department_state", table_name="correction_case")
    op.drop_table("correction_case")
