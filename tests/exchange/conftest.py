"""The fixtures of the exchange catalogue's tests: one server, and one migrated database for all of them."""

import pytest

from catalog.control.migrations import migrate
from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]


@pytest.fixture(scope="session")
def shared_database(database_server) -> str:
    """Return the address of a migrated control plane that tests share, each with names of its own."""
    url = database_server.create_database()
    migrate(url=url)
    return url
