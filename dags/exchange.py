"""What the exchange catalogue does by itself every day (每日巡检): limits, terms of grants, drift of sources."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from dags.command_task import CommandOperator
from dags.plan import DAILY_ROUND, DAILY_ROUND_CRON, ZONE
from dags.retries import RETRIES

with DAG(
    dag_id=DAILY_ROUND,
    description="办理时限、授权期限与目录更新的每日巡检 → events, webhooks",
    doc_md="# 每日巡检 · exchange.daily_round\n\nWarns of limits, escalates, ends grants, finds entries to be updated. "
    "Safe to repeat; after an outage the last missed day is made up for, with the day on which it runs.\n",
    schedule=CronTriggerTimetable(DAILY_ROUND_CRON, timezone=ZONE, run_immediately=timedelta(minutes=1)),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={"owner": "data_administration", **RETRIES},
    tags=["exchange"],
) as daily_round:
    CommandOperator(task_id="tick", module="catalog", arguments=("clocks", "tick"))
