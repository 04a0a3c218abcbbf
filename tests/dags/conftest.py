"""The DAG folder as the real DAG processor's parser sees it, in a process and a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.model.settings import CHECKOUT

Parsed = dict[str, Any]
KEPT = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}


@pytest.fixture(scope="session")
def parse_dags(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Parsed]:
    """Return a function that parses the DAG folder under given settings."""

    def parse(**settings: str) -> Parsed:
        home = tmp_path_factory.mktemp("airflow")
        environment = {
            **{name: value for name, value in os.environ.items() if name in KEPT},
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/parse.db",
            "GUANTONG_HOME": str(home / "state"),
            "PYTHONPATH": str(CHECKOUT),
            **settings,
        }
        output = home / "parsed.json"
        script = Path(__file__).with_name("parsed_dags.py")
        done = subprocess.run(
            [sys.executable, str(script), str(output)],
            env=environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(output.read_text(encoding="utf-8"))

    return parse


@pytest.fixture(scope="session")
def demonstration(parse_dags: Callable[..., Parsed]) -> Parsed:
    """Return what is parsed without real lists."""
    return parse_dags()


@pytest.fixture(scope="session")
def with_real_lists(parse_dags: Callable[..., Parsed], tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    """Return what is parsed where ``REAL_DATA`` is set."""
    return parse_dags(REAL_DATA=str(tmp_path_factory.mktemp("lists")))
