"""Free loopback ports, chosen once per home and kept (端口)."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterable
from contextlib import suppress

import psutil

from infra.stack.errors import StackError
from infra.stack.home import Home, read_json, write_private

LOOPBACK = "127.0.0.1"
RANGE = range(20_000, 32_000)
"""Below the ports that systems hand to outgoing connections, so that a recorded port stays free while nobody runs."""


def is_free(port: int) -> bool:
    """Tell whether a server could listen on ``port`` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(home: Home, names: Iterable[str], *, ours: Iterable[str] = ()) -> dict[str, int]:
    """Return a port for each of ``names``: the recorded one, which addresses and bookmarks name, or a free one.

    Args:
        home: the home whose record is read and written.
        names: processes that need a port.
        ours: names whose process already runs, so that a taken port is right.

    Raises:
        StackError: when somebody else listens on a recorded port.
    """
    recorded: dict[str, int] = read_json(home.ports_file)
    running = set(ours)
    chosen: dict[str, int] = dict(recorded)
    for name in names:
        port = recorded.get(name)
        if port is None:
            chosen[name] = _pick(set(chosen.values()))
        elif name not in running and not is_free(port):
            raise _taken(home, name, port)
    if chosen != recorded:
        write_private(home.ports_file, json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    return chosen


def _taken(home: Home, name: str, port: int) -> StackError:
    return StackError(
        f"port {port} of {name} is taken by {listener(port)}",
        place=str(home.ports_file),
        remedy="end that process (`make down` in the checkout that it belongs to), or take the line "
        f'"{name}" out of this file: the next start chooses another port, and addresses change with it',
    )


def listener(port: int) -> str:
    """Return who listens on ``port``, as far as the system tells this user."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            is_it = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if is_it and connection.pid:
                process = psutil.Process(connection.pid)
                return f"process {process.pid} ({process.name()}, user {process.username()}, in {process.cwd()})"
    return "a process that this user may not see"


def _pick(taken: set[int]) -> int:
    chance = random.SystemRandom()
    while True:
        port = chance.choice(RANGE)
        if port not in taken and is_free(port):
            return port
