"""Load the stages once, in the scheduler (预热): the task processes that it forks have them from the start."""

from __future__ import annotations

import os
import sys

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

WARM_START = "GUANTONG_WARM_START"
"""Set in the environment of the scheduler alone: the other processes of Airflow have no use for the stages."""


@hookimpl  # type: ignore[untyped-decorator]
def on_starting(component: object) -> None:
    """Import every stage, and what builds DAGs, before the executor forks its workers; ``component`` is what starts."""
    if os.environ.get(WARM_START):
        import dags.assembly  # noqa: F401
        from jobs.stages import load

        load()


class WarmStart(AirflowPlugin):  # type: ignore[misc]
    """Registers the listener."""

    name = "guantong_warm_start"
    listeners = (sys.modules[__name__],)
