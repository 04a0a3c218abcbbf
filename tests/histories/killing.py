"""Deaths at commits (中断点): a stage dies before or after its k-th write to the lake or the control plane."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from catalog.model.settings import CHECKOUT, get_settings
from infra.stack import read_status
from infra.stack.home import Home
from jobs.runtime import delta
from jobs.runtime.stage import StageRun
from jobs.stages import perform

_SAID = "died at "
PATIENCE = 240.0
"""Seconds after which a stage that lost its engine is not waited for any more."""
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


WAYS = ("exception", "kill -9", "engine", "database")
"""The stage raises; its process is killed; the Spark server is killed under it; PostgreSQL is killed under it."""


def run_and_die(work: Callable[[], None], point: int) -> str | None:
    """Run ``work`` and let it die at its commit ``point``; return where, nothing when it ended before."""
    with watched(point):
        try:
            work()
        except KilledError as killed:
            return str(killed)
    return None


def run_and_die_apart(stage: str, resource: str, options: dict[str, Any], point: int, way: str) -> str | None:
    """Run a stage in a process of its own and let it die at its commit ``point``, one of the harder ways."""
    asked = json.dumps([stage, resource, options, point, way])
    command = [sys.executable, "-m", "tests.histories.killing", asked]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        told, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        told, errors = process.communicate()
    deaths = [line.removeprefix(_SAID) for line in told.splitlines() if line.startswith(_SAID)]
    if not deaths and process.returncode:
        raise RuntimeError(f"{stage} of {resource} failed by itself: {errors[-2000:]}")
    return deaths[0] if deaths else None


def _die(way: str, name: str) -> None:
    """Do to this process, or to what it stands on, what ``way`` says."""
    print(f"{_SAID}{name}", flush=True)
    if way == "kill -9":
        os.kill(os.getpid(), signal.SIGKILL)
    served = {"engine": "spark", "database": "postgres"}[way]
    for status in read_status(Home(get_settings().home)):
        if status.name == served and status.pid:
            os.kill(status.pid, signal.SIGKILL)


def main() -> None:
    """Run one stage in this process, and die."""
    stage, resource, options, point, way = json.loads(sys.argv[1])
    with watched(point, lambda name: _die(way, name)):
        perform(stage, resource, **options)


if __name__ == "__main__":
    main()
