"""Run the migrations of the control plane (管控库迁移) against the database that CONTROL_URL names."""

from alembic import context

from catalog.control import (
    audit_tables,
    event_tables,
    identity_tables,
    pipeline_tables,
    quality_tables,
    rule_activations,
    tables,
)
from catalog.control.session import configured_url, engine

config = context.config

MODULES = (
    tables,
    audit_tables,
    event_tables,
    identity_tables,
    pipeline_tables,
    quality_tables,
    rule_activations,
)
"""Modules that declare tables."""


def run() -> None:
    """Apply the migrations in one transaction, so that a failed one leaves nothing half done."""
    url = config.attributes.get("url") or configured_url()
    with engine(url).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=tables.Base.metadata,
            compare_type=True,
            compare_server_default=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations run against a database; set CONTROL_URL and run `python -m catalog migrate`.")
run()
