"""The daemon that keeps the stack alive: ``python -m infra supervise`` (守护进程).

It holds the lock of its home, starts each process in a session of its own, restarts what dies, and writes what it sees
to ``stack.json``. Killed outright, it leaves the processes running; the next one takes them over by pid and time of
creation.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import psutil

from infra.stack import settings_file
from infra.stack.errors import StackError
from infra.stack.home import Home
from infra.stack.process import ProcessSpec, Table
from infra.stack.runner import Runner, rotate
from infra.stack.state import ProcessStatus, StackState

TICK_STARTING = 0.05
TICK_RUNNING = 0.2


def build_table(path: str, home: Home) -> Table:
    """Return the process table that ``module:function`` builds for ``home``."""
    module, _, function = path.partition(":")
    table: Table = getattr(importlib.import_module(module), function)(home)
    names = [spec.name for spec in table]
    for spec in table:
        if unknown := sorted(set(spec.after) - set(names)):
            raise StackError(
                f"process {spec.name} waits for {', '.join(unknown)}, which the table does not have",
                place=path,
                remedy=f"name one of: {', '.join(names)}",
            )
    return table


def hold_lock(home: Home) -> IO[str] | None:
    """Return the held supervisor lock, or None when another supervisor of this home lives."""
    stream = home.lock_file.open("a+", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        return None
    return stream


class Supervisor:
    """One supervisor for one home."""

    def __init__(self, home: Home, table_path: str) -> None:
        self.home = home
        before = StackState.load(home)
        interrupted = before.phase in ("starting", "running") and before.table == table_path
        own = psutil.Process()
        self.state = StackState(table_path, "starting", own.pid, own.create_time(), time.time())
        self._dirty = True
        self._ending = False
        table = build_table(table_path, home)
        self._pool = ThreadPoolExecutor(max_workers=len(table) + 1)
        self._runners = [self._runner(spec, before, interrupted) for spec in table]

    def _runner(self, spec: ProcessSpec, before: StackState, interrupted: bool) -> Runner:
        found = before.processes.get(spec.name)
        status = ProcessStatus(
            spec.name,
            spec.title,
            port=spec.port,
            address=spec.address,
            log=str(self.home.log(spec.name)),
            folder=str(spec.owned_folder or ""),
        )
        if found is not None:
            status.pid, status.created, status.started = found.pid, found.created, found.started
            if interrupted:
                status.restarts = found.restarts
        self.state.processes[spec.name] = status
        runner = Runner(spec, status, self.home, settings_file.base_environment(self.home), self._pool, self._mark)
        if interrupted and found is not None and found.state == "done":
            status.state, status.pid = "done", None
        elif not runner.adopt() and not interrupted:
            rotate(self.home.log(spec.name))
        return runner

    def _mark(self) -> None:
        self._dirty = True

    def run(self) -> None:
        """Watch until told to end, or until the home is removed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        while not self._ending:
            self._save()
            for runner in self._runners:
                runner.tick(self._is_well)
            self._reach_running()
            if not self.home.stack_file.exists():
                break
            time.sleep(TICK_RUNNING if self.state.phase == "running" else TICK_STARTING)
        self._stop_all()

    def _is_well(self, name: str) -> bool:
        return self.state.processes[name].is_well

    def _reach_running(self) -> None:
        if self.state.phase == "starting" and all(entry.is_well for entry in self.state.processes.values()):
            self.state.phase, self.state.ready = "running", time.time()
            self._dirty = True

    def _end(self, number: int, frame: object) -> None:
        self._ending = True

    def _save(self) -> None:
        if self._dirty and self.home.root.exists():
            self._dirty = False
            self.state.save(self.home)

    def _stop_all(self) -> None:
        self.state.phase, self._dirty = "stopping", True
        self._save()
        for last in (False, True):
            wave = [runner for runner in self._runners if runner.spec.stop_last is last]
            list(self._pool.map(self._stop_one, wave))
            self._save()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.state.phase, self._dirty = "stopped", True
        self._save()

    def _stop_one(self, runner: Runner) -> None:
        runner.stop()
        runner.status.state, runner.status.message = "stopped", ""
        self._dirty = True


def supervise(home: Home, table_path: str) -> int:
    """Run the supervisor of ``home`` until it is told to end; returns the exit code."""
    home.create()
    lock = hold_lock(home)
    if lock is None:
        return 3
    os.umask(0o077)
    with lock:
        Supervisor(home, table_path).run()
    return 0
