"""The frame around every stage (作业运行框架): a recorded run, a balanced ledger, progress that people can follow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rich.console import Console
from sqlalchemy.orm import Session

from catalog.control.ledger import record_ledger
from catalog.control.runs import recorded_run
from catalog.control.session import in_transaction
from catalog.model.settings import get_settings
from jobs.runtime.fencing import fenced_by
from jobs.runtime.lease import Lease, leased

console = Console(stderr=True, highlight=False, soft_wrap=True)

Result = TypeVar("Result")


@dataclass
class StageRun:
    """One run of one stage for one resource."""

    stage: str
    resource: str
    run_id: uuid.UUID
    lease: Lease
    """The right to work on the resource, while no other run has it."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self.started

    def say(self, message: str) -> None:
        """Tell what is being done; counts and table names only, never a person's data."""
        console.print(f"{self.seconds:6.1f}s  {self.stage} {self.resource}  {message}", markup=False)

    def transaction(self, work: Callable[[Session], Result]) -> Result:
        """Do repeatable work in one transaction of the control plane, only while this run holds its resource.

        Raises:
            LeaseLostError: when another run has the resource; nothing was written.
        """

        def proven(session: Session) -> Result:
            self.lease.prove(session)
            return work(session)

        return in_transaction(proven)

    def ledger(
        self, table_name: str, batch_id: str, *, read: int, accepted: int, set_aside: int = 0, rejected: int = 0
    ) -> None:
        """Record the rows of one batch in a transaction of their own: see :meth:`note_ledger`."""
        counts = {"read": read, "accepted": accepted, "set_aside": set_aside, "rejected": rejected}
        self.transaction(lambda session: self.note_ledger(session, table_name, batch_id, **counts))

    def note_ledger(
        self,
        session: Session,
        table_name: str,
        batch_id: str,
        *,
        read: int,
        accepted: int,
        set_aside: int = 0,
        rejected: int = 0,
    ) -> None:
        """Record the rows of one batch; the control plane refuses an unbalanced line."""
        record_ledger(
            session,
            resource=self.resource,
            stage=self.stage,
            table_name=table_name,
            batch_id=batch_id,
            read=read,
            accepted=accepted,
            set_aside=set_aside,
            rejected=rejected,
            seconds=self.seconds,
            run_id=self.run_id,
        )
        counts = f"read {read:,} accepted {accepted:,} set aside {set_aside:,} rejected {rejected:,}"
        self.say(f"{table_name} {batch_id}: {counts}")


@contextmanager
def stage_run(stage: str, resource: str, patience: float | None = None) -> Iterator[StageRun]:
    """Open the run of ``stage`` for ``resource``: alone, and begun, ended or failed on record.

    Args:
        stage: name of the stage.
        resource: ``domain.resource``.
        patience: seconds to wait for another run of the same resource.

    Raises:
        AlreadyRunningError: when another process still works on the resource after that.
    """
    command = f"python -m jobs {stage} --resource {resource}"
    business_date = get_settings().business_date
    recorded = recorded_run(command, stage, resource=resource, business_date=business_date)
    with recorded as run_id, leased(resource, stage, run_id, patience) as lease, fenced_by(lease):
        run = StageRun(stage, resource, run_id, lease)
        yield run
        run.say("done")
