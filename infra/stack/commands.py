"""The commands ``up``, ``down``, ``status``, ``serve``, ``logs`` and ``supervise`` (命令)."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.stack import settings_file
from infra.stack.control import Stack, down, last_lines, read_status, up
from infra.stack.errors import StackError
from infra.stack.home import CHECKOUT, Home, python, read_json
from infra.stack.secrets import hide_known_secrets
from infra.stack.state import ProcessStatus, StackState
from infra.stack.supervisor import supervise
from infra.stack.table import FULL

COLOURS = {"healthy": "green", "done": "green", "unhealthy": "red", "backoff": "red", "unwatched": "yellow"}
console = Console()

TableOption = Annotated[
    str, typer.Option("--table", help="Function that builds the process table, as module:function.", hidden=True)
]


def start(table: str = FULL) -> Stack:
    """Start the stack while showing each process; print what went wrong and exit with 1 otherwise."""
    try:
        if not console.is_terminal:
            return up(_Lines(), table=table)
        with Live(console=console, refresh_per_second=5, transient=True) as live:
            return up(lambda state: live.update(_progress(state)), table=table)
    except StackError as error:
        console.print(f"[red]{error.code}[/red]", highlight=False)
        console.print(Text(str(error)))
        raise typer.Exit(1) from error


class _Lines:
    """Says one line per change, where the output is no terminal."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __call__(self, state: StackState) -> None:
        for entry in state.processes.values():
            if self._seen.get(entry.name) != entry.state and entry.state not in ("waiting", "preparing"):
                self._seen[entry.name] = entry.state
                after = time.time() - state.started
                console.print(f"{after:5.1f} s  {entry.name:<18} {entry.state} {entry.message}", highlight=False)


def _progress(state: StackState) -> Table:
    table = Table.grid(padding=(0, 2))
    for entry in state.processes.values():
        mark = "✓" if entry.is_well else "…"
        table.add_row(mark, entry.name, Text(entry.state, COLOURS.get(entry.state, "")), Text(entry.message, "dim"))
    return table


def up_command(table: TableOption = FULL) -> None:
    """Start the stack, or join the one that runs, and wait until everything is well."""
    stack = start(table)
    how = f"in {stack.seconds:.1f} s" if stack.seconds else "already"
    console.print(f"The stack of {stack.home.root} is up {how}. `make down` ends it.", soft_wrap=True)


def down_command() -> None:
    """End everything that this checkout started; nothing of another checkout."""
    home = Home.find()
    began = time.monotonic()
    lines = _Lines()
    left = down(lines if not console.is_terminal else lambda state: None, home=home)
    extra = f", {left} left-over processes among it" if left else ""
    console.print(f"Nothing of {home.root} runs any more ({time.monotonic() - began:.1f} s{extra}).", soft_wrap=True)


def status_command() -> None:
    """Show each process: pid, port, time up, restarts, health, memory, log."""
    home = Home.find()
    entries = read_status(home)
    if not entries:
        console.print(f"The stack of {home.root} was never started. `make serve` starts it.", soft_wrap=True)
        raise typer.Exit(3)
    console.print(_status_table(entries))
    state = StackState.load(home)
    watched = f"watched by process {state.supervisor_pid}" if state.is_supervised else "watched by nobody"
    console.print(f"{home.root}: {state.phase}, {watched}", soft_wrap=True, highlight=False)
    if not all(entry.is_well for entry in entries):
        raise typer.Exit(3)


def _status_table(entries: list[ProcessStatus]) -> Table:
    table = Table(title="Embedded stack (运行栈)", title_justify="left", box=SIMPLE, pad_edge=False)
    for heading in ("process", "pid", "port", "up", "restarts", "health", "memory", "log"):
        number = heading in ("pid", "port", "restarts", "memory")
        table.add_column(heading, justify="right" if number else "left", no_wrap=heading != "health")
    for entry in entries:
        alive = entry.is_alive
        told = f"{entry.state}: {entry.message}" if entry.message and not entry.is_well else entry.state
        table.add_row(
            entry.name,
            str(entry.pid) if alive else "–",
            str(entry.port or ""),
            str(timedelta(seconds=int(time.time() - entry.started))) if alive else "–",
            str(entry.restarts),
            Text(told, COLOURS.get(entry.state, "")),
            f"{entry.memory / 2**20:.0f} MB" if alive else "–",
            f"logs/{Path(entry.log).name}",
        )
    return table


def serve_command() -> None:
    """Start the stack, print its addresses and the demonstration log-ins, and leave it running."""
    stack = start()
    hold_daily_round(stack.home)
    print_addresses(stack)


def hold_daily_round(home: Home) -> None:
    """Do the exchange catalogue's round of today (每日巡检), which Airflow does on the days that follow."""
    command = python("-m", "catalog", "clocks", "tick")
    environment = settings_file.base_environment(home)
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        told = Text(
            f"The daily round of the exchange catalogue failed: {(done.stderr or done.stdout).strip()[-1000:]}", "red"
        )
        console.print(told, soft_wrap=True)
        console.print("Do it again by hand: python -m catalog clocks tick", highlight=False)


def print_addresses(stack: Stack) -> None:
    """Say where each face is reached, who may log in, and how to end it."""
    passwords = read_json(stack.home.root / "airflow" / "passwords.json")
    table = Table.grid(padding=(0, 2))
    table.add_row("Exchange service and portal (共享交换)", stack.address("service"))
    table.add_row("Airflow (调度)", stack.address("airflow-api"))
    for name, password in passwords.items():
        table.add_row(f"  log-in {name}", password)
    table.add_row("Settings of every command", str(stack.home.env_file))
    table.add_row("Logs", str(stack.home.logs))
    console.print(table, soft_wrap=True)
    console.print("It stays up in the background. `make status` shows it, `make down` ends it.")


def logs_command(
    name: Annotated[str, typer.Argument(help="Process, as `status` names it.")],
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many lines from the end.")] = 50,
) -> None:
    """Print the end of one process's log."""
    path = Home.find().log(name)
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in path.parent.glob("*.log"))) or "none yet"
        raise typer.BadParameter(f"no log of {name!r}; there are: {known}")
    hide_known_secrets(Home.find())
    typer.echo(last_lines(path, lines))


def supervise_command(table: TableOption = FULL) -> None:
    """Watch the stack; started by `up`, not by people."""
    try:
        code = supervise(Home.find(), table)
    except StackError as error:
        typer.echo(str(error))
        raise typer.Exit(1) from error
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Add the commands of the stack to ``app``."""
    app.command("up")(up_command)
    app.command("serve")(serve_command)
    app.command("status")(status_command)
    app.command("logs")(logs_command)
    app.command("down")(down_command)
    app.command("supervise", hidden=True)(supervise_command)
