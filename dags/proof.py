"""The nightly proof that nothing was lost (账实核对): tables against each other and the ledger."""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable

from dags.command_task import CommandOperator
from dags.plan import NIGHTLY_PROOF, NIGHTLY_PROOF_CRON, ZONE

with DAG(
    dag_id=NIGHTLY_PROOF,
    description="原始层、标准层、基础库、共享表与台账的每夜核对",
    doc_md="# 账实核对 · lake.nightly_proof\n\nRebuilds records from bronze and compares rows and keys layer by layer. "
    "It changes nothing. A failed run names each difference in its log; `python -m catalog ledger prove` repeats it.\n",
    schedule=CronTriggerTimetable(NIGHTLY_PROOF_CRON, timezone=ZONE),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={"owner": "data_administration"},
    tags=["lake"],
) as nightly_proof:
    CommandOperator(task_id="prove", module="catalog", arguments=("ledger", "prove"))
