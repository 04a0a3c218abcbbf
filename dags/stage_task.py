"""One stage of one resource as an Airflow task (任务): the command a person would type, run from the checkout."""

from __future__ import annotations

import sys

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from catalog.model.settings import CHECKOUT
from dags.business_date import choose_business_date, pinned_date


class StageOperator(BashOperator):  # type: ignore[misc]
    """Runs ``python -m jobs <stage> --resource <id>``; what varies by run goes through the environment only.

    The command finds the run it belongs to in ``AIRFLOW_CTX_DAG_ID``, ``AIRFLOW_CTX_DAG_RUN_ID``,
    ``AIRFLOW_CTX_TASK_ID`` and ``AIRFLOW_CTX_TRY_NUMBER``, and its day in ``BUSINESS_DATE``.
    """

    ui_color = "#e8f1ec"

    def __init__(self, *, stage: str, resource: str, **arguments: object) -> None:
        super().__init__(
            task_id=stage,
            bash_command=f'exec "$PYTHON" -m jobs {stage} --resource {resource}',
            cwd=str(CHECKOUT),
            skip_on_exit_code=None,
            do_xcom_push=False,
            **arguments,
        )

    def get_env(self, context: Context) -> dict[str, str]:
        """Return the task's environment: the scheduler's own, this very Python, and the business date.

        The Python is named outright: bash reads ``BASH_ENV``, and ``~/.bashrc`` when its input is a socket, as it is
        here, and those may put another one first on the path.
        """
        environment = dict(super().get_env(context))
        environment.pop("BASH_ENV", None)
        environment["PYTHON"] = sys.executable
        environment["PYTHONUNBUFFERED"] = "1"
        environment["BUSINESS_DATE"] = business_date_of(context)
        return environment

    def execute(self, context: Context) -> None:
        """Run the command; on success the event of the table made carries the business date on."""
        super().execute(context)
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"business_date": business_date_of(context)}


def business_date_of(context: Context) -> str:
    """Return the business date of the run in ``context``; a malformed one fails the task for good."""
    run = context["dag_run"]
    events = (context.get("triggering_asset_events") or {}).values()
    carried = [event.extra["business_date"] for group in events for event in group if event.extra.get("business_date")]
    try:
        return choose_business_date(run.conf, carried, pinned_date(), run.logical_date or run.run_after).isoformat()
    except ValueError as error:
        raise AirflowFailException(f"business_date is not a date such as 2026-03-01: {error}") from error
