"""Free loopback ports, chosen once per home and kept (端口)."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterable

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
    """Return a port for each of ``names`` and record the choice.

    Args:
        home: the home whose record is read and written.
        names: processes that need a port.
        ours: names whose process already runs, so that a taken port is right.
    """
    recorded: dict[str, int] = read_json(home.ports_file)
    running = set(ours)
    chosen: dict[str, int] = dict(recorded)
    for name in names:
        port = recorded.get(name)
        if port is None or (name not in running and not is_free(port)):
            chosen[name] = _pick(set(chosen.values()))
    if chosen != recorded:
        write_private(home.ports_file, json.dumps(chosen, indent=1, sort_keys=True) + "\n")
    return chosen


def _pick(taken: set[int]) -> int:
    chance = random.SystemRandom()
    while True:
        port = chance.choice(RANGE)
        if port not in taken and is_free(port):
            return port
