"""Review queue, decisions, redirects and assignments of linking (关联判定与标识沿革)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _recorded(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _ended(by: str, at: str) -> tuple[sa.Column[object], sa.Column[object]]:
    return sa.Column(by, sa.Text(), nullable=True), sa.Column(at, sa.DateTime(timezone=True), nullable=True)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _note(name: str = "note") -> sa.Column[object]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "review_pair",
        _id(),
        *_texts("library", "left_record", "right_record"),
        sa.Column("weight", sa.Float(), nullable=False),
        *_texts("model"),
        _note("why"),
        *[sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("reasons", "left_masked", "right_masked")],
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        _recorded("first_seen"),
        _recorded("last_seen"),
        sa.CheckConstraint("state IN ('open', 'link', 'no_link')", name=op.f("ck_review_pair_state_known")),
        sa.CheckConstraint("left_record <> right_record", name=op.f("ck_review_pair_two_records")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_pair")),
        sa.UniqueConstraint(
            "library", "left_record", "right_record", name=op.f("uq_review_pair_library_left_record_right_record")
        ),
    )
    op.create_index("ix_review_pair_library_state", "review_pair", ["library", "state"], unique=False)
    op.create_table(
        "review_decision",
        _id(),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        *_texts("verdict", "decided_by"),
        _note(),
        _recorded("decided_at"),
        *_ended("undone_by", "undone_at"),
        sa.CheckConstraint("verdict IN ('link', 'no_link')", name=op.f("ck_review_decision_verdict_known")),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_review_decision_undone_by_somebody")
        ),
        sa.ForeignKeyConstraint(["pair_id"], ["review_pair.id"], name=op.f("fk_review_decision_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decision")),
    )
    _standing("uq_review_decision_standing", "review_decision", ["pair_id", "decided_by"], "undone_at IS NULL")
    op.create_table(
        "entity_redirect",
        _id(),
        *_texts("library", "from_id", "to_id"),
        _note(),
        *_texts("recorded_by"),
        _recorded("recorded_at"),
        *_ended("ended_by", "ended_at"),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_entity_redirect_two_ids")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_entity_redirect_ended_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entity_redirect")),
    )
    _standing("uq_entity_redirect_standing", "entity_redirect", ["library", "from_id"], "ended_at IS NULL")
    op.create_index("ix_entity_redirect_to", "entity_redirect", ["library", "to_id"], unique=False)
    op.create_table(
        "record_assignment",
        _id(),
        *_texts("library", "record_id", "entity_id"),
        _note(),
        *_texts("recorded_by"),
        _recorded("recorded_at"),
        *_ended("ended_by", "ended_at"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_record_assignment_ended_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_assignment")),
    )
    _standing("uq_record_assignment_standing", "record_assignment", ["library", "record_id"], "ended_at IS NULL")


def _standing(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, unique=True, postgresql_where=sa.text(where))


def downgrade() -> None:
    """Drop the tables, children first."""
    for table in ("record_assignment", "entity_redirect", "review_decision", "review_pair"):
        op.drop_table(table)
