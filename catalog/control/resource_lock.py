"""The lock of a resource (资源锁): whoever holds it is alone with its tables; it ends with its connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from catalog.control.session import configured_url, engine

_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))")


def lock_connection() -> Connection:
    """Return a connection of its own that can hold locks without a transaction."""
    return engine(configured_url()).connect().execution_options(isolation_level="AUTOCOMMIT")


def try_lock(connection: Connection, resource: str) -> bool:
    """Take the lock of ``resource`` where nobody holds it, and tell whether that was so."""
    return bool(connection.scalar(_TRY, {"key": f"resource.{resource}"}))


def unlock(connection: Connection, resource: str) -> None:
    """Let go of the lock of ``resource``."""
    connection.execute(_UNLOCK, {"key": f"resource.{resource}"})


@contextmanager
def undisturbed(resource: str, patience: float) -> Iterator[bool]:
    """Keep stages away from a resource for a look at its tables.

    Args:
        resource: ``domain.resource``.
        patience: seconds to wait for a stage that is at work.

    Yields:
        Whether the lock was free in time; if not, a stage is at work.
    """
    deadline = time.monotonic() + patience
    with lock_connection() as connection:
        is_held = try_lock(connection, resource)
        while not is_held and time.monotonic() < deadline:
            time.sleep(0.2)
            is_held = try_lock(connection, resource)
        try:
            yield is_held
        finally:
            if is_held:
                unlock(connection, resource)
