"""Process tables small enough to start in a blink; built by the supervisor, so they live in an importable module."""

import sys
from dataclasses import replace

from infra.stack.home import Home
from infra.stack.ports import choose_ports
from infra.stack.probes import http_ok
from infra.stack.process import ProcessSpec, Table

FAMILY = "setsid sleep 600 & sleep 600 & echo family; wait"
"""A leader with two children, one of which leaves its session."""


def family(home: Home) -> Table:
    """A server with a port, a leader with children that needs it, and a step that runs once."""
    port = choose_ports(home, ["server"], ours=_running(home))["server"]
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    folder = home.root / "lake"
    return [
        ProcessSpec(
            "server", "server", lambda: server, port=port, probe=http_ok(port, "/"), folder=folder, stop_last=True
        ),
        ProcessSpec(
            "step", "step", lambda: ["sh", "-c", "echo x >> steps"], after=("server",), once=True, folder=folder
        ),
        ProcessSpec("leader", "", lambda: ["sh", "-c", FAMILY], after=("step",), probe_seconds=0.2),
    ]


def deaf(home: Home) -> Table:
    """A leader that ignores the request to end."""
    *rest, leader = family(home)
    command = ["sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"]
    return [*rest, replace(leader, command=lambda: command, stop_seconds=0.5)]


def broken(home: Home) -> Table:
    """A process that says why and ends, each time."""
    command = ["sh", "-c", "echo the reason is 42; exit 7"]
    return [ProcessSpec("broken", "broken", lambda: command)]


def full_disk(home: Home) -> Table:
    """An engine whose log says why it ends, among other lines."""
    command = ["sh", "-c", "echo starting; echo 'FATAL: could not write: No space left on device'; echo bye; exit 1"]
    return [ProcessSpec("engine", "engine", lambda: command)]


def taken(home: Home) -> Table:
    """A server on a port that the test holds; its number is in a file, past the choice of ports."""
    port = int((home.root / "taken").read_text())
    return [ProcessSpec("server", "server", lambda: ["sleep", "600"], port=port)]


def _running(home: Home) -> list[str]:
    from infra.stack.state import StackState

    return [name for name, status in StackState.load(home).processes.items() if status.is_alive]
