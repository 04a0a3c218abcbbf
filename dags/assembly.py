"""From plans to Airflow DAGs (有向无环图): one per contract, chained by the tables they make."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from airflow.sdk import DAG, Asset, AssetAll, AssetOrTimeSchedule, CronTriggerTimetable, Param

from catalog.model.contract_outline import Outline
from dags.plan import ZONE, Plan
from dags.retries import RETRIES
from dags.stage_task import StageOperator

Schedule: TypeAlias = AssetOrTimeSchedule | CronTriggerTimetable | list[Asset] | None

BUSINESS_DATE = Param(
    None, type=["null", "string"], format="date", title="业务日期", description="the day to work for, today at most"
)
"""What a run is triggered with. A DAG is given it last: Airflow would judge it for each DAG and task, which takes
as long as all else."""


def asset_of(table: str) -> Asset:
    """Return the asset that stands for ``table``, such as ``silver.population__resident``."""
    return Asset(name=table, uri=f"guantong://{table.replace('.', '/', 1)}")


def schedule_of(plan: Plan) -> Schedule:
    """Return what starts the DAG: the clock, all its input tables, or whichever of the two comes first.

    A clock time that passed more than a minute before the DAG was first seen is not made up for.
    """
    clock = plan.cron and CronTriggerTimetable(plan.cron, timezone=ZONE, run_immediately=timedelta(minutes=1))
    inputs = [asset_of(table) for table in plan.inputs]
    if clock and inputs:
        return AssetOrTimeSchedule(timetable=clock, assets=AssetAll(*inputs))
    return clock or inputs or None


def describe(contract: Outline) -> str:
    """Return the DAG's page: what the resource is, what it is for, and its columns."""
    lines = [f"# {contract.business_name} · {contract.id}", "", contract.purpose.strip(), ""]
    if contract.limitations:
        lines += [f"**Limits**: {contract.limitations.strip()}", ""]
    lines += ["| column | 名称 | type | key |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {chinese} | {kind} | {'✓' if is_key else ''} |" for name, chinese, kind, is_key in contract.columns
    ]
    return "\n".join(lines) + "\n"


def build_dag(plan: Plan) -> DAG:
    """Return the DAG of one resource."""
    contract = plan.contract
    dag = DAG(
        dag_id=plan.dag_id,
        description=f"{contract.business_name} → {plan.table}",
        doc_md=describe(contract),
        schedule=schedule_of(plan),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args={"owner": contract.department, **RETRIES},
        tags=[contract.layer, contract.domain, contract.department],
    )
    with dag:
        before = None
        for stage in plan.stages:
            made = [asset_of(plan.table)] if stage == plan.stages[-1] else []
            task = StageOperator(
                stage=stage,
                resource=contract.id,
                outlets=made,
                priority_weight=plan.priority(stage),
                weight_rule="absolute",
            )
            if before is not None:
                before >> task
            before = task
    dag.params["business_date"] = BUSINESS_DATE
    return dag
