"""Deaths at commits (中断点): a stage dies before or after its k-th write to the lake or the control plane."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from jobs.runtime import delta
from jobs.runtime.stage import StageRun

_FRAME = ("jobs/runtime/", "tests/histories/", "contextlib.py")


class KilledError(BaseException):
    """The stage was made to die here; no handler of ordinary errors sees it."""


@dataclass
class Commits:
    """The commits that a stage has come to, by name, each with what is before it and after it."""

    passed: list[str] = field(default_factory=list)
    fatal: int = -1
    """Place among ``passed`` at which to die; never where it is negative."""
    die: Callable[[str], None] | None = None

    def come_to(self, what: str) -> None:
        """Note that a commit is about to begin, or has ended; die where that is meant."""
        name = f"{_caller()} {what}"
        self.passed.append(name)
        if len(self.passed) - 1 == self.fatal:
            if self.die is not None:
                self.die(name)
                return
            raise KilledError(name)


def _caller() -> str:
    """Return the function of a stage that is at work, and how the runtime writes for it."""
    written = ""
    for frame in inspect.stack()[2:]:
        place = frame.filename
        if place.endswith("jobs/runtime/delta.py") and not frame.function.startswith("_"):
            written = f" {frame.function}"
        if "/jobs/" in place and not any(part in place for part in _FRAME):
            parts = Path(place).parts
            return f"{'.'.join(parts[parts.index('jobs') + 1 :])[:-3]}.{frame.function}{written}"
    return "somewhere"


@contextmanager
def watched(fatal: int = -1, die: Callable[[str], None] | None = None) -> Iterator[Commits]:
    """Count the commits of whatever runs inside the block, and die at one of them."""
    commits = Commits(fatal=fatal, die=die)
    marked, transaction = delta.marked, StageRun.transaction

    @contextmanager
    def marked_here(spark: Any) -> Iterator[None]:
        commits.come_to("before")
        with marked(spark):
            yield
        commits.come_to("after")

    def transaction_here(run: StageRun, work: Any) -> Any:
        commits.come_to("transaction before")
        done = transaction(run, work)
        commits.come_to("transaction after")
        return done

    with patch.object(delta, "marked", marked_here), patch.object(StageRun, "transaction", transaction_here):
        yield commits


def run_and_die(work: Callable[[], None], fatal: int) -> str | None:
    """Run ``work`` and let it die at its commit number ``fatal``; return where, nothing when it ended before."""
    with watched(fatal):
        try:
            work()
        except KilledError as killed:
            return str(killed)
    return None
