"""Watching the stack while a round runs (看护): a killed supervisor is replaced, memory is measured."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from infra.stack import ensure_supervisor, read_status
from infra.stack.home import Home
from infra.stack.state import StackState

MEASURE_SECONDS = 8.0


class Watch:
    """A thread for the length of one round."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._restarts_before = {entry.name: entry.restarts for entry in read_status(home)}
        self.peak_memory_mb = 0
        """Highest sum over all processes of the stack and this one; shared pages counted once."""
        self.stack_ended = False
        """Whether somebody ended the stack on purpose."""

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(10)

    def restarts(self) -> dict[str, int]:
        """Return how often each process was restarted since the watch began; those that never were are left out."""
        now = {entry.name: entry.restarts for entry in read_status(self._home)}
        counts = {name: count - self._restarts_before.get(name, 0) for name, count in now.items()}
        return {name: count for name, count in counts.items() if count > 0}

    def _run(self) -> None:
        measured = 0.0
        while not self._end.wait(1.0):
            with suppress(OSError, ValueError):
                self.stack_ended = not ensure_supervisor(self._home)
            if time.monotonic() - measured >= MEASURE_SECONDS:
                measured = time.monotonic()
                with suppress(OSError, ValueError):
                    self.peak_memory_mb = max(self.peak_memory_mb, memory_of_stack(self._home) // 2**20)


def memory_of_stack(home: Home) -> int:
    """Return the bytes of memory that the stack, its tasks and this process hold now."""
    state = StackState.load(home)
    roots = {os.getpid(), state.supervisor_pid, *(entry.pid for entry in state.processes.values() if entry.is_alive)}
    members = set()
    for pid in roots:
        with suppress(psutil.Error):
            if pid:
                members |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    return sum(_proportional_bytes(pid) for pid in members)


def _proportional_bytes(pid: int) -> int:
    """Return a process's share of memory, pages shared by n processes counting 1/n; its resident size if unreadable."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
