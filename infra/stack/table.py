"""The whole stack as one table of processes (进程表)."""

from __future__ import annotations

from infra.stack.airflow import airflow_processes
from infra.stack.home import Home
from infra.stack.ports import choose_ports, is_free
from infra.stack.postgres import Postgres, find_postgres
from infra.stack.process import Table
from infra.stack.runner import end_left_over
from infra.stack.secrets import load_secrets
from infra.stack.services import service_processes
from infra.stack.settings_file import write_settings
from infra.stack.spark_server import spark_process
from infra.stack.state import StackState

FULL = "infra.stack.table:processes"
"""The table that ``make run`` and ``make serve`` start."""
PORTS = ("postgres", "spark", "service", "departments", "airflow-api")


def processes(home: Home) -> Table:
    """Return every process: databases, engine, service, departments, scheduler."""
    postgres, ports, secrets = _ground(home)
    return [
        postgres.process(),
        spark_process(home, ports["spark"], secrets["spark_token"]),
        *airflow_processes(home, postgres, ports["airflow-api"], secrets),
        *service_processes(home, postgres, ports),
    ]


def engine(home: Home) -> Table:
    """Return the database and the engine only: enough for ``python -m jobs`` in a shell and for tests of the jobs."""
    postgres, ports, secrets = _ground(home)
    control, *_ = service_processes(home, postgres, ports)
    return [postgres.process(), spark_process(home, ports["spark"], secrets["spark_token"]), control]


def database(home: Home) -> Table:
    """Return the database only."""
    return [_ground(home)[0].process()]


def _ground(home: Home) -> tuple[Postgres, dict[str, int], dict[str, str]]:
    home.create()
    ports = choose_ports(home, PORTS, ours=_running(home))
    secrets = load_secrets(home)
    write_settings(home, ports, secrets)
    return find_postgres(home, ports["postgres"], secrets), ports, secrets


def _running(home: Home) -> list[str]:
    """Return the processes that live; of those that died, what they left behind on their ports is ended."""
    running = []
    for name, status in StackState.load(home).processes.items():
        if status.is_alive:
            running.append(name)
        elif status.port is not None and not is_free(status.port):
            end_left_over(home, status)
    return running
