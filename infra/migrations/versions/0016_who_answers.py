"""Officers who answer for systems (系统责任人)."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

OFFICERS = "client_system_officer"


def upgrade() -> None:
    """Make the table of officers."""
    op.create_table(
        OFFICERS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("system_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_client_system_officer_person_id")),
        sa.ForeignKeyConstraint(["system_id"], ["client_system.id"], name=op.f("fk_client_system_officer_system_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_system_officer")),
    )
    op.create_index("ix_client_system_officer_system_id", OFFICERS, ["system_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_table(OFFICERS)
