"""What grants have used of their daily quota (授权用量)."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index by which a read finds the grants behind its line."""
    op.create_table(
        "grant_use",
        sa.Column("grant_number", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_grant_use_used_not_negative")),
        sa.ForeignKeyConstraint(["grant_number"], ["access_grant.number"], name=op.f("fk_grant_use_grant_number")),
        sa.PrimaryKeyConstraint("grant_number", "day", name=op.f("pk_grant_use")),
    )
    op.create_index("ix_access_grant_recipient_grant_id", "access_grant", ["recipient_grant_id"], unique=False)


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_access_grant_recipient_grant_id", table_name="access_grant")
    op.drop_table("grant_use")
