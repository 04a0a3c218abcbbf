"""Airflow 3.3 as four processes on the embedded PostgreSQL (调度).

Everything is configured by environment; ``AIRFLOW_HOME`` is below the home. Intervals are short so that a killed
scheduler, API server or database costs a task one retry and not its run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from infra.stack.home import CHECKOUT, Home, python, write_private
from infra.stack.ports import LOOPBACK
from infra.stack.postgres import Postgres, cluster_identity
from infra.stack.probes import heartbeat, http_ok
from infra.stack.process import ProcessSpec, Table

PARALLELISM = "4"
"""Tasks at a time, unless ``AIRFLOW_PARALLELISM`` says otherwise; each is a client of the one Spark server."""
USERS = {"engineer": "admin", "officer": "viewer"}
"""Log-in and role: the data engineer runs, the governance officer looks."""
WARM_START = {"GUANTONG_WARM_START": "1"}
"""Tells the plugin ``dags/plugins/warm_start.py`` that this process forks the tasks."""
COMMON = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DEFAULT_TIMEZONE": "UTC",
    "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
    "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "CORE__DEFAULT_TASK_RETRIES": "3",
    "CORE__DEFAULT_TASK_RETRY_DELAY": "3",
    "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
    "CORE__MAX_ACTIVE_TASKS_PER_DAG": "8",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "SCHEDULER__TASK_QUEUED_TIMEOUT": "1800",
    "SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
    "SCHEDULER__PARSING_CLEANUP_INTERVAL": "15",
    "SCHEDULER__CATCHUP_BY_DEFAULT": "False",
    "WORKERS__MAX_FAILED_HEARTBEATS": "12",
    "WORKERS__EXECUTION_API_RETRIES": "20",
    "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
    "WORKERS__EXECUTION_API_TIMEOUT": "30",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "5",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
    "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "120",
    "DAG_PROCESSOR__STALE_DAG_THRESHOLD": "130",
    "DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
    "API__HOST": LOOPBACK,
    "API__WORKERS": "1",
    "API__EXPOSE_CONFIG": "False",
    "API__ENABLE_SWAGGER_UI": "False",
    "LOGGING__LOGGING_LEVEL": "INFO",
    "LOGGING__COLORED_CONSOLE_LOG": "False",
}


def airflow_folder(home: Home) -> Path:
    """Return ``AIRFLOW_HOME``."""
    return home.root / "airflow"


def airflow_environment(home: Home, postgres: Postgres, port: int, secrets: dict[str, str]) -> dict[str, str]:
    """Return the whole configuration of Airflow as environment variables."""
    folder = airflow_folder(home)
    values = {
        **COMMON,
        "CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "CORE__PLUGINS_FOLDER": str(CHECKOUT / "dags" / "plugins"),
        "CORE__PARALLELISM": os.environ.get("AIRFLOW_PARALLELISM") or PARALLELISM,
        "CORE__FERNET_KEY": secrets["airflow_fernet_key"],
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "DATABASE__SQL_ALCHEMY_CONN": postgres.url("airflow", driver="postgresql+psycopg2"),
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": postgres.url("airflow", driver="postgresql+asyncpg"),
        "API__PORT": str(port),
        "API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "API__SECRET_KEY": secrets["airflow_session_key"],
        "API_AUTH__JWT_SECRET": secrets["airflow_jwt_key"],
        "API_AUTH__JWT_ISSUER": f"guantong-{home.fingerprint}",
        "LOGGING__BASE_LOG_FOLDER": str(home.logs / "tasks"),
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home.logs / "dag-processing"),
    }
    named = {f"AIRFLOW__{key}": value for key, value in values.items()}
    return {**named, "AIRFLOW_HOME": str(folder), "PYTHONPATH": str(CHECKOUT)}


def write_passwords(home: Home, secrets: dict[str, str]) -> None:
    """Write the log-ins of the people, before Airflow would make up its own."""
    passwords = {name: secrets[f"airflow_{name}"] for name in USERS}
    write_private(airflow_folder(home) / "passwords.json", json.dumps(passwords) + "\n")


def airflow_processes(home: Home, postgres: Postgres, port: int, secrets: dict[str, str]) -> Table:
    """Return the entries of the process table: the migration, then the four processes."""
    environment = airflow_environment(home, postgres, port, secrets)
    hidden = tuple(secrets.values())
    stamp = airflow_folder(home) / "migrated"

    def wanted() -> str:
        return f"{metadata.version('apache-airflow-core')} {cluster_identity(postgres)}"

    def is_migrated() -> bool:
        return stamp.exists() and stamp.read_text() == wanted()

    migrate = ProcessSpec(
        name="airflow-migrate",
        title="Airflow's tables (调度库迁移)",
        command=lambda: python("-m", "airflow", "db", "migrate"),
        environment=lambda: environment,
        after=("postgres",),
        once=True,
        prepare=lambda: airflow_folder(home).mkdir(mode=0o700, exist_ok=True),
        unneeded=is_migrated,
        when_done=lambda: write_private(stamp, wanted()),
        secrets=hidden,
    )

    def part(
        name: str,
        title: str,
        *arguments: str,
        probe: Callable[[float], str | None],
        more: dict[str, str] | None = None,
    ) -> ProcessSpec:
        serves = name == "airflow-api"
        return ProcessSpec(
            name=name,
            title=title,
            command=lambda: python("-m", "airflow", *arguments),
            environment=lambda: {**environment, **(more or {})},
            after=("airflow-migrate",),
            prepare=(lambda: write_passwords(home, secrets)) if serves else None,
            probe=probe,
            port=port if serves else None,
            address=f"http://{LOOPBACK}:{port}" if serves else "",
            stop_seconds=12.0,
            secrets=hidden,
        )

    database = postgres.url("airflow")
    alive = http_ok(port, "/api/v2/version")
    scheduler, processor = heartbeat(database, "SchedulerJob"), heartbeat(database, "DagProcessorJob")
    triggerer = heartbeat(database, "TriggererJob")
    schedules = "scheduler", "--skip-serve-logs"
    return [
        migrate,
        part("airflow-scheduler", "Airflow scheduler (调度器)", *schedules, probe=scheduler, more=WARM_START),
        part("airflow-dags", "Airflow DAG processor (流程解析)", "dag-processor", probe=processor),
        part("airflow-api", "Airflow API server and pages (调度界面)", "api-server", probe=alive),
        part("airflow-triggerer", "Airflow triggerer (触发器)", "triggerer", "--skip-serve-logs", probe=triggerer),
    ]
