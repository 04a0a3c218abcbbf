"""An inbox per department (部门收件箱): marks of events, events told once, and the way from versions to readers."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of marks, and what events and receipts are found by."""
    op.create_table(
        "event_mark",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_by", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nulls(acknowledged_at, acknowledged_by) IN (0, 2)", name=op.f("ck_event_mark_acknowledged_by_somebody")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_mark_event_id")),
        sa.PrimaryKeyConstraint("event_id", "department", name=op.f("pk_event_mark")),
    )
    op.create_index("ix_event_mark_department", "event_mark", ["department"], unique=False)
    op.add_column("event", sa.Column("once", sa.Text(), nullable=True))
    op.create_index("uq_event_once", "event", ["once"], unique=True, postgresql_where=sa.text("once IS NOT NULL"))
    op.create_index("ix_event_object", "event", ["object"], unique=False)
    op.create_index("ix_event_departments", "event", ["departments"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_delivery_version_recipient",
        "delivery",
        ["share", "schema_name", "table_name", "version", "recipient_id"],
        unique=False,
    )


def downgrade() -> None:
    """Take all of it back; the marks are lost."""
    op.drop_index("ix_delivery_version_recipient", table_name="delivery")
    op.drop_index("ix_event_departments", table_name="event")
    op.drop_index("ix_event_object", table_name="event")
    op.drop_index("uq_event_once", table_name="event")
    op.drop_column("event", "once")
    op.drop_table("event_mark")
