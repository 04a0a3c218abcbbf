"""Admitted deliveries into bronze (入原始层), several batches in one write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract import Contract
from jobs.extract.bronze import landed_rows, remove_batches, write_batches
from jobs.extract.delivery import Reading
from jobs.extract.register import BatchRecord, Register
from jobs.runtime.spark import connect
from jobs.runtime.volume import expect_batch

ROWS_AT_ONCE = 2_000_000
ROWS_PER_FILE = 500_000


@dataclass
class Admitted:
    """A delivery whose rows lie in landing, ready for bronze."""

    record: BatchRecord
    reading: Reading
    rows_file: Path


def lay_admitted(contract: Contract, register: Register, admitted: Sequence[Admitted]) -> None:
    """Write admitted deliveries into bronze, count them there, and record them as accepted."""
    for group in _groups(admitted):
        rows = sum(taken.reading.accepted for taken in group)
        register.run.say(f"writing {len(group)} batch(es), {rows:,} rows")
        spark = connect()
        expect_batch(spark, contract, rows)
        frame = landed_rows(spark, contract, [taken.rows_file for taken in group])
        frame = frame.coalesce(max(1, rows // ROWS_PER_FILE))
        expected = {taken.record.batch_id: taken.reading.accepted for taken in group}
        counts, version = write_batches(spark, frame, contract, expected, register.tried)
        for taken in group:
            register.accept(
                taken.record,
                accepted=counts[taken.record.batch_id],
                rejected=len(taken.reading.rejected),
                delta_version=version,
            )


def abandon_unfinished(contract: Contract, register: Register, remedy: str, *, but: str = "") -> None:
    """End what earlier commands began and nobody will end, and take out of bronze what they left there.

    Args:
        contract: the resource.
        register: its register.
        remedy: what becomes of the rows.
        but: a batch that is being done again.
    """
    abandoned = register.abandon(remedy, but=but)
    if abandoned:
        remove_batches(connect(), contract, abandoned)


def _groups(admitted: Sequence[Admitted]) -> Iterator[list[Admitted]]:
    group: list[Admitted] = []
    rows = 0
    for taken in admitted:
        if group and rows + taken.reading.accepted > ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(taken)
        rows += taken.reading.accepted
    if group:
        yield group
