"""Officers who answer for systems, and each reason for which a grant is suspended (系统责任人, 中止事由)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

OFFICERS = "client_system_officer"
STANDING = "ck_access_grant_suspension_stands"
FILL = """
UPDATE access_grant AS g SET suspensions = jsonb_build_array(jsonb_build_object(
    'side', CASE
        WHEN e.by IS NULL OR e.by = 'system' THEN 'system'
        WHEN e.department <> g.provider THEN 'host'
        WHEN EXISTS (SELECT 1 FROM person p JOIN person_role r ON r.person_id = p.id
                     WHERE 'person:' || p.login = e.by AND r.role = 'host_authority') THEN 'host'
        ELSE 'provider' END,
    'reason', g.reason, 'by', coalesce(e.by, 'system'), 'at', coalesce(e.at, g.granted_at)))
FROM access_grant AS own LEFT JOIN LATERAL (
    SELECT by, department, at FROM life_event
    WHERE kind = 'grant' AND number = own.number AND act = 'suspend' ORDER BY id DESC LIMIT 1
) AS e ON true
WHERE own.number = g.number AND g.state = 'suspended'
"""
"""The last suspension of each suspended grant, with the side on which its account stood."""


def upgrade() -> None:
    """Make the table of officers, and keep the reasons of suspensions with their sides."""
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
    empty = sa.text("'[]'::jsonb")
    op.add_column("access_grant", sa.Column("suspensions", JSONB(), server_default=empty, nullable=False))
    op.execute(FILL)
    op.create_check_constraint(op.f(STANDING), "access_grant", "state <> 'suspended' OR suspensions <> '[]'::jsonb")


def downgrade() -> None:
    """Take all of it back."""
    op.drop_constraint(op.f(STANDING), "access_grant", type_="check")
    op.drop_column("access_grant", "suspensions")
    op.drop_table(OFFICERS)
