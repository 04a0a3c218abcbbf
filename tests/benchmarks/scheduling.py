"""What the scheduler adds: eight tasks in a row under Airflow against the same eight commands in a shell."""

import time
from collections.abc import Callable
from datetime import datetime

from catalog.model.settings import Settings
from infra.run.airflow_client import AirflowClient
from infra.stack.home import Home
from infra.stack.ports import LOOPBACK
from infra.stack.secrets import load_secrets
from infra.stack.state import StackState
from tests.benchmarks.result import Result
from tests.benchmarks.stacks import bench_stack, timed

TASKS = 8
RUNS = 3
Say = Callable[[str], None]


def scheduling(say: Say) -> list[Result]:
    """Wall time of an 8-task DAG beside its jobs' own seconds, and beside the same commands in a shell."""
    with bench_stack("tests.benchmarks.dag_stack:processes") as settings:
        home = Home(settings.home)
        port = StackState.load(home).processes["airflow-api"].port
        client = AirflowClient(f"http://{LOOPBACK}:{port}", "engineer", load_secrets(home)["airflow_engineer"])
        _wait_for_dag(client)
        measured = [_one_run(client, settings, f"bench-{number}", say) for number in range(RUNS)]
        shell = sorted(_shell(settings) for _ in range(RUNS))[RUNS // 2]
        client.close()
    wall, jobs = sorted(measured)[RUNS // 2]
    say(f"  overhead {(wall - jobs) / TASKS:.2f} s a task")
    return [
        Result("8-task DAG, wall against its jobs' own seconds", "the jobs' own seconds", wall, jobs, "s"),
        Result("8-task DAG, wall against a shell", "the same 8 commands in a shell", wall, shell, "s"),
    ]


def _wait_for_dag(client: AirflowClient) -> None:
    deadline = time.monotonic() + 120
    while "eight_tasks" not in client.dags():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Airflow does not show the DAG: {client.import_errors()}")
        time.sleep(1)


def _one_run(client: AirflowClient, settings: Settings, run_id: str, say: Say) -> tuple[float, float]:
    """Return wall seconds of one DAG run, and the sum of the seconds its commands took by themselves."""
    seconds = settings.home / "seconds"
    seconds.unlink(missing_ok=True)
    client.trigger("eight_tasks", run_id, {})
    while True:
        [run] = [r for r in client.runs("2000-01-01T00:00:00Z") if r["dag_run_id"] == run_id]
        if run["state"] in ("success", "failed"):
            break
        time.sleep(0.5)
    own = [float(line) for line in seconds.read_text(encoding="ascii").split()]
    if run["state"] != "success" or len(own) != TASKS:
        raise RuntimeError(f"run {run_id}: {run['state']}, {len(own)} commands ended; see {settings.home / 'logs'}")
    wall = (datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])).total_seconds()
    say(f"  {run_id}: wall {wall:.1f} s, the jobs' own {sum(own):.1f} s")
    return wall, sum(own)


def _shell(settings: Settings) -> float:
    return sum(timed(settings, "-m", "jobs", "conform", "--resource", "population.bench_person") for _ in range(TASKS))
