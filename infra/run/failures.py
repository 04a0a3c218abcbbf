"""Which task failed, and what its log says last (失败说明)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from infra.run.round import Round

LINES = 30


@dataclass(frozen=True)
class Failure:
    """One task that failed after its last try."""

    dag_id: str
    task_id: str
    try_number: int
    log: Path
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return everything a person needs to go on."""
        head = f"DAG {self.dag_id}, task {self.task_id}, try {self.try_number} failed"
        return "\n".join([head, f"  log: {self.log}", *(f"    {line}" for line in self.lines)])


def failures_of(state: Round, logs: Path) -> list[Failure]:
    """Return the failed tasks of a round.

    Args:
        state: the round.
        logs: folder of Airflow's task logs.
    """
    found = []
    for dag in state.dags.values():
        for task in dag.tasks.values():
            if task.state == "failed":
                log = task_log(logs, dag.dag_id, dag.run_id or "", task.task_id, task.try_number)
                found.append(Failure(dag.dag_id, task.task_id, task.try_number, log, last_events(log)))
    return found


def task_log(logs: Path, dag_id: str, run_id: str, task_id: str, try_number: int) -> Path:
    """Return where Airflow keeps the log of one try."""
    return logs / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}" / f"attempt={try_number}.log"


def last_events(log: Path, count: int = LINES) -> tuple[str, ...]:
    """Return the last messages of a task log: the ``event`` of its JSON lines, other lines as they are."""
    if not log.is_file():
        return ("there is no such log yet",)
    return tuple(_event(line) for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def _event(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    return str(entry.get("event", line)) if isinstance(entry, dict) else line
