"""What people see while a round runs (进度显示): a live table on a terminal, one line per event elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.run.account import Account, Rows
from infra.run.round import DagProgress, Round, TaskProgress

MARKS = {
    "success": ("✓", "green"),
    "failed": ("✗", "red"),
    "upstream_failed": ("✗", "red"),
    "blocked": ("–", "yellow"),
    "running": ("▶", "cyan"),
    "up_for_retry": ("↻", "yellow"),
}
TOLD = ("running", "success", "failed", "up_for_retry")


class View(Protocol):
    """A way to show a round."""

    def __enter__(self) -> View:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End."""

    def show(self, state: Round, account: Account) -> None:
        """Show how far the round is."""


def view_for(console: Console) -> View:
    """Return the view that fits ``console``."""
    return LiveView(console) if console.is_terminal else LineView(console)


class LiveView:
    """A table that is drawn again and again."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4)
        self._began = time.monotonic()

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, state: Round, account: Account) -> None:
        """Draw the table."""
        rows = account.by_task()
        ended = sum(dag.has_ended for dag in state.dags.values())
        table = Table(
            title=f"{ended}/{len(state.dags)} DAGs · {time.monotonic() - self._began:.0f} s", title_justify="left"
        )
        for heading, justify in (
            ("table 表", "left"),
            ("stages 环节", "left"),
            ("rows 行", "right"),
            ("seconds 秒", "right"),
        ):
            table.add_column(heading, justify=justify)  # type: ignore[arg-type]
        for dag in state.dags.values():
            mark, colour = MARKS.get(dag.state, ("·", "dim"))
            counts = [rows[dag.dag_id, name] for name in dag.tasks if (dag.dag_id, name) in rows]
            told = f"{counts[-1].accepted:,}" if counts else ""
            seconds = sum(task.seconds for task in dag.tasks.values())
            table.add_row(Text(f"{mark} {dag.table}", colour), _stages(dag), told, f"{seconds:.0f}" if seconds else "")
        self._live.update(table)


def _stages(dag: DagProgress) -> Text:
    text = Text()
    for task in dag.tasks.values():
        mark, colour = MARKS.get(task.state, ("·", "dim"))
        again = f" ({task.try_number})" if task.try_number > 1 else ""
        text.append(f"{mark} {task.task_id}{again}  ", colour)
    return text


class LineView:
    """One line whenever a task begins, ends or is tried again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._told: dict[tuple[str, str], tuple[str, int]] = {}

    def __enter__(self) -> LineView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return None

    def show(self, state: Round, account: Account) -> None:
        """Say what is new."""
        rows = account.by_task()
        for dag in state.dags.values():
            for task in dag.tasks.values():
                key, now = (dag.dag_id, task.task_id), (task.state, task.try_number)
                if task.state in TOLD and self._told.get(key) != now:
                    self._told[key] = now
                    self._say(_line(dag, task, rows.get(key)))
            if dag.state == "blocked" and (dag.dag_id, "") not in self._told:
                self._told[dag.dag_id, ""] = (dag.state, 0)
                self._say(f"– {dag.dag_id}: an input failed, it does not run")

    def _say(self, text: str) -> None:
        self._console.print(
            f"{time.monotonic() - self._began:6.1f} s  {text}", markup=False, highlight=False, soft_wrap=True
        )


def _line(dag: DagProgress, task: TaskProgress, rows: Rows | None) -> str:
    mark, _ = MARKS[task.state]
    parts = [f"{mark} {dag.dag_id} {task.task_id}"]
    if task.try_number > 1 or task.state in ("failed", "up_for_retry"):
        parts.append(f"try {task.try_number}")
    if task.state == "success":
        parts.append(f"{task.seconds:.1f} s")
        if rows:
            parts.append(f"read {rows.read:,} · accepted {rows.accepted:,} · set aside {rows.set_aside:,}")
            parts += [f"rejected {rows.rejected:,}"] if rows.rejected else []
    return "  ".join(parts)
