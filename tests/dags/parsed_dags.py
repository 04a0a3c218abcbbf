"""Parse the DAG folder as the DAG processor does and print what came out, as JSON."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

from catalog.model.settings import CHECKOUT

HEAVY = {"pyspark", "great_expectations", "pandas", "deltalake", "jobs", "expectations", "infra"}


def describe(dag: DAG) -> dict[str, Any]:
    timetable = dag.timetable
    condition = getattr(timetable, "asset_condition", None)
    clock = getattr(timetable, "timetable", timetable)
    last = dag.task_dict[list(dag.task_dict)[-1]]
    return {
        "inputs": sorted(asset.name for asset in condition.objects) if condition else [],
        "condition": type(condition).__name__ if condition else None,
        "cron": getattr(clock, "expression", None),
        "zone": str(getattr(clock, "timezone", "")),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "paused": dag.is_paused_upon_creation,
        "params": dag.params.dump(),
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "outlets": [asset.name for asset in last.outlets],
        "tasks": {
            task.task_id: {
                "command": task.command,
                "upstream": sorted(task.upstream_task_ids),
                "retries": task.retries,
                "priority": task.priority_weight,
                "weight_rule": str(getattr(task.weight_rule, "value", task.weight_rule)),
                "owner": task.owner,
            }
            for task in dag.tasks
        },
    }


def main(output: Path) -> None:
    started = time.process_time()
    bag = DagBag(dag_folder=str(CHECKOUT / "dags"), bundle_path=Path(CHECKOUT / "dags"))
    seconds = time.process_time() - started
    described = {dag.dag_id: describe(dag) for dag in bag.dags.values()}
    resources = {name for name, dag in bag.dags.items() if Path(dag.fileloc).name == "resources.py"}
    found = {
        "seconds": seconds,
        "errors": {str(path): str(error) for path, error in bag.import_errors.items()},
        "heavy": sorted(HEAVY & set(sys.modules)),
        "dags": {name: dag for name, dag in described.items() if name in resources},
        "others": {name: dag for name, dag in described.items() if name not in resources},
    }
    output.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
