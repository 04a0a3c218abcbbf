"""What the supervisor needs to know of one process (进程)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM

Probe = Callable[[float], str | None]
"""Given the moment the process started, returns None when it is well, else what is wrong."""


def always_well(started: float) -> str | None:
    """Answer for a process that is well as long as it lives."""
    return None


@dataclass(frozen=True)
class ProcessSpec:
    """One process of the stack: how to start it, how to see that it is well, how to end it."""

    name: str
    """Name in the tables, the log and the commands."""
    title: str
    """What it is, for people."""
    command: Callable[[], list[str]]
    """Builds the command line; called after ``prepare``."""
    environment: Callable[[], dict[str, str]] = dict
    """Builds what is added to the base environment."""
    after: tuple[str, ...] = ()
    """Processes that must be well before the first start."""
    prepare: Callable[[], None] | None = None
    """Work before each start: folders, configuration."""
    when_up: Callable[[], None] | None = None
    """Work after the first good probe; the process counts as well when it is done."""
    unneeded: Callable[[], bool] | None = None
    """For a step: whether it has nothing to do."""
    when_done: Callable[[], None] | None = None
    """For a step: work after it ended with 0."""
    once: bool = False
    """A step: it runs to its end, and is not restarted after 0."""
    probe: Probe = always_well
    """Health."""
    probe_seconds: float = 5.0
    """Pause between probes of a healthy process."""
    port: int | None = None
    """Port it listens on."""
    address: str = ""
    """Where people or programs reach it."""
    folder: Path | None = None
    """Working folder; default: the checkout."""
    owned_folder: Path | None = None
    """A folder in which only this process and its children work; finds children that left the session."""
    user: int | None = None
    """User and group id to run under, when not the caller's."""
    group: int | None = None
    """Group id that goes with ``user``."""
    stop_signal: int = SIGTERM
    """Signal that asks for an orderly end."""
    stop_whole_group: bool = True
    """Whether the signal goes to the group or to the leader alone."""
    stop_seconds: float = 10.0
    """Time for the orderly end."""
    stop_last: bool = False
    """Whether others need it to end in an orderly way, so that it ends after them."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that must not appear in messages."""


Table = list[ProcessSpec]
"""The processes of a stack, each after those it needs."""
