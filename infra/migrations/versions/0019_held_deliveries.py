"""What people decided about deliveries that are held (暂扣处置), and limits that tell on their last day."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the columns of a limit's last day."""
    op.create_table(
        "batch_decision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("held_for", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_in", sa.Text(), nullable=True),
        sa.CheckConstraint("act IN ('confirm', 'release', 'reject')", name=op.f("ck_batch_decision_act_known")),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_batch_decision_has_a_reason")),
        sa.CheckConstraint(
            "(applied_at IS NULL) = (applied_in IS NULL)", name=op.f("ck_batch_decision_applied_somewhere")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.batch_id"], name=op.f("fk_batch_decision_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_decision")),
        sa.UniqueConstraint("batch_id", "held_for", "act", name=op.f("uq_batch_decision_batch_id_held_for_act")),
    )
    op.create_index("ix_batch_decision_resource", "batch_decision", ["resource"], unique=False)
    told: sa.Column[bool] = sa.Column("tells_when_due", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("clock", told)
    op.add_column("clock", sa.Column("due_told_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("clock", "due_told_on")
    op.drop_column("clock", "tells_when_due")
    op.drop_table("batch_decision")
