"""What runs, as the supervisor last saw it: ``stack.json`` (运行状态).

Invariant: only the holder of the supervisor lock writes it, always as a whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import psutil

from infra.stack.home import Home, read_json, write_private
from infra.stack.reaper import is_alive

WELL = ("healthy", "done")
"""States in which a process is as it should be."""


@dataclass
class ProcessStatus:
    """One process as seen by the supervisor."""

    name: str
    title: str = ""
    state: str = "waiting"
    """waiting, preparing, starting, healthy, unhealthy, backoff, done or stopped."""
    pid: int | None = None
    created: float = 0.0
    """Creation time of the process, by which a reused pid is told from ours."""
    started: float = 0.0
    restarts: int = 0
    port: int | None = None
    address: str = ""
    log: str = ""
    message: str = ""
    remedy: str = ""
    """What a person does about the message, where its cause is known."""
    folder: str = ""
    """Folder that only this process works in; empty when there is none."""

    @property
    def is_well(self) -> bool:
        """Whether it is as it should be."""
        return self.state in WELL

    @property
    def is_alive(self) -> bool:
        """Whether its process lives now."""
        return self.pid is not None and is_alive(self.pid, self.created)

    @property
    def memory(self) -> int:
        """Resident bytes of the process and its children; shared pages count once per process."""
        try:
            leader = psutil.Process(self.pid)
            return sum(_resident(member) for member in (leader, *leader.children(recursive=True)))
        except psutil.Error:
            return 0


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@dataclass
class StackState:
    """The whole stack as seen by the supervisor."""

    table: str = ""
    """``module:function`` that builds the process table."""
    phase: str = "stopped"
    """starting, running, stopping, stopped or failed."""
    supervisor_pid: int = 0
    supervisor_created: float = 0.0
    started: float = 0.0
    ready: float = 0.0
    """When every process was well for the first time."""
    message: str = ""
    processes: dict[str, ProcessStatus] = field(default_factory=dict)

    @property
    def is_supervised(self) -> bool:
        """Whether the supervisor lives now."""
        return bool(self.supervisor_pid) and is_alive(self.supervisor_pid, self.supervisor_created)

    def save(self, home: Home) -> None:
        """Write it to ``stack.json``."""
        write_private(home.stack_file, json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, home: Home) -> StackState:
        """Return the last written state; of a home that never ran, a stopped one."""
        content = read_json(home.stack_file)
        processes = {
            name: ProcessStatus(**_known(ProcessStatus, entry)) for name, entry in content.pop("processes", {}).items()
        }
        return cls(**_known(cls, content), processes=processes)


def _known(kind: type[Any], content: dict[str, Any]) -> dict[str, Any]:
    names = {entry.name for entry in fields(kind)}
    return {key: value for key, value in content.items() if key in names}
