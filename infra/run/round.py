"""One round (轮次): every source triggered once, everything built from them followed to its end.

A base library or shared table counts as done when the run that succeeded was started by the events of **this** round's
runs of all its inputs; a run started by the clock or by an older event does not count.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from catalog.model.layers import table_of
from catalog.model.registry import Registry, named_inputs
from infra.run.airflow_client import AirflowClient
from infra.stack import StackError

KNOWN_SECONDS = 180.0
SETTLE_SECONDS = 600.0
LOST_EVENT_SECONDS = 30.0
"""How long after its inputs a run may stay away before it is started by hand: its event was lost or taken earlier."""
ENDED = ("success", "failed", "blocked")


@dataclass
class TaskProgress:
    """One task of the round."""

    task_id: str
    state: str = "waiting"
    try_number: int = 0
    seconds: float = 0.0


@dataclass
class DagProgress:
    """One DAG of the round."""

    dag_id: str
    layer: str
    table: str
    inputs: tuple[str, ...]
    """DAGs whose tables it is built from."""
    run_id: str | None = None
    state: str = "waiting"
    tasks: dict[str, TaskProgress] = field(default_factory=dict)
    inputs_done_at: float | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED


class Round:
    """The runs of one day's deliveries."""

    def __init__(
        self, client: AirflowClient, registry: Registry, *, real: bool, run_id: str, business_date: date
    ) -> None:
        contracts = [c for c in registry.all() if real or c.government.demonstration]
        ids = {contract.id for contract in contracts}
        order = ("silver", "base", "gold")
        contracts.sort(key=lambda c: (order.index(c.government.layer), c.id))
        self.dags = {
            c.id: DagProgress(
                c.id,
                c.government.layer,
                table_of(c).name,
                tuple(source for source, _ in named_inputs(c) if source in ids),
            )
            for c in contracts
        }
        self.run_id = f"round__{run_id}"
        self._client = client
        self._conf = {"business_date": business_date.isoformat()}
        self._since = ""
        self._consumed: dict[tuple[str, str], set[tuple[str, str]]] = {}

    @property
    def has_ended(self) -> bool:
        """Whether every DAG has come to its end."""
        return all(dag.has_ended for dag in self.dags.values())

    @property
    def has_succeeded(self) -> bool:
        """Whether every DAG has succeeded, and there was one."""
        return bool(self.dags) and all(dag.state == "success" for dag in self.dags.values())

    @property
    def run_ids(self) -> list[str]:
        """Return the ids of the runs that belong to the round so far."""
        return sorted({dag.run_id for dag in self.dags.values() if dag.run_id})

    def start(self) -> None:
        """Wait until Airflow knows every DAG and is idle, then trigger the sources.

        Raises:
            StackError: when a DAG does not appear or cannot be read.
        """
        self._await_dags()
        self._await_idle()
        for dag in self.dags.values():
            if dag.inputs:
                self._client.forget_events(dag.dag_id)
        self._since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        for dag in self.dags.values():
            if not dag.inputs:
                self._client.trigger(dag.dag_id, self.run_id, self._conf)
                dag.run_id = self.run_id

    def refresh(self) -> None:
        """Ask Airflow how far everything is."""
        runs = self._client.runs(self._since)
        for dag in self.dags.values():
            self._follow(dag, [run for run in runs if run["dag_id"] == dag.dag_id])
        for found in self._client.task_instances(self.run_ids):
            dag = self.dags.get(found["dag_id"])  # type: ignore[assignment]
            if dag and dag.run_id == found["dag_run_id"]:
                dag.tasks[found["task_id"]] = _task(found)

    def _await_dags(self) -> None:
        deadline = time.monotonic() + KNOWN_SECONDS
        while True:
            known = self._client.dags()
            missing = [dag_id for dag_id in self.dags if dag_id not in known]
            if not missing:
                break
            errors = self._client.import_errors()
            if errors:
                told = "\n".join(str(error["stack_trace"]).strip()[-800:] for error in errors)
                raise StackError(f"Airflow cannot read the DAGs\n{told}", place="dags/", remedy="mend what it says")
            if time.monotonic() > deadline:
                raise StackError(
                    f"Airflow does not know {', '.join(missing)}", place="dags/", remedy="see airflow-dags.log"
                )
            time.sleep(1)
        for dag_id in self.dags:
            if known[dag_id]["is_paused"]:
                self._client.resume(dag_id)

    def _await_idle(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while runs := self._client.unfinished_runs(list(self.dags)):
            if time.monotonic() > deadline:
                names = ", ".join(sorted({run["dag_id"] for run in runs}))
                raise StackError(
                    f"earlier runs do not end: {names}", remedy="end them on Airflow's pages, then start again"
                )
            time.sleep(1)

    def _follow(self, dag: DagProgress, runs: list[dict[str, Any]]) -> None:
        if dag.has_ended and dag.state != "failed":
            return
        if dag.run_id is None:
            dag.run_id = next((run["dag_run_id"] for run in runs if self._is_ours(dag, run)), None)
        for run in runs:
            if run["dag_run_id"] == dag.run_id:
                dag.state = run["state"]
        if dag.run_id is None and dag.inputs:
            self._await_inputs(dag, runs)

    def _is_ours(self, dag: DagProgress, run: dict[str, Any]) -> bool:
        """Tell whether ``run`` was started by this round's runs of all inputs."""
        key = (dag.dag_id, run["dag_run_id"])
        if run["dag_run_id"] == self.run_id:
            return True
        if run["run_type"] != "asset_triggered":
            return False
        if key not in self._consumed:
            self._consumed[key] = self._client.consumed(*key)
        wanted = {(name, self.dags[name].run_id or "") for name in dag.inputs}
        return wanted <= self._consumed[key]

    def _await_inputs(self, dag: DagProgress, runs: list[dict[str, Any]]) -> None:
        states = {self.dags[name].state for name in dag.inputs}
        if states & {"failed", "blocked"}:
            dag.state = "blocked"
        elif states == {"success"} and not any(run["state"] in ("queued", "running") for run in runs):
            dag.inputs_done_at = dag.inputs_done_at or time.monotonic()
            if time.monotonic() - dag.inputs_done_at > LOST_EVENT_SECONDS:
                self._client.trigger(dag.dag_id, self.run_id, self._conf)
                dag.run_id = self.run_id


def _task(found: dict[str, Any]) -> TaskProgress:
    seconds = float(found["duration"] or 0.0)
    if found["state"] == "running" and found["start_date"]:
        started = datetime.fromisoformat(found["start_date"].replace("Z", "+00:00"))
        seconds = max(0.0, (datetime.now(UTC) - started).total_seconds())
    return TaskProgress(found["task_id"], found["state"] or "waiting", int(found["try_number"]), seconds)
