"""Starting, watching and ending the stack from outside its supervisor (启停)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.model.secret_texts import mask_secrets
from catalog.model.settings import read_env_file
from infra.stack import reaper
from infra.stack.errors import StackError
from infra.stack.home import CHECKOUT, Home, python
from infra.stack.runner import end_left_over, open_log, rotate, stop_process
from infra.stack.secrets import hide_known_secrets
from infra.stack.state import ProcessStatus, StackState
from infra.stack.supervisor import hold_lock
from infra.stack.table import FULL

Progress = Callable[[StackState], None]
"""Called with each new state while the stack starts or ends."""

START_SECONDS = 300.0
STOP_SECONDS = 90.0
MOST_RESTARTS = 5
"""A process that fails so often before it was ever well makes the start fail."""


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    home: Home
    state: StackState
    settings: dict[str, str]
    """What the ``env`` file holds."""
    seconds: float
    """How long the start took; 0 when it ran already."""

    def address(self, name: str) -> str:
        """Return where process ``name`` is reached."""
        return self.state.processes[name].address


def _quiet(state: StackState) -> None:
    return None


def up(
    progress: Progress = _quiet, *, home: Home | None = None, table: str = FULL, seconds: float = START_SECONDS
) -> Stack:
    """Start the stack, or join the one that runs, and return when every process is well.

    Args:
        progress: called with the state a few times a second.
        home: whose stack; default: this checkout's.
        table: ``module:function`` that builds the process table.
        seconds: how long the start may take.

    Raises:
        StackError: naming the process and its log, when one does not start.
    """
    home = home or Home.find()
    home.create()
    began = time.monotonic()
    state = StackState.load(home)
    joined = state.is_supervised and state.phase == "running" and state.table == table
    _end_unlike(home, state, table)
    supervisor = _spawn(home, table)
    while time.monotonic() - began < seconds:
        state = StackState.load(home)
        if state.is_supervised and state.phase in ("starting", "running"):
            hide_known_secrets(home)
            progress(state)
            if state.phase == "running" and all(entry.is_well for entry in state.processes.values()):
                took = 0.0 if joined else time.monotonic() - began
                return Stack(home, state, read_env_file(home.env_file), took)
            _refuse_hopeless(home, state)
        elif supervisor is not None and supervisor.poll() is not None:
            if supervisor.returncode not in (0, 3):
                _refuse_supervisor(home)
            supervisor = _spawn(home, table)
        time.sleep(0.2)
    raise _late(home, state, seconds)


def _end_unlike(home: Home, state: StackState, table: str) -> None:
    """End a stack that runs another table; wait for one that is ending."""
    if state.is_supervised and (state.phase == "stopping" or state.table != table):
        down(home=home)


def _spawn(home: Home, table: str) -> subprocess.Popen[bytes] | None:
    """Start a supervisor unless one lives; a second one would find the lock held and end with 3."""
    if StackState.load(home).is_supervised:
        return None
    path = home.log("supervisor")
    rotate(path)
    with open_log(path) as log:
        return subprocess.Popen(
            python("-m", "infra", "supervise", "--table", table),
            cwd=CHECKOUT,
            env={**os.environ, "GUANTONG_HOME": str(home.root)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _refuse_hopeless(home: Home, state: StackState) -> None:
    for entry in state.processes.values():
        if state.phase == "starting" and entry.restarts >= MOST_RESTARTS and not entry.is_well:
            raise StackError(
                f"{entry.name} does not start: {entry.message}\n{last_lines(Path(entry.log))}",
                place=entry.log,
                remedy=f"{entry.remedy or 'mend what the log says'}; then `make down` and start again",
            )


def _refuse_supervisor(home: Home) -> None:
    raise StackError(
        f"the supervisor does not start\n{last_lines(home.log('supervisor'))}",
        place=str(home.log("supervisor")),
        remedy="mend what the log says and start again",
    )


def _late(home: Home, state: StackState, seconds: float) -> StackError:
    slow = [f"{entry.name} ({entry.state}: {entry.message})" for entry in state.processes.values() if not entry.is_well]
    return StackError(
        f"not everything was up after {seconds:.0f} s: {', '.join(slow) or 'no supervisor'}",
        place=str(home.logs),
        remedy="look at `make status` and the logs",
    )


def last_lines(path: Path, count: int = 12) -> str:
    """Return the end of a log, indented."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 16_384))
        lines = stream.read().decode("utf-8", "replace").splitlines()[-count:]
    return mask_secrets("\n".join(f"    {line}" for line in lines))


def ensure_supervisor(home: Home | None = None) -> bool:
    """Start a new supervisor when the stack should run and its own was killed; cheap enough to call every second.

    Returns:
        False when the stack was ended on purpose or never started.
    """
    home = home or Home.find()
    state = StackState.load(home)
    if state.phase not in ("starting", "running"):
        return False
    if not state.is_supervised:
        _spawn(home, state.table)
    return True


def is_running(home: Home | None = None) -> bool:
    """Tell whether the stack is up and every process is well."""
    state = StackState.load(home or Home.find())
    return state.is_supervised and state.phase == "running" and all(p.is_well for p in state.processes.values())


def read_status(home: Home | None = None) -> list[ProcessStatus]:
    """Return every process as it is now; what died with its supervisor is shown as stopped."""
    state = StackState.load(home or Home.find())
    for entry in state.processes.values():
        if not state.is_supervised and entry.state != "done":
            entry.state = "unwatched" if entry.is_alive else "stopped"
    return list(state.processes.values())


def down(progress: Progress = _quiet, *, home: Home | None = None) -> int:
    """End everything that the stack of ``home`` started, and return how many processes were left over and killed."""
    home = home or Home.find()
    if not home.root.exists():
        return 0
    state = StackState.load(home)
    until = time.monotonic() + STOP_SECONDS
    if state.is_supervised:
        with suppress(ProcessLookupError):
            os.kill(state.supervisor_pid, signal.SIGTERM)
    while state.is_supervised and time.monotonic() < until:
        progress(state)
        time.sleep(0.1)
        state = StackState.load(home)
    if state.is_supervised:
        os.kill(state.supervisor_pid, signal.SIGKILL)
        time.sleep(0.2)
    return _end_unsupervised(home)


def _end_unsupervised(home: Home) -> int:
    """End what lives without a supervisor: children of a killed one, and anything that slipped away."""
    lock = hold_lock(home)
    if lock is None:
        raise StackError(
            "another supervisor has just been started",
            place=str(home.lock_file),
            remedy="run `make down` again",
        )
    with lock:
        state = StackState.load(home)
        for entry in reversed(list(state.processes.values())):
            if entry.is_alive:
                stop_process(home, entry)
        left = sum(end_left_over(home, entry) for entry in state.processes.values())
        left += reaper.end(reaper.find_marked(home))
        for entry in state.processes.values():
            entry.state, entry.pid = "stopped", None
        if state.processes:
            state.phase, state.supervisor_pid = "stopped", 0
            state.save(home)
        return left
