"""The fencing number on every commit to the lake (提交栅栏): who has lost its resource cannot write, or write twice.

Delta keeps one number per application in a table's log (``txnAppId``, ``txnVersion``). It leaves out a write whose
number is not above the recorded one, without an error, and lets two concurrent writes of one application conflict. So
each commit carries fencing number × ``COMMITS`` + its place in the run, and afterwards the table is looked at.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from catalog.control.session import in_transaction
from jobs.runtime.lease import Lease

APPLICATION = "guantong"
COMMITS = 1_000_000
"""Commits of one run at most."""
APP_ID = "spark.databricks.delta.write.txnAppId"
APP_VERSION = "spark.databricks.delta.write.txnVersion"


class Fence:
    """What the commits of one run carry."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self._places = itertools.count(1)
        self._lock = threading.Lock()
        self._under_way = 0

    def mark(self, spark: SparkSession) -> None:
        """Have the next commit of the session carry the next number.

        Two threads may mark before either commits; each table is one thread's, and its numbers rise all the same.

        Raises:
            LeaseLostError: when another run has the resource.
        """
        in_transaction(self.lease.prove)
        with self._lock:
            self._under_way += 1
            number = self.lease.fence * COMMITS + next(self._places)
            spark.conf.set(APP_ID, APPLICATION)
            spark.conf.set(APP_VERSION, str(number))

    def unmark(self, spark: SparkSession) -> None:
        """Let commits of the session carry nothing again, once none of the run is under way."""
        with self._lock:
            self._under_way -= 1
            if not self._under_way:
                spark.conf.unset(APP_VERSION)
                spark.conf.unset(APP_ID)


_open: list[Fence] = []
"""The runs of this process that have begun, innermost last; a process runs one stage at a time."""


def current_fence() -> Fence | None:
    """Return the fence of the stage that this process runs, or None outside of stages."""
    return _open[-1] if _open else None


@contextmanager
def fenced_by(lease: Lease) -> Iterator[None]:
    """Have all commits inside the block carry the lease's number."""
    fence = Fence(lease)
    _open.append(fence)
    try:
        yield
    finally:
        _open.remove(fence)


@contextmanager
def marked(spark: SparkSession) -> Iterator[None]:
    """Have the one commit inside the block carry the running stage's next number; outside of stages it carries none.

    A number that stayed behind in the session would have a later write left out without a word, so none does.

    Raises:
        LeaseLostError: when another run has the resource.
    """
    fence = current_fence()
    if fence is None:
        yield
        return
    fence.mark(spark)
    try:
        yield
    finally:
        fence.unmark(spark)
