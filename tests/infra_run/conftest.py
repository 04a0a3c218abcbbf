"""The fixtures of the run's tests."""

from tests.control.audit_home import audit_home
from tests.control.postgres_server import control_database, database_server

__all__ = ["audit_home", "control_database", "database_server"]
