"""The migrations of the control plane (管控库迁移): its tables are made, changed and taken back in steps."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from catalog.control.audit_tables import AuditEntry
from catalog.control.privileges import grant_to_service
from catalog.control.session import configured_url, engine

SCRIPTS = Path(__file__).resolve().parents[2] / "infra" / "migrations"


def migrate(to: str = "head", url: str | None = None) -> str | None:
    """Bring the database to a revision: `head`, `base`, a number, or `-1` for one step back.

    Returns:
        The revision the database is at afterwards; nothing at `base`.
    """
    address = url or configured_url()
    config = migration_config(address)
    if to == "base" or to.startswith("-") or _is_behind(config, to, address):
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)
    with engine(address).begin() as connection:
        grant_to_service(connection)
    return current_revision(address)


def current_revision(url: str | None = None) -> str | None:
    """Return the revision a database is at, or nothing when it was never migrated."""
    with engine(url or configured_url()).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Return the newest revision that there is."""
    return ScriptDirectory.from_config(Config(SCRIPTS / "alembic.ini")).get_current_head()


def can_record(url: str | None = None) -> bool:
    """Tell whether the database has the audit already; before its first migration it has not."""
    with engine(url or configured_url()).connect() as connection:
        return inspect(connection).has_table(AuditEntry.__tablename__)


def migration_config(url: str) -> Config:
    """Return Alembic's configuration for a database."""
    config = Config(SCRIPTS / "alembic.ini")
    config.attributes["url"] = url
    return config


def _is_behind(config: Config, to: str, url: str) -> bool:
    """Tell whether a revision lies before the one the database is at."""
    current = current_revision(url)
    if to == "head" or current is None:
        return False
    earlier = [step.revision for step in ScriptDirectory.from_config(config).iterate_revisions(current, "base")]
    return to in earlier[1:]
