"""The main job end to end under the real scheduler: a day, the next day, with a process killed in each."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.stack import down
from infra.stack.home import Home
from infra.stack.state import StackState

pytestmark = pytest.mark.long

CHECKOUT = Path(__file__).resolve().parents[2]
SCALE = "0.02"
KINDS = 15
"""Kinds of fault that the first day plants."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home whose stack is ended afterwards, whatever happens."""
    place = Home(tmp_path_factory.mktemp("journey") / "home")
    yield place
    down(home=place)


def kill_when_under_way(home: Home, victim: str, done: list[int]) -> None:
    """Kill ``victim`` with SIGKILL once tasks have begun to run."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        tasks = home.logs / "tasks"
        if tasks.exists() and any(tasks.rglob("task_id=conform/*.log")):
            pid = StackState.load(home).processes[victim].pid
            if pid:
                os.kill(pid, signal.SIGKILL)
                done.append(pid)
                return
        time.sleep(0.5)


def run_day(home: Home, victim: str) -> dict:
    """Run one day with ``victim`` killed on the way; return its summary."""
    killed: list[int] = []
    killer = threading.Thread(target=kill_when_under_way, args=(home, victim, killed), daemon=True)
    environment = {**os.environ, "GUANTONG_HOME": str(home.root), "DEMO_SCALE": SCALE}
    environment.pop("REAL_DATA", None)
    killer.start()
    command = [sys.executable, "-m", "infra", "run"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert killed, f"{victim} was never killed, so the day proves nothing about it"
    index = home.root / "reports" / "quality" / "index.html"
    assert str(index) in done.stdout.replace("\n", "") and len(list(index.parent.rglob("*.html"))) > 10
    return json.loads((home.root / "summary.json").read_text(encoding="utf-8"))


def assert_in_order(summary: dict) -> None:
    assert summary["ok"] is True
    assert len(summary["tables"]) >= 25
    assert sum(rows["read"] for rows in summary["tables"].values()) > 0
    for name, rows in summary["tables"].items():
        assert rows["read"] == rows["accepted"] + rows["set_aside"] + rows["rejected"], name
    assert {
        kind: (v["planted"], v["found"]) for kind, v in summary["faults"].items() if v["planted"] != v["found"]
    } == {}
    assert summary["reader"]["rows"] > 0
    assert summary["reader"]["equal"] is True
    assert len(summary["shares"]) == 3


@pytest.mark.timeout(1000)
def test_first_day_is_whole_though_the_engine_is_killed(home):
    summary = run_day(home, "spark")
    assert_in_order(summary)
    assert sum(1 for v in summary["faults"].values() if v["planted"] > 0) >= KINDS
    assert summary["restarts"].get("spark", 0) >= 1


@pytest.mark.timeout(1000)
def test_next_day_processes_only_the_changes_though_the_scheduler_is_killed(home):
    first = json.loads((home.root / "summary.json").read_text(encoding="utf-8"))
    summary = run_day(home, "airflow-scheduler")
    assert_in_order(summary)
    assert summary["day"] == first["day"] + 1
    residents = "bronze.public_security__resident"
    assert 0 < summary["tables"][residents]["read"] < first["tables"][residents]["read"] / 3
    assert {s["table"]: s["version"] for s in summary["shares"]} == {s["table"]: 2 for s in first["shares"]}
    assert len(list((home.root / "runs").glob("*.json"))) == 2
