"""The life of one process: prepare, start, watch, restart, end (进程看护)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

from catalog.model.secret_texts import mask_secrets
from infra.stack import reaper
from infra.stack.causes import find_cause
from infra.stack.errors import StackError
from infra.stack.home import CHECKOUT, Home
from infra.stack.ports import is_free, listener
from infra.stack.process import ProcessSpec
from infra.stack.state import ProcessStatus

BACKOFF_FIRST = 0.2
BACKOFF_MOST = 10.0
SETTLED_SECONDS = 30.0
"""A process that lived this long is restarted at once again."""
HUNG_SECONDS = 120.0
"""A process that was well and then answers no probe for this long is restarted."""
LOG_BYTES = 64 * 1024 * 1024
LOGS_KEPT = 3

Change = Callable[[], None]


class Runner:
    """Keeps one process of the table alive."""

    def __init__(
        self,
        spec: ProcessSpec,
        status: ProcessStatus,
        home: Home,
        environment: dict[str, str],
        pool: Executor,
        changed: Change,
    ) -> None:
        self.spec, self.status, self.home = spec, status, home
        self._environment, self._pool, self._changed = environment, pool, changed
        self._child: subprocess.Popen[bytes] | None = None
        self._work: Future[str | None] | None = None
        self._backoff = BACKOFF_FIRST
        self._not_before = 0.0
        self._last_well = 0.0
        self._up_done = False
        self._adopted = False
        self._log_began = 0

    def adopt(self) -> bool:
        """Take over the process that an earlier supervisor left; tell whether there was one."""
        if not self.status.is_alive:
            return False
        self._adopted = True
        self._last_well = time.time()
        self._set("starting", "taken over")
        return True

    def tick(self, well: Callable[[str], bool]) -> None:
        """Do what is due now; never blocks.

        Args:
            well: tells whether another process is well.
        """
        state = self.status.state
        if state in ("done", "stopped"):
            return
        if state in ("waiting", "backoff"):
            ready = all(well(name) for name in self.spec.after) or self.status.restarts > 0
            if ready and time.time() >= self._not_before:
                self._begin()
        elif state == "preparing":
            self._finish_preparing()
        else:
            self._watch()

    def _begin(self) -> None:
        self._set("preparing")
        self._up_done = False
        self._work = self._pool.submit(self._prepare)

    def _prepare(self) -> str | None:
        self.end_left_over()
        if self.spec.unneeded and self.spec.unneeded():
            return "nothing to do"
        if self.spec.port is not None and not is_free(self.spec.port):
            raise StackError(f"port {self.spec.port} is taken by {listener(self.spec.port)}", remedy="end that process")
        if self.spec.prepare:
            self.spec.prepare()
        return None

    def _finish_preparing(self) -> None:
        if self._work is None or not self._work.done():
            return
        work, self._work = self._work, None
        try:
            if work.result() is None:
                self._start()
            else:
                self._set("done", "nothing to do")
        except StackError as error:
            self._fail(str(error.args[0]), error.remedy)
        except Exception as error:  # whatever a preparation raises is shown and tried again
            self._fail(f"{type(error).__name__}: {error}")

    def _start(self) -> None:
        spec = self.spec
        environment = {
            **self._environment,
            **spec.environment(),
            reaper.MARK: reaper.mark(self.home, spec.name),
        }
        with open_log(self.home.log(spec.name)) as log:
            self._log_began = log.seek(0, os.SEEK_END)
            self._child = subprocess.Popen(
                spec.command(),
                cwd=spec.folder or CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=spec.user,
                group=spec.group,
                extra_groups=None if spec.user is None else [],
            )
        self._adopted = False
        self.status.pid = self._child.pid
        with suppress(psutil.Error):
            self.status.created = psutil.Process(self._child.pid).create_time()
        self.status.started = time.time()
        self._not_before = 0.0
        self._set("starting", "")

    def _watch(self) -> None:
        ended = self._ended()
        if ended is not None:
            self._after_end(ended)
        elif not self.spec.once:
            self._check_health()

    def _ended(self) -> int | None:
        """Return the exit code of the process, None while it lives; an adopted one tells no code."""
        if self._child is not None:
            return self._child.poll()
        return None if self.status.is_alive else -1

    def _after_end(self, code: int) -> None:
        self._child, self._work = None, None
        lived = time.time() - self.status.started
        if self.spec.once and code == 0:
            if self.spec.when_done:
                self.spec.when_done()
            self.status.pid = None
            self._set("done")
            return
        if lived > SETTLED_SECONDS:
            self._backoff = BACKOFF_FIRST
        how = f"signal {signal.Signals(-code).name}" if code < -1 else f"exit code {code}"
        cause = find_cause(self.home.log(self.spec.name), self._log_began)
        told = f": {cause.words}" if cause else ""
        remedy = cause.remedy if cause else ""
        self._fail(f"ended after {lived:.0f} s with {'no known code' if self._adopted else how}{told}", remedy)

    def _fail(self, message: str, remedy: str = "") -> None:
        self.status.restarts += 1
        self.status.remedy = remedy
        self._not_before = time.time() + self._backoff
        self._backoff = min(self._backoff * 2, BACKOFF_MOST)
        self._set("backoff", message)

    def _check_health(self) -> None:
        now = time.time()
        if self._work is None:
            if now >= self._not_before:
                self._work = self._pool.submit(self._probe)
            return
        if not self._work.done():
            return
        work, self._work = self._work, None
        try:
            wrong = work.result()
        except Exception as error:  # a probe that raises is a probe that found something wrong
            wrong = f"{type(error).__name__}: {error}"
        if wrong is None:
            self._last_well = now
            self._not_before = now + self.spec.probe_seconds
            self._set("healthy", "")
            return
        self._not_before = now + 0.3
        self._set("unhealthy" if self.status.state in ("healthy", "unhealthy") else "starting", wrong)
        if self.status.state == "unhealthy" and now - self._last_well > HUNG_SECONDS:
            self.status.message = f"no answer for {HUNG_SECONDS:.0f} s: {wrong}"
            self.stop()
            self.status.restarts += 1
            self._set("backoff", self.status.message)

    def _probe(self) -> str | None:
        wrong = self.spec.probe(self.status.started)
        if wrong is None and not self._up_done:
            if self.spec.when_up:
                self.spec.when_up()
            self._up_done = True
        return wrong

    def _set(self, state: str, message: str | None = None) -> None:
        new = message if message is not None else self.status.message
        new = mask_secrets(new)
        for secret in self.spec.secrets:
            new = new.replace(secret, "***")
        if (state, new) != (self.status.state, self.status.message):
            self._record(state, new)
            self.status.state, self.status.message = state, new
            self._changed()

    def _record(self, state: str, message: str) -> None:
        """Write a change of state, but not each new reason of a bad probe, to the supervisor's log."""
        if state != self.status.state:
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            print(f"{moment} {self.spec.name} {state} pid={self.status.pid} {message}", flush=True)

    def stop(self) -> None:
        """End the process in an orderly way, then everything it left."""
        stop_process(self.home, self.status, self.spec)
        if self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
        self._child, self._work = None, None
        self.status.pid = None
        self._not_before = 0.0

    def end_left_over(self) -> int:
        """Kill what an earlier process of this name left behind."""
        return end_left_over(self.home, self.status)


def end_left_over(home: Home, status: ProcessStatus) -> int:
    """Kill what process ``status`` left behind, and return how many processes that were."""
    folders = [Path(status.folder)] if status.folder else []
    leaders = {status.pid: status.created} if status.pid else {}
    return reaper.end(reaper.find_left_over(home, [status.name], leaders=leaders, folders=folders))


def stop_process(home: Home, status: ProcessStatus, spec: ProcessSpec | None = None) -> None:
    """Ask a process to end, wait for it, and kill what is left of it and of its children."""
    number = spec.stop_signal if spec else signal.SIGTERM
    if status.pid is not None and status.is_alive:
        with suppress(ProcessLookupError, psutil.Error):
            leader = psutil.Process(status.pid)
            if spec is None or spec.stop_whole_group:
                os.killpg(status.pid, number)
            else:
                leader.send_signal(number)
            reaper.wait_for([leader], spec.stop_seconds if spec else 10.0)
    end_left_over(home, status)


def open_log(path: Path) -> IO[bytes]:
    """Open the log of a process for appending; one that grew too large is set aside first."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        rotate(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "wb")


def rotate(path: Path) -> None:
    """Move ``x.log`` to ``x.log.1``, keeping a few older ones."""
    for number in range(LOGS_KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))
