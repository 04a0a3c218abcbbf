"""The record of runs (运行记录): written when a command starts and when it ends, whatever way it ends."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.masking import mask_text
from catalog.control.session import in_transaction
from catalog.control.tables import Run

ERROR_LENGTH = 4000


def begin_run(
    command: str,
    stage: str,
    *,
    resource: str | None = None,
    business_date: date | None = None,
    run_id: uuid.UUID | None = None,
    url: str | None = None,
) -> uuid.UUID:
    """Record that a command has started, with the scheduler's names for it when it runs under the scheduler.

    Returns:
        The number of the run.
    """
    number = run_id or uuid.uuid4()
    values = {
        "run_id": number,
        "command": mask_text(command),
        "stage": stage,
        "resource": resource,
        "business_date": business_date,
        "started_at": utc_now(),
        "status": "running",
        **_scheduler_context(),
    }
    in_transaction(lambda session: session.execute(insert(Run).values(values).on_conflict_do_nothing()), url)
    return number


def end_run(run_id: uuid.UUID, *, error: BaseException | str | None = None, url: str | None = None) -> None:
    """Record how a run ended: succeeded, or failed with its error (personal numbers hidden)."""
    message = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else error
    values = {
        "ended_at": utc_now(),
        "status": "succeeded" if message is None else "failed",
        "error": mask_text(message)[:ERROR_LENGTH] if message else None,
    }
    in_transaction(lambda session: session.execute(update(Run).where(Run.run_id == run_id).values(values)), url)


@contextmanager
def recorded_run(
    command: str,
    stage: str,
    *,
    resource: str | None = None,
    business_date: date | None = None,
    url: str | None = None,
) -> Iterator[uuid.UUID]:
    """Record a run around a block; a failure is recorded and raised on.

    When even the record of the failure cannot be written, the first error is the one that is raised.
    """
    run_id = begin_run(command, stage, resource=resource, business_date=business_date, url=url)
    try:
        yield run_id
    except BaseException as error:
        if isinstance(error, SystemExit) and not error.code:
            end_run(run_id, url=url)
            raise
        try:
            end_run(run_id, error=error, url=url)
        except Exception as second:
            error.add_note(f"Run {run_id} could not be recorded as failed: {type(second).__name__}")
        raise
    end_run(run_id, url=url)


def recent_runs(
    session: Session, *, resource: str | None = None, status: str | None = None, limit: int = 50
) -> list[Run]:
    """Return the latest runs, newest first."""
    query = select(Run).order_by(Run.started_at.desc()).limit(limit)
    if resource:
        query = query.where(Run.resource == resource)
    if status:
        query = query.where(Run.status == status)
    return list(session.scalars(query))


def _scheduler_context() -> dict[str, str | int | None]:
    """Return what Airflow says about the task through the environment; nothing in a plain shell."""
    try_number = os.environ.get("AIRFLOW_CTX_TRY_NUMBER", "")
    return {
        "dag_id": os.environ.get("AIRFLOW_CTX_DAG_ID"),
        "dag_run_id": os.environ.get("AIRFLOW_CTX_DAG_RUN_ID"),
        "task_id": os.environ.get("AIRFLOW_CTX_TASK_ID"),
        "try_number": int(try_number) if try_number.isdigit() else None,
    }
