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
from catalog.model.errors import GuantongError

SCRIPTS = Path(__file__).resolve().parents[2] / "infra" / "migrations"


class ConsentMissingError(GuantongError):
    """A step that removes data was not agreed to."""

    code = "CONSENT_MISSING"


def migrate(to: str = "head", url: str | None = None) -> str | None:
    """Bring the database to a revision: `head`, `base`, a number, or `-1` for one step back.

    Returns:
        The revision the database is at afterwards; nothing at `base`.
    """
    address = url or configured_url()
    config = migration_config(address)
    if _is_back(config, to, address):
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)
    with engine(address).begin() as connection:
        grant_to_service(connection)
    return current_revision(address)


def require_consent(to: str, *, is_given: bool, url: str | None = None) -> None:
    """Accept a step back only when a person said yes to it: it removes tables, and what they hold for ever.

    Raises:
        ConsentMissingError: for a step back without that; the database is as it was.
    """
    address = url or configured_url()
    before = current_revision(address)
    if not is_given and before is not None and _is_back(migration_config(address), to, address):
        raise ConsentMissingError(
            f"going from revision {before} back to {to} removes tables, the audit and the register among what may go",
            place="control plane",
            remedy="make a backup, then say --yes",
        )


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


def _is_back(config: Config, to: str, url: str) -> bool:
    return to == "base" or to.startswith("-") or _is_behind(config, to, url)


def _is_behind(config: Config, to: str, url: str) -> bool:
    """Tell whether a revision lies before the one the database is at."""
    current = current_revision(url)
    if to == "head" or current is None:
        return False
    earlier = [step.revision for step in ScriptDirectory.from_config(config).iterate_revisions(current, "base")]
    return to in earlier[1:]
