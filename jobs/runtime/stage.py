"""The frame around every stage (作业运行框架): a recorded run, a balanced ledger, progress that people can follow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from catalog.control.ledger import record_ledger
from catalog.control.runs import recorded_run
from catalog.control.session import in_transaction
from catalog.model.settings import get_settings

console = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass
class StageRun:
    """One run of one stage for one resource."""

    stage: str
    resource: str
    run_id: uuid.UUID
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the stage began."""
        return time.monotonic() - self.started

    def say(self, message: str) -> None:
        """Tell what is being done; counts and table names only, never a person's data."""
        console.print(f"{self.seconds:6.1f}s  {self.stage} {self.resource}  {message}", markup=False)

    def ledger(
        self, table_name: str, batch_id: str, *, read: int, accepted: int, set_aside: int = 0, rejected: int = 0
    ) -> None:
        """Record the rows of one batch; the control plane refuses an unbalanced line."""
        in_transaction(
            lambda session: record_ledger(
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
        )
        counts = f"read {read:,} accepted {accepted:,} set aside {set_aside:,} rejected {rejected:,}"
        self.say(f"{table_name} {batch_id}: {counts}")


@contextmanager
def stage_run(stage: str, resource: str) -> Iterator[StageRun]:
    """Open the run of ``stage`` for ``resource``: begun, ended or failed, it is on record."""
    command = f"python -m jobs {stage} --resource {resource}"
    with recorded_run(command, stage, resource=resource, business_date=get_settings().business_date) as run_id:
        run = StageRun(stage, resource, run_id)
        yield run
        run.say("done")
