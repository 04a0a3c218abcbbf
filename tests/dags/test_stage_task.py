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

SECRET = "KanaRienVogel"
MOMENT = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)

SCRIPT = """
import json, os, sys
from types import SimpleNamespace
from datetime import datetime, UTC
from dags.assembly import asset_of
from dags.stage_task import StageOperator
from catalog.model.errors import GateStoppedError
task = StageOperator(stage=sys.argv[2], resource=sys.argv[3], outlets=[asset_of("silver.population__resident")])
moment = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
run = SimpleNamespace(conf={"business_date": sys.argv[1]}, logical_date=moment, run_after=moment, run_id="manual__1")
events = {asset_of("silver.population__resident"): SimpleNamespace(extra=None)}
context = {"dag_run": run, "task": task, "triggering_asset_events": {}, "outlet_events": events}
import jobs.stages
if len(sys.argv) > 4:
    def fake(resource, batch):
        print("performed", resource, batch, os.environ["BUSINESS_DATE"], os.getcwd())
        print("progress", file=sys.stderr)
        if sys.argv[4] == "verdict":
            raise GateStoppedError("two codes have no form")
        if sys.argv[4] == "leak":
            raise ValueError("cannot use " + os.environ["SOURCE_X_TOKEN"]) from KeyError(os.environ["SOURCE_X_TOKEN"])
        if sys.argv[4] == "unchecked":
            raise GateStoppedError("the check could not be carried out") from ConnectionError("server gone")
    jobs.stages.FUNCTIONS["extract"] = ("recorder", "fake")
    sys.modules["recorder"] = SimpleNamespace(fake=fake)
task.execute(context)
print(json.dumps([event.extra for event in events.values()]))
"""


def in_airflow(
    tmp_path: Path, business_date: str, stage: str = "extract", resource: str = "population.resident", *more: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/none.db",
        "GUANTONG_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(CHECKOUT),
        "SOURCE_X_TOKEN": SECRET,
    }
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, business_date, stage, resource, *more]
    return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_a_task_performs_its_stage_for_its_day_and_passes_the_day_on(tmp_path: Path) -> None:
    done = in_airflow(tmp_path, "2026-02-01", "extract", "population.resident", "record")
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert f"performed population.resident None 2026-02-01 {CHECKOUT}" in lines
    assert json.loads(lines[-1]) == [{"business_date": "2026-02-01"}]


def test_progress_is_told_as_information_and_not_as_errors(tmp_path: Path) -> None:
    done = in_airflow(tmp_path, "2026-02-01", "extract", "population.resident", "record")
    assert "progress" in done.stdout.splitlines()
    assert "progress" not in done.stderr


def test_a_task_that_fails_tells_no_secret_but_why(tmp_path: Path) -> None:
    done = in_airflow(tmp_path, "2026-02-01", "extract", "population.resident", "leak")
    told = done.stdout + done.stderr
    assert done.returncode != 0 and "ValueError: cannot use ***" in told and "Traceback" in told
    assert SECRET not in told


@pytest.mark.parametrize(("outcome", "error"), [("verdict", "AirflowFailException"), ("unchecked", "AirflowException")])
def test_a_verdict_is_final_and_a_check_that_was_cut_short_is_tried_again(
    tmp_path: Path, outcome: str, error: str
) -> None:
    done = in_airflow(tmp_path, "2026-02-01", "extract", "population.resident", outcome)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith(f"airflow.sdk.exceptions.{error}: GATE_STOPPED")


@pytest.mark.parametrize(
    ("stage", "resource", "words"),
    [
        ("extract", "population.resident", ["SETTING_MISSING", "remedy:"]),
        ("curate", "population.resident", ["WRONG_STAGE", "its stages are extract, conform, check"]),
    ],
)
def test_a_failure_is_told_in_the_stages_own_words(tmp_path: Path, stage: str, resource: str, words: list[str]) -> None:
    done = in_airflow(tmp_path, "2026-02-01", stage, resource)
    assert done.returncode != 0
    error = "AirflowFailException" if words[0] == "SETTING_MISSING" else "AirflowException"
    last = done.stderr[done.stderr.rindex(f".{error}: ") :]
    assert all(word in last for word in words), done.stderr[-2000:]


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


@pytest.mark.parametrize(("pinned", "last"), [(None, "2026-03-02"), ("2026-02-20", "2026-03-02"), ("2031-05-02",) * 2])
def test_a_day_that_has_not_come_is_refused(pinned: str | None, last: str) -> None:
    assert choose_business_date({"business_date": last}, [], pinned, MOMENT).isoformat() == last
    with pytest.raises(ValueError, match=f"2099-05-02 has not come yet, today is {last}"):
        choose_business_date({"business_date": "2099-05-02"}, [], pinned, MOMENT)


def test_the_sites_day_is_read_from_its_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.delenv("BUSINESS_DATE", raising=False)
    assert pinned_date() is None
    (tmp_path / "env").write_text("BUSINESS_DATE=2026-03-05\n", encoding="utf-8")
    assert pinned_date() == "2026-03-05"
