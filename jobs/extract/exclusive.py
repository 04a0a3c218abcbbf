"""One extract per resource at a time (互斥): two at once would read the same window and lay it down twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from catalog.control.session import configured_url, engine
from catalog.model.errors import GuantongError

PATIENCE_SECONDS = 120.0


class AlreadyRunningError(GuantongError):
    """Another process extracts the same resource."""

    code = "ALREADY_RUNNING"


@contextmanager
def exclusively(resource: str, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the control plane's lock of a resource; a process that dies lets go of it by itself.

    Raises:
        AlreadyRunningError: when another process still holds it after ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    key = {"key": f"extract.{resource}"}
    with engine(configured_url()).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key):
            if time.monotonic() > deadline:
                raise AlreadyRunningError(
                    f"another process extracts {resource}",
                    place="control plane, advisory lock",
                    remedy="wait for it to end; `python -m catalog runs` shows which run it is",
                )
            time.sleep(0.5)
        try:
            yield
        finally:
            with suppress(DBAPIError):
                connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
