"""Who made a system (接入系统的建立人): its acts count as theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the next revision looks up who made the systems of before."""
    op.add_column("client_system", sa.Column("made_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("client_system", "made_by")
