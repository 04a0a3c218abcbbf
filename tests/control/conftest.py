"""The fixtures of the control plane's tests."""

from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]
