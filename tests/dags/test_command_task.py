"""A command as an Airflow task: what it says is in the log, and what ends badly fails with its last words."""

import os
import subprocess
import sys
from pathlib import Path

from catalog.model.settings import CHECKOUT

SCRIPT = """
import logging, sys
from airflow.sdk.exceptions import AirflowException
from dags.command_task import CommandOperator
logging.basicConfig(level=logging.INFO, stream=sys.stdout, force=True)
good = CommandOperator(task_id="good", module="calendar", arguments=("2026", "2"))
bad = CommandOperator(task_id="bad", module="json.tool", arguments=("nowhere.json",))
good.execute({})
try:
    bad.execute({})
except AirflowException as error:
    print("FAILED", str(error).splitlines()[0], "nowhere.json" in str(error))
"""


def test_a_command_tells_the_log_and_fails_with_its_last_words(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/none.db",
        "PYTHONPATH": str(CHECKOUT),
    }
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = done.stdout + done.stderr
    assert "by hand: python -m calendar 2026 2" in told and "February 2026" in told
    assert "FAILED python -m json.tool nowhere.json ended with 2" in done.stdout
    assert done.stdout.rstrip().endswith("True")
