"""The embedded stack with Airflow looking at the benchmark's own DAG folder."""

import os
from dataclasses import replace
from pathlib import Path

from catalog.model.settings import CHECKOUT
from infra.stack.home import Home
from infra.stack.process import ProcessSpec, Table
from infra.stack.table import processes as whole_stack

DAGS = Path(__file__).with_name("dags")
LEFT_OUT = ("recipient", "service", "departments")


def processes(home: Home) -> Table:
    """Return the process table: databases, engine and Airflow."""
    return [_own_dags(spec, home) for spec in whole_stack(home) if spec.name not in LEFT_OUT]


def _own_dags(spec: ProcessSpec, home: Home) -> ProcessSpec:
    environment = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "BENCH_SECONDS_FILE": str(home.root / "seconds"),
        "BENCH_CHECKOUT": str(CHECKOUT),
        "RESOURCE_PATH": os.environ.get("RESOURCE_PATH", str(DAGS.with_name("resources"))),
    }
    if not spec.name.startswith("airflow"):
        return spec
    before = spec.environment
    return replace(spec, environment=lambda: {**before(), **environment})
