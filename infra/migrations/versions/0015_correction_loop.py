"""Proposed values of correction cases, and under which grants a receipt was written (校核更正, 交付回执)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was raised and handed out before keeps them empty."""
    op.add_column("correction_case", sa.Column("proposed_value", sa.Text(), nullable=True))
    nothing = sa.text("'{}'::text[]")
    grants: sa.Column[list[str]] = sa.Column(
        "grants", postgresql.ARRAY(sa.Text()), server_default=nothing, nullable=False
    )
    op.add_column("delivery", grants)
    op.add_column("delivery", sa.Column("purpose", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Take the columns back."""
    op.drop_column("delivery", "purpose")
    op.drop_column("delivery", "grants")
    op.drop_column("correction_case", "proposed_value")
