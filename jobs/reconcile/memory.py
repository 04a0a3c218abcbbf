"""What is on record of a library's last run (上次运行记录): what it read, by which rules, and for which day.

Invariant: it is recorded in one transaction after all that the run wrote. A run that was cut short has left what it
began with, so that the next one makes good what was written by other rules, or for a day that has not come.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import SparkSession
from sqlalchemy.orm import Session

from catalog.control.positions import (
    TableVersion,
    get_position,
    get_table_position,
    set_position,
    set_table_position,
)
from catalog.model.contract import Contract
from catalog.model.layers import Table, conflict_of, statement_of, table_of
from jobs.runtime import delta
from jobs.runtime.table_state import pin

CALENDAR = "calendar"
"""Name of the position that remembers the business date of the last run."""
RULES = "authority"
"""Name of the position that remembers by which rules the last run decided."""
CASES = "cases"
"""Name of the position that remembers when the last run looked at the correction cases."""
SEQUENCE = "sequence"
"""Name of the position that remembers the number of the last run, which its statements carry."""
BEGUN = "begun"
"""Name of the position that remembers what a run began with; empty once it has ended."""
OVERLAP = timedelta(minutes=5)
"""How far back cases are looked at again: a step is dated before it is committed, and clocks differ."""


@dataclass(frozen=True)
class Begun:
    """What a run began with."""

    day: str
    """Its business date, in ISO form."""
    rules: str
    is_whole: bool
    """Whether it set out to look at every entity."""


@dataclass(frozen=True)
class Memory:
    """What is on record of the last run of a library."""

    day: date | None
    """Its business date."""
    rules: str | None
    looked: datetime | None
    """Steps of correction cases from here on may not have been looked at."""
    sequence: int | None
    """Its number; statements with a higher one are of tries that were cut short."""
    cut_short: Begun | None
    """What a try since then began with, which has not ended."""
    outputs: Mapping[str, TableVersion | None]
    """Table that the library writes → its version when the run ended."""

    def has_other_rules(self, rules: str) -> bool:
        """Tell whether anything of the library may have been decided by other rules than ``rules``."""
        return self.rules != rules or (self.cut_short is not None and self.cut_short.rules != rules)

    def must_look_at_all(self, day: date, rules: str) -> bool:
        """Tell whether the change feeds do not tell all that a run for ``day`` has to look at."""
        if self.day is None or self.day > day or self.has_other_rules(rules):
            return True
        return self.cut_short is not None and (self.cut_short.is_whole or self.cut_short.day > day.isoformat())


def outputs_of(contract: Contract) -> list[Table]:
    """Return the tables that reconcile writes."""
    return [table_of(contract), conflict_of(contract), statement_of(contract)]


def recall(session: Session, contract: Contract) -> Memory:
    """Return what is on record of the last run."""
    day, rules, looked, sequence, begun = (
        get_position(session, contract.id, name) for name in (CALENDAR, RULES, CASES, SEQUENCE, BEGUN)
    )
    return Memory(
        date.fromisoformat(day) if day else None,
        rules,
        datetime.fromisoformat(looked) - OVERLAP if looked else None,
        int(sequence) if sequence else None,
        Begun(**json.loads(begun)) if begun else None,
        {table.name: get_table_position(session, contract.id, table.name) for table in outputs_of(contract)},
    )


def note_begun(session: Session, contract: Contract, begun: Begun) -> None:
    """Record what a run begins with, before it writes anything."""
    set_position(session, contract.id, BEGUN, json.dumps(asdict(begun)))


def note_ended(
    session: Session,
    contract: Contract,
    begun: Begun,
    looked: datetime,
    sequence: int,
    outputs: Mapping[str, TableVersion],
) -> None:
    """Record a run that has ended, in the transaction that records what it consumed."""
    ended = {CALENDAR: begun.day, RULES: begun.rules, CASES: looked.isoformat(), SEQUENCE: str(sequence), BEGUN: ""}
    for name, position in ended.items():
        set_position(session, contract.id, name, position)
    for name, version in outputs.items():
        set_table_position(session, contract.id, name, version)


def lost_outputs(spark: SparkSession, contract: Contract, memory: Memory) -> set[str]:
    """Return which of the library's own tables do not hold what the last run left: made anew, or gone back."""
    return {table.name for table in outputs_of(contract) if is_lost(spark, table, memory.outputs.get(table.name))}


def is_lost(spark: SparkSession, table: Table, left: TableVersion | None) -> bool:
    """Tell whether a table that a consumer keeps is not what it left; ``left`` is None where that was not recorded."""
    return delta.current_version(spark, table) == 0 if left is None else not left.precedes(pin(spark, table))


def versions_now(spark: SparkSession, contract: Contract) -> dict[str, TableVersion]:
    """Return the tables that reconcile writes, each with its newest version."""
    return {table.name: pin(spark, table) for table in outputs_of(contract)}


def label_of(versions: Iterable[TableVersion]) -> str:
    """Return versions of tables as part of a batch id of the ledger; of tables made anew it is another.

    >>> label_of([TableVersion("a", 3), TableVersion("b", 12)])
    '3.12-0eab8a0a'
    """
    read = list(versions)
    digest = hashlib.sha256("|".join(version.table_id for version in read).encode()).hexdigest()
    return ".".join(str(version.version) for version in read) + f"-{digest[:8]}"
