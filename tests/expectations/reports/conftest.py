"""The reports' own control plane, where no stage runs."""

from tests.control.postgres_server import database_server

__all__ = ["database_server"]
