"""The file that Airflow reads: one DAG per contract in ``catalog/resources`` (每个资源一个 DAG).

Contracts on real lists take part only where ``REAL_DATA`` is set.
"""

from __future__ import annotations

from airflow.sdk import DAG

from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from dags.assembly import build_dag
from dags.plan import plans

DAGS: dict[str, DAG] = {
    plan.dag_id: build_dag(plan) for plan in plans(get_registry(), real=get_settings().real_data is not None)
}
globals().update(DAGS)
