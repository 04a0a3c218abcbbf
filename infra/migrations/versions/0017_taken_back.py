"""What was published can be taken back (发布数据可撤回): ends of versions, withdrawals and their receivers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

SUPERSEDED = (
    "UPDATE share_version SET superseded_at = coalesce((SELECT min(later.published_at) FROM share_version AS later "
    "WHERE later.version > share_version.version AND (later.share, later.schema_name, later.table_name) "
    "= (share_version.share, share_version.schema_name, share_version.table_name)), published_at) "
    "WHERE status = 'superseded'"
)
ENDS = "UPDATE share_version SET ends_at = superseded_at + interval '30 days' WHERE status = 'superseded'"
BOUND = (
    "UPDATE share_version SET published_with = jsonb_build_object('columns', "
    "(SELECT jsonb_object_agg(said->>'name', jsonb_build_object('element', said->'element')) "
    "FROM jsonb_array_elements(schema_json->'columns') AS said WHERE jsonb_exists(said, 'element'))) "
    "WHERE jsonb_typeof(schema_json->'columns') = 'array' "
    "AND jsonb_path_exists(schema_json, '$.columns[*] ? (exists (@.element))')"
)


def upgrade() -> None:
    """Make columns and tables; versions of before get their ends, and the elements that were kept of them."""
    moment = sa.DateTime(timezone=True)
    op.add_column("share_version", sa.Column("published_with", postgresql.JSONB(), nullable=True))
    op.add_column("share_version", sa.Column("superseded_at", moment, nullable=True))
    op.add_column("share_version", sa.Column("ends_at", moment, nullable=True))
    op.add_column("share_version", sa.Column("ended_because", sa.Text(), nullable=True))
    for statement in (SUPERSEDED, ENDS, BOUND):
        op.execute(statement)
    op.create_check_constraint(
        op.f("ck_share_version_superseded_ends"),
        "share_version",
        "status <> 'superseded' OR num_nulls(superseded_at, ends_at) = 0",
    )
    for table in ("recipient_grant", "access_grant", "application"):
        op.add_column(table, sa.Column("opens_earlier", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _make_withdrawals()


def _make_withdrawals() -> None:
    texts = ("number", "kind", "share", "schema_name", "table_name", "resource")
    now = sa.text("now()")
    op.create_table(
        "withdrawal",
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("key_column", sa.Text(), nullable=True),
        sa.Column("row_keys", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('version', 'rows')", name=op.f("ck_withdrawal_kind_known")),
        sa.CheckConstraint(
            "(kind = 'rows') = (key_column IS NOT NULL) AND (kind = 'rows') = (cardinality(row_keys) > 0)",
            name=op.f("ck_withdrawal_rows_have_keys"),
        ),
        sa.CheckConstraint(
            "num_nulls(released_by, released_at, release_reason) IN (0, 3)", name=op.f("ck_withdrawal_released_whole")
        ),
        sa.CheckConstraint("kind = 'rows' OR released_at IS NULL", name=op.f("ck_withdrawal_version_never_released")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_withdrawal")),
    )
    place = ["share", "schema_name", "table_name"]
    op.create_index("ix_withdrawal_share_schema_name_table_name", "withdrawal", place, unique=False)
    op.create_table(
        "withdrawn_version",
        sa.Column("withdrawal", sa.Text(), nullable=False),
        sa.Column("share_version_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["withdrawal"], ["withdrawal.number"], name=op.f("fk_withdrawn_version_withdrawal")),
        sa.ForeignKeyConstraint(
            ["share_version_id"], ["share_version.id"], name=op.f("fk_withdrawn_version_share_version_id")
        ),
        sa.PrimaryKeyConstraint("withdrawal", "share_version_id", name=op.f("pk_withdrawn_version")),
    )
    op.create_index("ix_withdrawn_version_share_version_id", "withdrawn_version", ["share_version_id"], unique=False)
    _make_receivers()


def _make_receivers() -> None:
    op.create_table(
        "withdrawal_receiver",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("withdrawal", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("versions", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answer_reason", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("answer IN ('deleted', 'kept_by_law')", name=op.f("ck_withdrawal_receiver_answer_known")),
        sa.CheckConstraint(
            "num_nulls(answer, answered_by, answered_at) IN (0, 3)", name=op.f("ck_withdrawal_receiver_answered_whole")
        ),
        sa.CheckConstraint(
            "answer <> 'kept_by_law' OR length(answer_reason) > 0", name=op.f("ck_withdrawal_receiver_kept_with_reason")
        ),
        sa.ForeignKeyConstraint(["withdrawal"], ["withdrawal.number"], name=op.f("fk_withdrawal_receiver_withdrawal")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipient.id"], name=op.f("fk_withdrawal_receiver_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal_receiver")),
        sa.UniqueConstraint("withdrawal", "recipient_id", name=op.f("uq_withdrawal_receiver_withdrawal_recipient_id")),
    )
    op.create_index("ix_withdrawal_receiver_department", "withdrawal_receiver", ["department"], unique=False)


def downgrade() -> None:
    """Drop all of it; what was withdrawn stays withdrawn, who answered is forgotten."""
    for table in ("withdrawal_receiver", "withdrawn_version", "withdrawal"):
        op.drop_table(table)
    for table in ("recipient_grant", "access_grant", "application"):
        op.drop_column(table, "opens_earlier")
    op.drop_constraint(op.f("ck_share_version_superseded_ends"), "share_version", type_="check")
    for column in ("ended_because", "ends_at", "superseded_at", "published_with"):
        op.drop_column("share_version", column)
