"""One stage of one resource as an Airflow task (任务): the command a person would type, in the task's own process."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import mask_secret

from catalog.model.errors import ContractError, GateStoppedError, GuantongError, SettingMissingError
from catalog.model.masked_output import masked_traceback
from catalog.model.secret_texts import known_secrets, mask_secrets
from catalog.model.settings import CHECKOUT, get_settings
from dags.business_date import choose_business_date, pinned_date


class StageOperator(BaseOperator):  # type: ignore[misc]
    """Does what ``python -m jobs <stage> --resource <id>`` does; what varies by run is the business date only.

    Airflow forks a process for every task, so a command started from there would load Python and its libraries a second
    time: 2.5 of the 3 seconds that most small stages take. The stage finds the run it belongs to in
    ``AIRFLOW_CTX_DAG_ID``, ``AIRFLOW_CTX_DAG_RUN_ID``, ``AIRFLOW_CTX_TASK_ID`` and ``AIRFLOW_CTX_TRY_NUMBER``, which
    Airflow sets, and its day in ``BUSINESS_DATE``.
    """

    ui_color = "#e8f1ec"

    def __init__(self, *, stage: str, resource: str, **arguments: object) -> None:
        super().__init__(task_id=stage, do_xcom_push=False, **arguments)
        self.stage = stage
        self.resource = resource

    @property
    def command(self) -> str:
        """Return what a person types to do the same by hand."""
        return f"python -m jobs {self.stage} --resource {self.resource}"

    def execute(self, context: Context) -> None:
        """Run the stage; on success the event of the table made carries the business date on.

        What goes wrong is written to the task's log here, without secrets, and no cause is handed on: Airflow writes
        those as they are.

        Raises:
            AirflowException: what went wrong, in the stage's own words: file, row, rule and remedy.
            AirflowFailException: another try finds the same (:func:`is_final`), or the business date is none.
        """
        day = business_date_of(context)
        os.environ["BUSINESS_DATE"] = day
        os.chdir(CHECKOUT)
        self.log.info("by hand: BUSINESS_DATE=%s %s", day, self.command)
        if failure := self._perform():
            raise failure
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = {"business_date": day}

    def _perform(self) -> AirflowException | None:
        """Perform the stage, and return what the task fails with; outside of the error, so that it has no context."""
        from jobs.stages import perform

        try:
            _hide_secrets()
            with redirect_stderr(sys.stdout):
                perform(self.stage, self.resource)
        except GuantongError as error:
            if error.__cause__ is not None:
                self.log.error("%s", masked_traceback(error))
            return (AirflowFailException if is_final(error) else AirflowException)(str(error))
        except Exception as error:
            self.log.error("%s", masked_traceback(error))
            return AirflowException(mask_secrets(f"{type(error).__name__}: {error}"))
        return None


def _hide_secrets() -> None:
    """Have Airflow mask this process's secrets in all that it logs, errors of its own among it."""
    get_settings()
    for secret in known_secrets():
        mask_secret(secret)


def is_final(error: GuantongError) -> bool:
    """Return whether a person must do something first, so that another try within the minute finds the same.

    The gate's verdict stands for its version; a contract and a setting are mended by hand. A check that could not be
    carried out is tried again.
    """
    if isinstance(error, GateStoppedError):
        return error.__cause__ is None
    return isinstance(error, ContractError | SettingMissingError)


def business_date_of(context: Context) -> str:
    """Return the business date of the run in ``context``; none, or one that has not come, fails the task for good."""
    run = context["dag_run"]
    events = (context.get("triggering_asset_events") or {}).values()
    carried = [event.extra["business_date"] for group in events for event in group if event.extra.get("business_date")]
    try:
        return choose_business_date(run.conf, carried, pinned_date(), run.logical_date or run.run_after).isoformat()
    except ValueError as error:
        raise AirflowFailException(f"business_date must be a day such as 2026-03-01, today at most: {error}") from error
