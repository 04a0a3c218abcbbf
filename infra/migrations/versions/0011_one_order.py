"""Order of arrival, leases with fencing numbers, and table versions with their ids (到达次序、租约与表标识)."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    """Number the batches by arrival, make the two tables, and keep addresses relative to the home."""
    op.add_column("batch", sa.Column("arrival", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE batch SET arrival = numbered.arrival FROM (SELECT batch_id, "
        "(extract(epoch FROM received_at) * 1000000)::bigint "
        "+ row_number() OVER (PARTITION BY resource, received_at ORDER BY batch_id) AS arrival "
        "FROM batch) AS numbered WHERE numbered.batch_id = batch.batch_id"
    )
    op.alter_column("batch", "arrival", nullable=False)
    op.execute(r"UPDATE batch SET location = regexp_replace(location, '^.*/landing/', '')")
    op.create_table(
        "stage_lease",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("fence > 0", name=op.f("ck_stage_lease_fence_positive")),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_stage_lease")),
    )
    op.create_table(
        "table_state",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("table_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("version >= 0", name=op.f("ck_table_state_version_not_negative")),
        sa.PrimaryKeyConstraint("table_name", name=op.f("pk_table_state")),
    )
    op.add_column("share_version", sa.Column("table_id", sa.Text(), nullable=True))
    op.execute(r"UPDATE share_version SET table_uri = regexp_replace(table_uri, '^.*/(gold/[^/]+)$', '\1')")


def downgrade() -> None:
    """Take all of it back; addresses stay relative, for the lake's own is not known here."""
    op.drop_column("share_version", "table_id")
    op.drop_table("table_state")
    op.drop_table("stage_lease")
    op.drop_column("batch", "arrival")
