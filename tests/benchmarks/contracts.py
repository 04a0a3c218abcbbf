"""What thousands of contracts cost: a task that needs one, the scheduler that plans all, a service."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from catalog.model.registry import RESOURCES
from catalog.model.settings import CHECKOUT
from tests.benchmarks.result import Result

NUMBER = 3105
"""Contracts in the folders: those of the catalogue and as many made as it takes."""
LOOK_UP_SECONDS, PLAN_SECONDS = 0.05, 10.0
RUNS = 5
PATTERNS = ("population/resident.yml", "legal_entity/enterprise.yml", "licence/road_transport.yml")
DOMAIN_SIZE = 500
Say = Callable[[str], None]

ONE = """
import json, time
from catalog.model.registry import get_registry
begun = time.process_time()
contract = get_registry().get("{resource}")
print(json.dumps([time.process_time() - begun, len(contract.columns)]))
"""
PARSE = """
import json, sys, time
from pathlib import Path
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
folder = Path("{folder}")
begun = time.process_time()
bag = DagBag(dag_folder=str(folder), bundle_path=folder)
seconds = time.process_time() - begun
print(json.dumps([seconds, len(bag.dags), {{str(file): str(why) for file, why in bag.import_errors.items()}}]))
"""
FOLLOW = """
import json, time
from catalog.model.registry import get_registry
registry = get_registry().follow(0)
registry.all()
begun = time.process_time()
for _ in range(20):
    registry.get("{resource}")
print(json.dumps([(time.process_time() - begun) / 20, len(registry.ids())]))
"""


def write_contracts(folder: Path, number: int) -> list[str]:
    """Write ``number`` sound contracts after those of the demonstration, and return their ids."""
    patterns = [yaml.safe_load((RESOURCES / name).read_text(encoding="utf-8")) for name in PATTERNS]
    made = []
    for serial in range(number):
        document = dict(patterns[serial % len(patterns)])
        domain, name = f"made_{serial // DOMAIN_SIZE}", f"resource_{serial}"
        document |= {"id": f"{domain}.{name}", "name": name, "domain": domain}
        document["schema"] = [{**document["schema"][0], "name": name}]
        document["government"] = {**document["government"], "resource_code": f"301999/{serial + 1}"}
        path = folder / domain / f"{name}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
        made.append(document["id"])
    return made


def contracts(say: Say) -> list[Result]:
    """CPU of one contract's look-up in a new process, and of planning all DAGs, at 3,105 contracts."""
    with tempfile.TemporaryDirectory() as place:
        home, folder = Path(place) / "home", Path(place) / "resources"
        home.mkdir()
        made = write_contracts(folder, NUMBER - len(list(RESOURCES.glob("*/*.yml"))))
        environment = environment_of(home, folder)
        one = sorted(_measured(ONE.format(resource=made[-1]), environment)[0] for _ in range(RUNS))[RUNS // 2]
        parse = PARSE.format(folder=CHECKOUT / "dags")
        cold = _measured(parse, environment)
        warm = sorted(_measured(parse, environment) for _ in range(RUNS))[RUNS // 2]
        follow = _measured(FOLLOW.format(resource=made[-1]), environment)
    if cold[2] or cold[1] != warm[1] or follow[1] != NUMBER:
        raise RuntimeError(f"not every contract was planned: {cold[1:]}, {warm[1:]}, {follow[1:]}")
    say(f"  {cold[1]:,} DAGs; the first time, with no outlines kept, {cold[0]:.1f} s")
    say(f"  a service's look at all files: {follow[0] * 1000:.1f} ms")
    return [
        Result("one of 3,105 contracts, CPU in a new process", "the limit", one, LOOK_UP_SECONDS, "s", goal=1.0),
        Result("3,105 DAGs planned, CPU", "the limit", warm[0], PLAN_SECONDS, "s", goal=1.0),
    ]


def environment_of(home: Path, folder: Path) -> dict[str, str]:
    """Return the environment of a process that knows the contracts of ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"}}
    return {
        **kept,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/parse.db",
        "GUANTONG_HOME": str(home),
        "PYTHONPATH": str(CHECKOUT),
        "RESOURCE_PATH": str(folder),
    }


def _measured(script: str, environment: dict[str, str]) -> list:
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])
