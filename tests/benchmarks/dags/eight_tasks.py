"""Eight tasks in a row, each the same small command, timing itself."""

import os
import sys
from datetime import timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

COMMAND = f"TIMEFORMAT=%R; time {sys.executable} -m jobs conform --resource population.bench_person"
SECONDS_FILE = os.environ["BENCH_SECONDS_FILE"]

with DAG(dag_id="eight_tasks", schedule=None, is_paused_upon_creation=False, default_args={"retries": 0}) as dag:
    before = None
    for number in range(1, 9):
        task = BashOperator(
            task_id=f"task_{number}",
            bash_command=f"{{ {COMMAND} 2>/dev/null; }} 2>> {SECONDS_FILE}",
            cwd=os.environ["BENCH_CHECKOUT"],
            execution_timeout=timedelta(minutes=5),
        )
        if before is not None:
            before >> task
        before = task
