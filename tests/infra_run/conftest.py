"""The fixtures of the run's tests."""

from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]
