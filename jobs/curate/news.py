"""What a shared table must look at again (受影响共享行).

Entities that changed, disagreements that came or went, and what comes from sources that fell silent or spoke again;
the whole library when no change feed tells, because a table was made anew or went back, or rows are cut otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.freshness import stale_sources
from catalog.control.positions import (
    TableVersion,
    get_position,
    get_table_position,
    set_position,
    set_table_position,
)
from catalog.control.session import in_transaction
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.layers import conflict_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.curate.recipe import recipe_of
from jobs.curate.record_flag import CONFLICTING
from jobs.runtime import delta
from jobs.runtime.inputs import InputAwayError
from jobs.runtime.table_state import pin

SILENT = "silent_sources"
"""Name of the position that remembers which sources were silent at the last run."""
RECIPE = "recipe"
"""Name of the position that remembers how the last run cut; empty while a run cuts all rows."""


@dataclass(frozen=True)
class Seen:
    """What a run of the stage looks at, or the last one looked at."""

    library: TableVersion
    """The base library."""
    conflicts: TableVersion
    """Its table of disagreements."""
    silent: frozenset[str]
    """Its inputs that have not delivered for too long."""
    recipe: str
    """How rows are cut."""
    shared: TableVersion
    """The shared table: before a run as it is found, after it as it was left."""

    def leads_to(self, now: Seen) -> bool:
        """Tell whether the change feeds tell all that ``now`` is ahead; otherwise every row is cut again."""
        pairs = ((self.library, now.library), (self.conflicts, now.conflicts), (self.shared, now.shared))
        return self.recipe == now.recipe and all(before.precedes(after) for before, after in pairs)

    def is_all_of(self, now: Seen) -> bool:
        """Tell whether there is nothing new in ``now``."""
        return (self.library, self.conflicts, self.silent) == (now.library, now.conflicts, now.silent)


def require_inputs(spark: SparkSession, contract: Contract, library: Contract) -> None:
    """Refuse to go on without the library: taken as empty, it would take every row out of the shared table.

    Raises:
        InputAwayError: naming the table.
    """
    away = [table for table in (table_of(library), conflict_of(library)) if not delta.exists(spark, table)]
    if not away:
        return
    name = away[0].name
    known = in_transaction(lambda session: get_table_position(session, contract.id, name))
    said = f"was read at version {known.version} before and is not there" if known else "does not exist"
    raise InputAwayError(
        f"{name} {said}; {table_of(contract).name} stays as it is",
        place=away[0].uri,
        remedy=f"mount or restore the lake, or make it anew: python -m jobs reconcile --resource {library.id}",
    )


def seen_now(spark: SparkSession, session: Session, contract: Contract, library: Contract) -> Seen:
    """Return the present versions, the inputs that are silent on the business date, and how rows are cut now.

    Raises:
        ContractError: the contract of an input cannot be used, so that nobody can tell whether it is silent.
    """
    registry = get_registry()
    registry.inputs_of(library)
    silent = stale_sources(session, registry, get_settings().business_date)
    return Seen(
        pin(spark, table_of(library)),
        pin(spark, conflict_of(library)),
        frozenset(silent) & frozenset(reconcile_of(library).inputs),
        recipe_of(contract, library),
        pin(spark, table_of(contract)),
    )


def seen_before(session: Session, contract: Contract, library: Contract) -> Seen | None:
    """Return what the last run looked at and left; None when any of it is not known, or a run cut all and died."""
    tables = (table_of(library), conflict_of(library), table_of(contract))
    rows, conflicts, shared = (get_table_position(session, contract.id, table.name) for table in tables)
    silent, recipe = (get_position(session, contract.id, name) for name in (SILENT, RECIPE))
    if rows is None or conflicts is None or shared is None or silent is None or not recipe:
        return None
    return Seen(rows, conflicts, frozenset(silent.split()), recipe, shared)


def note_all_is_cut(session: Session, contract: Contract) -> None:
    """Record that every row is about to be cut: a run that dies over it leaves rows of two kinds, and no recipe."""
    set_position(session, contract.id, RECIPE, "")


def remember(session: Session, contract: Contract, library: Contract, seen: Seen) -> None:
    """Record what a run has looked at, and how it left the shared table."""
    set_table_position(session, contract.id, table_of(library).name, seen.library)
    set_table_position(session, contract.id, conflict_of(library).name, seen.conflicts)
    set_table_position(session, contract.id, table_of(contract).name, seen.shared)
    set_position(session, contract.id, SILENT, " ".join(sorted(seen.silent)))
    set_position(session, contract.id, RECIPE, seen.recipe)


def has_lost_rows(spark: SparkSession, library: Contract, before: Seen, now: Seen) -> bool:
    """Tell whether rows were taken out of the library itself, which keeps even the dead: an erasure by hand."""
    if before.library == now.library:
        return False
    changes = delta.changed_rows(spark, table_of(library), before.library.version, now.library.version)
    return bool(changes.where("_change_type = 'delete'").limit(1).collect())


def concerned_rows(spark: SparkSession, library: Contract, before: Seen | None, now: Seen) -> DataFrame:
    """Return the rows of the library that may be cut otherwise than before, with ``_conflicting``.

    Args:
        spark: the session.
        library: the base library.
        before: what the last run looked at; None to have every row.
        now: what this one looks at.
    """
    rows = delta.read(spark, table_of(library), now.library.version)
    entity = reconcile_of(library).entity_id
    if before is not None:
        rows = _moved(spark, rows, library, before, now)
    disagreeing = delta.read(spark, conflict_of(library), now.conflicts.version)
    elements = disagreeing.groupBy(F.col("entity_id").alias("_of")).agg(F.collect_set("element").alias(CONFLICTING))
    return rows.join(elements, rows[entity] == elements["_of"], "left").drop("_of")


def _moved(spark: SparkSession, rows: DataFrame, library: Contract, before: Seen, now: Seen) -> DataFrame:
    """Return those of ``rows`` that changed, whose disagreements did, or whose sources fell silent or spoke again."""
    entity = reconcile_of(library).entity_id
    feeds = []
    for table, key, one, other in (
        (table_of(library), entity, before.library, now.library),
        (conflict_of(library), "entity_id", before.conflicts, now.conflicts),
    ):
        if one.version != other.version:
            changes = delta.changed_rows(spark, table, one.version, other.version)
            feeds.append(changes.select(F.col(key).alias("_moved")))
    wanted: list[Column] = []
    if feeds:
        keys = reduce(DataFrame.union, feeds).distinct()
        rows = rows.join(F.broadcast(keys), rows[entity] == keys["_moved"], "left")
        wanted.append(F.col("_moved").isNotNull())
    turned = sorted(before.silent ^ now.silent)
    if turned:
        wanted.append(F.exists(F.map_values("_provenance"), lambda o: F.substring_index(o, "|", 1).isin(turned)))
    return rows.where(reduce(or_, wanted, F.lit(False))).drop("_moved")
