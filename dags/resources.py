"""The file that Airflow reads: one DAG per contract in ``catalog/resources`` (每个资源一个 DAG).

Contracts on real lists take part only where ``REAL_DATA`` is set. A process that runs one task builds its own DAG only.
"""

from __future__ import annotations

from airflow.sdk import DAG, get_parsing_context

from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from dags.assembly import build_dag
from dags.plan import plans

ASKED = get_parsing_context().dag_id
PLANS = plans(get_registry(), real=get_settings().real_data is not None, kept_in=get_settings().outlines)
DAGS: dict[str, DAG] = {plan.dag_id: build_dag(plan) for plan in PLANS if ASKED in (None, plan.dag_id)}
globals().update(DAGS)
