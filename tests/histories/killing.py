"""Deaths at commits (中断点): a stage dies before or after its k-th write to the lake or the control plane."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from catalog.model.settings import CHECKOUT, get_settings
from infra.stack import read_status
from infra.stack.home import Home
from jobs.reconcile.linking.stage import STAGE as LINK
from jobs.reconcile.linking.stage import link
from jobs.runtime import delta
from jobs.stages import perform
from tests.histories.history import Death

_SAID = "died at "
PATIENCE = 240.0
"""Seconds after which a stage that lost its engine is not waited for any more."""
_FRAME = ("jobs/runtime/", "tests/histories/", "contextlib.py")
_STAGES = ("jobs", "expectations")
_WROTE = "wrote"


class KilledError(BaseException):
    """The stage was made to die here; no handler of ordinary errors sees it."""


@dataclass
class Commits:
    """The commits that a stage has come to, by name, each with what is before it and after it."""

    passed: list[str] = field(default_factory=list)
    fatal: int | str = -1
    """Place among ``passed``, or name, at which to die; never where it is negative."""
    die: Callable[[str], None] | None = None

    def come_to(self, what: str) -> None:
        """Note that a commit is about to begin, or has ended; die where that is meant."""
        name = f"{_caller()} {what}"
        self.passed.append(name)
        if self.fatal in (len(self.passed) - 1, name):
            self.fatal = -1
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
        parts = Path(place).parts
        room = next((part for part in _STAGES if part in parts), None)
        if room and not any(part in place for part in _FRAME):
            within = parts[parts.index(room) + (room == "jobs") :]
            return f"{'.'.join(within)[:-3]}.{frame.function}{written}"
    return "somewhere"


@contextmanager
def watched(fatal: int | str = -1, die: Callable[[str], None] | None = None) -> Iterator[Commits]:
    """Count the commits of whatever runs inside the block, and die at one of them."""
    commits = Commits(fatal=fatal, die=die)
    marked = delta.marked

    @contextmanager
    def marked_here(spark: Any) -> Iterator[None]:
        commits.come_to("before")
        with marked(spark):
            yield
        commits.come_to("after")

    with patch.object(delta, "marked", marked_here), _transactions_watched(commits):
        yield commits


@contextmanager
def _transactions_watched(commits: Commits) -> Iterator[None]:
    """Come to every transaction of this thread that writes; what only reads leaves nothing half done."""
    own = threading.current_thread()

    def execute(state: ORMExecuteState) -> None:
        state.session.info[_WROTE] = state.session.info.get(_WROTE, False) or not state.is_select

    def flush(session: Session, _: Any) -> None:
        session.info[_WROTE] = True

    def before(session: Session) -> None:
        session.flush()
        if session.info.get(_WROTE) and threading.current_thread() is own:
            commits.come_to("transaction before")

    def after(session: Session) -> None:
        if session.info.pop(_WROTE, False) and threading.current_thread() is own:
            commits.come_to("transaction after")

    listeners = {"do_orm_execute": execute, "after_flush": flush, "before_commit": before, "after_commit": after}
    for name, listener in listeners.items():
        event.listen(Session, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners.items():
            event.remove(Session, name, listener)


WAYS = ("exception", "kill -9", "engine", "database")
"""The stage raises; its process is killed; the Spark server is killed under it; PostgreSQL is killed under it."""


def act(stage: str, resource: str, options: dict[str, Any]) -> None:
    """Run a stage; linking also of a library that a site has no keyless source for, and which is not linked there."""
    if stage == LINK:
        link(resource)
    else:
        perform(stage, resource, **options)


def run_and_die(work: Callable[[], None], point: int | str) -> str | None:
    """Run ``work`` to its death at the commit ``point``, a place or a name; return where, None when it ended before."""
    with watched(point):
        try:
            work()
        except KilledError as killed:
            return str(killed)
    return None


def run_and_die_apart(stage: str, resource: str, options: dict[str, Any], point: int | str, way: str) -> str | None:
    """Run a stage in a process of its own and let it die at its commit ``point``, one of the harder ways."""
    asked = json.dumps([stage, resource, options, point, way])
    command = [sys.executable, "-m", "tests.histories.killing", asked]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        told, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        told, errors = process.communicate()
        errors = f"it did not end in {PATIENCE:.0f} s\n{errors}"
    deaths = [line.removeprefix(_SAID) for line in told.splitlines() if line.startswith(_SAID)]
    if not deaths and process.returncode:
        raise RuntimeError(f"{stage} of {resource} failed by itself: {errors[-2000:]}")
    return deaths[0] if deaths else None


def run_through(
    stage: str, resource: str, options: dict[str, Any], deaths: Iterable[Death], died: list[tuple[str, str]]
) -> list[str]:
    """Run a stage to each of some deaths, then to its end.

    Args:
        stage: its name.
        resource: ``domain.resource``.
        options: what a person allows this once.
        deaths: where its runs are to die, in order; one that comes to none of it is the end of the deaths.
        died: takes the name of each point at which a run died, and the way.

    Returns:
        The commits that the last run came to, by name.
    """

    def work() -> None:
        act(stage, resource, options)

    for death in deaths:
        if death.way == "exception":
            place = run_and_die(work, death.point)
        else:
            place = run_and_die_apart(stage, resource, options, death.point, death.way)
        if not place:
            break
        died.append((place, death.way))
    with watched() as commits:
        work()
    return commits.passed


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
        act(stage, resource, options)


if __name__ == "__main__":
    main()
