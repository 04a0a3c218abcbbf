"""A task as it really runs: the command's environment, and the date that its table's event carries on."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.model.settings import CHECKOUT
from dags.business_date import choose_business_date, pinned_date

MOMENT = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)

SCRIPT = """
import json, sys
from types import SimpleNamespace
from datetime import datetime, UTC
from dags.assembly import asset_of
from dags.stage_task import StageOperator, business_date_of
task = StageOperator(stage="extract", resource="population.resident", outlets=[asset_of("silver.population__resident")])
moment = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
run = SimpleNamespace(conf={"business_date": sys.argv[1]}, logical_date=moment, run_after=moment, run_id="manual__1")
instance = SimpleNamespace(dag_id="population.resident", task_id="extract", try_number=2)
context = {"dag_run": run, "task_instance": instance, "task": task, "triggering_asset_events": {}}
env = task.get_env(context)
names = "BUSINESS_DATE PYTHON BASH_ENV MARK AIRFLOW_CTX_DAG_RUN_ID AIRFLOW_CTX_TRY_NUMBER AIRFLOW_CTX_TASK_ID"
print(json.dumps({name: env.get(name) for name in names.split()}))
"""


def in_airflow(tmp_path: Path, business_date: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/none.db",
        "PYTHONPATH": str(CHECKOUT),
        "MARK": "inherited",
        "BASH_ENV": "/nonexistent/start-up",
    }
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, business_date]
    return subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_a_command_inherits_the_environment_and_learns_its_run_and_day(tmp_path: Path) -> None:
    done = in_airflow(tmp_path, "2026-02-01")
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["BUSINESS_DATE"] == "2026-02-01"
    assert seen["MARK"] == "inherited"
    assert seen["PYTHON"] == sys.executable
    assert seen["BASH_ENV"] is None
    assert seen["AIRFLOW_CTX_DAG_RUN_ID"] == "manual__1"
    assert (seen["AIRFLOW_CTX_TASK_ID"], seen["AIRFLOW_CTX_TRY_NUMBER"]) == ("extract", "2")


def test_a_malformed_date_fails_the_task_for_good(tmp_path: Path) -> None:
    done = in_airflow(tmp_path, "$(touch pwned)")
    assert done.returncode != 0
    assert "AirflowFailException" in done.stderr
    assert not (CHECKOUT / "pwned").exists()


@pytest.mark.parametrize(
    ("conf", "carried", "pinned", "expected"),
    [
        ({"business_date": "2026-02-01"}, ["2026-02-03"], "2026-02-20", "2026-02-01"),
        ({"business_date": None}, ["2026-02-01", "2026-02-03"], "2026-02-20", "2026-02-03"),
        (None, [], "2026-02-20", "2026-02-20"),
        ({}, [], None, "2026-03-02"),
    ],
)
def test_the_day_comes_from_the_trigger_then_the_inputs_then_the_site_then_the_clock(
    conf: dict[str, Any] | None, carried: list[str], pinned: str | None, expected: str
) -> None:
    assert choose_business_date(conf, carried, pinned, MOMENT).isoformat() == expected


def test_the_sites_day_is_read_from_its_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.delenv("BUSINESS_DATE", raising=False)
    assert pinned_date() is None
    (tmp_path / "env").write_text("BUSINESS_DATE=2026-03-05\n", encoding="utf-8")
    assert pinned_date() == "2026-03-05"
