"""Recoveries of accounts by two persons, and who made the systems of before (账号恢复, 系统接入人)."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KNOWN = "ck_client_system_role_role_known"


def upgrade() -> None:
    """Make the table, take roles that decide from systems, and find who made them in the audit."""
    op.create_table(
        "account_recovery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("oidc_issuer", sa.Text(), nullable=True),
        sa.Column("oidc_subject", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("act IN ('reset', 'bind')", name=op.f("ck_account_recovery_act_known")),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'refused', 'replaced')", name=op.f("ck_account_recovery_outcome_known")
        ),
        sa.CheckConstraint(
            "(act = 'bind') = (num_nulls(oidc_issuer, oidc_subject) = 0)",
            name=op.f("ck_account_recovery_bind_names_identity"),
        ),
        sa.CheckConstraint(
            "num_nulls(outcome, decided_by, decided_at) IN (0, 3)", name=op.f("ck_account_recovery_decided_whole")
        ),
        sa.CheckConstraint(
            "outcome <> 'confirmed' OR decided_by NOT IN (proposed_by, 'person:' || person_id::text)",
            name=op.f("ck_account_recovery_confirmed_by_another"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_recovery_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_recovery")),
    )
    op.create_index(
        "uq_account_recovery_open",
        "account_recovery",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.execute(
        "UPDATE client_system SET made_by = made.account FROM (SELECT DISTINCT ON (object) object, "
        "split_part(actor, ':', 1) || ':' || actor_name AS account FROM audit_entry "
        "WHERE act = 'system.add' AND outcome = 'done' ORDER BY object, seq DESC) AS made "
        "WHERE made.object = 'system:' || client_system.name"
    )
    op.execute("DELETE FROM client_system_role WHERE role = 'provider_officer'")
    op.drop_constraint(op.f(KNOWN), "client_system_role", type_="check")
    op.create_check_constraint(op.f(KNOWN), "client_system_role", "role IN ('data_engineer', 'requester_officer')")


def downgrade() -> None:
    """Take all of it back; roles that systems lost stay lost."""
    op.drop_constraint(op.f(KNOWN), "client_system_role", type_="check")
    op.create_check_constraint(
        op.f(KNOWN), "client_system_role", "role IN ('data_engineer', 'provider_officer', 'requester_officer')"
    )
    op.drop_table("account_recovery")
