"""A failed task is told with its DAG, its try, its log and what the log says last."""

import json
from io import StringIO
from pathlib import Path

from rich.console import Console

from infra.run.account import Account
from infra.run.airflow_client import AirflowClient
from infra.run.failures import failures_of, task_log
from infra.run.round import DagProgress, Round, TaskProgress
from infra.run.view import LineView

RUN = "round__1"


def failed_round() -> Round:
    """Return a round of which one task failed after its last try and another is still running."""
    from datetime import date

    from catalog.model.registry import Registry

    client = AirflowClient("http://127.0.0.1:9", "nobody", "nothing")
    state = Round(client, Registry(), real=False, run_id="1", business_date=date(2026, 3, 2))
    task, other = TaskProgress("extract", "failed", 5, 3.0), TaskProgress("conform", "running", 1, 1.0)
    state.dags = {
        "population.resident": DagProgress(
            "population.resident", "silver", "silver.population__resident", (), RUN, "failed", {"extract": task}
        ),
        "population.household": DagProgress(
            "population.household", "silver", "silver.population__household", (), RUN, "running", {"conform": other}
        ),
    }
    return state


def test_a_failure_names_dag_task_try_and_log_and_ends_with_the_logs_last_words(tmp_path: Path) -> None:
    log = task_log(tmp_path, "population.resident", RUN, "extract", 5)
    log.parent.mkdir(parents=True)
    lines = [json.dumps({"event": f"line {n}", "level": "info"}) for n in range(40)]
    log.write_text("\n".join([*lines, "not JSON at all", json.dumps({"event": "DELIVERY_REFUSED: no receipt"})]) + "\n")
    found = failures_of(failed_round(), tmp_path)
    assert len(found) == 1
    told = str(found[0])
    assert "DAG population.resident, task extract, try 5" in told
    assert str(log) in told
    assert told.endswith("    not JSON at all\n    DELIVERY_REFUSED: no receipt")
    assert "line 39" in told
    assert "line 1\n" not in told


def test_a_missing_log_is_said(tmp_path: Path) -> None:
    assert "there is no such log yet" in str(failures_of(failed_round(), tmp_path)[0])


def test_each_event_is_told_once_where_there_is_no_terminal() -> None:
    output = StringIO()
    state = failed_round()
    with LineView(Console(file=output, width=200)) as view:
        view.show(state, Account(()))
        view.show(state, Account(()))
    lines = output.getvalue().splitlines()
    assert len(lines) == 2
    assert "✗ population.resident extract  try 5" in lines[0]
    assert "▶ population.household conform" in lines[1]


def test_a_round_ends_when_nothing_more_will_come() -> None:
    state = failed_round()
    assert not state.has_ended
    state.dags["population.household"].state = "blocked"
    assert state.has_ended
    assert not state.has_succeeded
