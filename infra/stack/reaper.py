"""Finding and ending everything that a process left behind (收尾).

A child is found by any of four marks, because each can get lost: the session of its leader, the mark in its environment
(overwritten by programs that rename themselves), the folder it works in, and its place below another child.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from infra.stack.home import Home

MARK = "GUANTONG_PROCESS"
"""Environment variable by which each process of a stack, and what it starts, is known."""


def mark(home: Home, name: str) -> str:
    """Return the value of the mark for process ``name`` of ``home``."""
    return f"{name}@{home.root}"


def is_alive(pid: int, created: float) -> bool:
    """Tell whether process ``pid`` is the one that was created at ``created``, and not a zombie."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
    return False


def find_left_over(
    home: Home,
    names: Iterable[str],
    *,
    leaders: Mapping[int, float] | None = None,
    folders: Iterable[Path] = (),
) -> list[psutil.Process]:
    """Return the living processes that belong to ``names`` of ``home``.

    Args:
        home: whose processes.
        names: process names whose mark counts.
        leaders: leaders of sessions that count, pid to time of creation.
        folders: working folders that count.
    """
    marks = {mark(home, name) for name in names}
    sessions = {pid for pid, created in (leaders or {}).items() if not _is_other(pid, created)}
    known_folders = {str(folder) for folder in folders}
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid == os.getpid() or process.pid in found:
            continue
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if _belongs(process, marks, sessions, known_folders):
                found[process.pid] = process
                found.update({child.pid: child for child in process.children(recursive=True)})
    found.pop(os.getpid(), None)
    return list(found.values())


def _is_other(pid: int, created: float) -> bool:
    """Tell whether ``pid`` was given to another process since; its session is then none of ours."""
    with suppress(psutil.Error):
        return abs(psutil.Process(pid).create_time() - created) >= 0.05
    return False


def _belongs(process: psutil.Process, marks: set[str], sessions: set[int], folders: set[str]) -> bool:
    if sessions and os.getsid(process.pid) in sessions:
        return True
    with suppress(psutil.Error, OSError):
        if process.environ().get(MARK) in marks:
            return True
    with suppress(psutil.Error, OSError):
        return bool(folders) and process.cwd() in folders
    return False


def end(processes: list[psutil.Process], *, signal_number: int = signal.SIGKILL, seconds: float = 5.0) -> int:
    """Send ``signal_number``, wait, then kill; return how many processes were there."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(signal_number)
    for process in wait_for(processes, seconds):
        with suppress(psutil.Error):
            process.kill()
    wait_for(processes, 5.0)
    return len(processes)


def wait_for(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until ``processes`` are gone (a zombie is gone) and return those that are not."""
    until = time.monotonic() + seconds
    while True:
        living = [process for process in processes if _lives(process)]
        if not living or time.monotonic() >= until:
            return living
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def find_marked(home: Home) -> list[psutil.Process]:
    """Return every living process that carries a mark of ``home``, of whatever name."""
    found = []
    ending = f"@{home.root}"
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").endswith(ending) and process.pid != os.getpid():
                found.append(process)
    return [process for process in found if _lives(process)]


def find_working_in(folder: Path) -> list[psutil.Process]:
    """Return every living process whose working folder is ``folder``."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd() == str(folder):
                found.append(process)
    return [process for process in found if _lives(process)]
