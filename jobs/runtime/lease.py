"""One runner of a resource at a time (一次一个运行): a lock, renewed while it is held, and a fencing number.

Invariant: whoever has lost the lock writes nothing more. The control plane compares the fencing number in the very
transaction that records the work, and every commit to the lake carries it (see :mod:`jobs.runtime.fencing`).
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from catalog.control.resource_lock import lock_connection, try_lock, unlock
from catalog.model.errors import GuantongError

PATIENCE_SECONDS = 120.0
"""How long a stage waits for another one of its resource."""
RENEWED_EVERY = 10.0
"""Seconds between two proofs that the lock is still held."""

_TAKE = text(
    "INSERT INTO stage_lease AS held (resource, fence, run_id, stage, holder) "
    "VALUES (:resource, extract(epoch FROM clock_timestamp())::bigint, :run_id, :stage, :holder) "
    "ON CONFLICT (resource) DO UPDATE SET fence = greatest(held.fence + 1, excluded.fence), "
    "run_id = excluded.run_id, stage = excluded.stage, holder = excluded.holder, "
    "taken_at = clock_timestamp(), renewed_at = clock_timestamp(), released_at = NULL "
    "RETURNING fence"
)
"""The number follows the clock where that is ahead, so that a control plane restored from a backup still rises."""
_RENEW = text("UPDATE stage_lease SET renewed_at = clock_timestamp() WHERE resource = :resource AND fence = :fence")
_RELEASE = text("UPDATE stage_lease SET released_at = clock_timestamp() WHERE resource = :resource AND fence = :fence")
_HOLDER = text(
    "SELECT stage || ' by ' || holder || ', run ' || run_id || ', since ' || taken_at::timestamp(0) || ' UTC' "
    "FROM stage_lease WHERE resource = :resource AND released_at IS NULL"
)
_DIED = text("SELECT count(*) FROM stage_lease WHERE resource = :resource AND released_at IS NULL")


class AlreadyRunningError(GuantongError):
    """Another process works on the same resource."""

    code = "ALREADY_RUNNING"


class LeaseLostError(GuantongError):
    """This run has lost its resource to another one, and must not write any more."""

    code = "LEASE_LOST"


@dataclass
class Lease:
    """The right to work on one resource."""

    resource: str
    fence: int
    is_after_death: bool
    """Whether the run before never said that it ended: something of it may still be writing."""
    lost: threading.Event = field(default_factory=threading.Event)

    def prove(self, session: Session) -> None:
        """Refuse to go on when another run has the resource; until the transaction ends none can take it.

        Raises:
            LeaseLostError: when it has been given to another run.
        """
        query = text("SELECT fence FROM stage_lease WHERE resource = :resource FOR SHARE")
        if session.scalar(query, {"resource": self.resource}) != self.fence:
            self.lost.set()
        self.prove_held()

    def prove_held(self) -> None:
        """Refuse to go on when it is known already that another run has the resource."""
        if self.lost.is_set():
            raise LeaseLostError(
                f"another run works on {self.resource} now; this one writes nothing more",
                place=f"fencing number {self.fence}",
                remedy="nothing need be done: what this run had not recorded, the other one does again; "
                "`python -m catalog runs` shows both",
            )


@contextmanager
def leased(resource: str, stage: str, run_id: uuid.UUID, patience: float | None = None) -> Iterator[Lease]:
    """Hold a resource; a process that dies lets go of it by itself.

    Args:
        resource: ``domain.resource``.
        stage: what is done, for people.
        run_id: the run on record.
        patience: seconds to wait for another run; default ``PATIENCE_SECONDS``.

    Raises:
        AlreadyRunningError: when another process still holds it after that.
    """
    wait = PATIENCE_SECONDS if patience is None else patience
    connection = _locked(resource, wait)
    try:
        is_after_death = bool(connection.scalar(_DIED, {"resource": resource}))
        holder = f"{socket.gethostname()} process {os.getpid()}"
        values = {"resource": resource, "run_id": run_id, "stage": stage, "holder": holder}
        lease = Lease(resource, int(connection.execute(_TAKE, values).scalar_one()), is_after_death)
    except BaseException:
        connection.close()
        raise
    keeper = _Keeper(lease, connection)
    keeper.start()
    try:
        yield lease
    finally:
        keeper.end()


def _locked(resource: str, patience: float) -> Connection:
    """Return a connection of its own that holds the advisory lock of ``resource``."""
    deadline = time.monotonic() + patience
    connection = lock_connection()
    try:
        while not try_lock(connection, resource):
            if time.monotonic() > deadline:
                holder = connection.scalar(_HOLDER, {"resource": resource}) or "another process"
                raise AlreadyRunningError(
                    f"{resource} is being worked on: {holder}",
                    place="control plane, lock of the resource",
                    remedy="wait for it to end; `python -m catalog runs` shows which run it is",
                )
            time.sleep(0.2)
    except BaseException:
        connection.close()
        raise
    return connection


class _Keeper(threading.Thread):
    """Renews a lease beside the work, and takes the lock again when the database was restarted."""

    def __init__(self, lease: Lease, connection: Connection) -> None:
        super().__init__(name=f"lease of {lease.resource}", daemon=True)
        self.lease = lease
        self.connection = connection
        self.ended = threading.Event()

    def run(self) -> None:
        """Prove the lock every few seconds until the work ends or it is lost."""
        values = {"resource": self.lease.resource, "fence": self.lease.fence}
        while not self.ended.wait(RENEWED_EVERY) and not self.lease.lost.is_set():
            try:
                if self.connection.execute(_RENEW, values).rowcount != 1:
                    self.lease.lost.set()
            except SQLAlchemyError:
                self._lock_again()

    def _lock_again(self) -> None:
        """Open the connection anew; somebody else may have been quicker."""
        with suppress(SQLAlchemyError):
            self.connection.invalidate()
            self.connection.close()
        try:
            self.connection = lock_connection()
            if not try_lock(self.connection, self.lease.resource):
                self.lease.lost.set()
        except SQLAlchemyError:
            return

    def end(self) -> None:
        """Say that the work has ended and let go."""
        self.ended.set()
        self.join(timeout=60)
        with suppress(SQLAlchemyError):
            self.connection.execute(_RELEASE, {"resource": self.lease.resource, "fence": self.lease.fence})
            unlock(self.connection, self.lease.resource)
        with suppress(SQLAlchemyError):
            self.connection.close()
