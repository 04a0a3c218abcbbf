"""The worklist of unmapped values (待映射清单)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "unmapped_value",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("code_list", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason IN ('CODE_UNKNOWN', 'CODE_RETIRED')", name=op.f("ck_unmapped_value_reason_known")),
        sa.CheckConstraint("state IN ('open', 'mapped', 'refused')", name=op.f("ck_unmapped_value_state_known")),
        sa.CheckConstraint(
            "(state = 'open') = (decided_by IS NULL)", name=op.f("ck_unmapped_value_decided_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmapped_value")),
        sa.UniqueConstraint(
            "resource",
            "column_name",
            "code_list",
            "value",
            "reason",
            name=op.f("uq_unmapped_value_resource_column_name_code_list_value_reason"),
        ),
    )
    op.create_index("ix_unmapped_value_code_list_value", "unmapped_value", ["code_list", "value"], unique=False)
    op.create_table(
        "unmapped_count",
        sa.Column("value_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("first_row", sa.BigInteger(), nullable=True),
        sa.Column("last_row", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("rows > 0", name=op.f("ck_unmapped_count_rows_positive")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_unmapped_count_batch_id")),
        sa.ForeignKeyConstraint(["value_id"], ["unmapped_value.id"], name=op.f("fk_unmapped_count_value_id")),
        sa.PrimaryKeyConstraint("value_id", "batch_id", name=op.f("pk_unmapped_count")),
    )
    op.create_index("ix_unmapped_count_batch_id", "unmapped_count", ["batch_id"], unique=False)


def downgrade() -> None:
    """Drop the tables, children first."""
    op.drop_index("ix_unmapped_count_batch_id", table_name="unmapped_count")
    op.drop_table("unmapped_count")
    op.drop_index("ix_unmapped_value_code_list_value", table_name="unmapped_value")
    op.drop_table("unmapped_value")
