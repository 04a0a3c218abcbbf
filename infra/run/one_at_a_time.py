"""One run at a time in one home (互斥): a second one would end the first one's stack under it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.stack import StackError


@contextmanager
def only_run(home: Path) -> Iterator[None]:
    """Hold the right to run in ``home``; it falls free when the process ends, however it ends.

    Raises:
        StackError: when another run holds it.
    """
    path = home / "run.lock"
    with path.open("a", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                "another run is under way in this home",
                place=str(path),
                remedy="wait for its end, or give this one a home of its own: GUANTONG_HOME=folder make run",
            ) from None
        yield
