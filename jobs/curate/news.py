"""What a shared table must look at again (受影响共享行).

Entities that changed, disagreements that came or went, and what comes from sources that fell silent or spoke again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.freshness import stale_sources
from catalog.control.positions import get_position, set_position
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.layers import conflict_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.curate.record_flag import CONFLICTING
from jobs.runtime import delta

SILENT = "silent_sources"
"""Name of the position that remembers which sources were silent at the last run."""


@dataclass(frozen=True)
class Seen:
    """What a run of the stage looks at, or the last one looked at."""

    library: int
    """Version of the base library."""
    conflicts: int
    """Version of its table of disagreements."""
    silent: frozenset[str]
    """Its inputs that have not delivered for too long."""


def seen_now(spark: SparkSession, session: Session, library: Contract) -> Seen:
    """Return the present versions, and the inputs that are silent on the business date."""
    silent = stale_sources(session, get_registry(), get_settings().business_date)
    return Seen(
        delta.current_version(spark, table_of(library)),
        delta.current_version(spark, conflict_of(library)),
        frozenset(silent) & frozenset(reconcile_of(library).inputs),
    )


def seen_before(session: Session, consumer: str, library: Contract) -> Seen | None:
    """Return what the last run of ``consumer`` looked at; None when any of it is not known."""
    names = (table_of(library).name, conflict_of(library).name, SILENT)
    rows, conflicts, silent = (get_position(session, consumer, name) for name in names)
    if rows is None or conflicts is None or silent is None:
        return None
    return Seen(int(rows), int(conflicts), frozenset(silent.split()))


def remember(session: Session, consumer: str, library: Contract, seen: Seen) -> None:
    """Record what ``consumer`` has looked at."""
    set_position(session, consumer, table_of(library).name, str(seen.library))
    set_position(session, consumer, conflict_of(library).name, str(seen.conflicts))
    set_position(session, consumer, SILENT, " ".join(sorted(seen.silent)))


def concerned_rows(spark: SparkSession, library: Contract, before: Seen | None, now: Seen) -> DataFrame:
    """Return the rows of the library that may be cut otherwise than before, with ``_conflicting``."""
    rows = delta.read(spark, table_of(library), now.library)
    entity = reconcile_of(library).entity_id
    if before is not None:
        rows = _moved(spark, rows, library, before, now)
    disagreeing = delta.read(spark, conflict_of(library), now.conflicts).groupBy(F.col("entity_id").alias("_of"))
    elements = disagreeing.agg(F.collect_set("element").alias(CONFLICTING))
    return rows.join(elements, rows[entity] == elements["_of"], "left").drop("_of")


def _moved(spark: SparkSession, rows: DataFrame, library: Contract, before: Seen, now: Seen) -> DataFrame:
    """Return those of ``rows`` that changed, whose disagreements did, or whose sources fell silent or spoke again."""
    entity = reconcile_of(library).entity_id
    feeds = []
    if before.library != now.library:
        changes = delta.changed_rows(spark, table_of(library), before.library, now.library)
        feeds.append(changes.select(F.col(entity).alias("_moved")))
    if before.conflicts != now.conflicts:
        changes = delta.changed_rows(spark, conflict_of(library), before.conflicts, now.conflicts)
        feeds.append(changes.select(F.col("entity_id").alias("_moved")))
    wanted: list[Column] = []
    if feeds:
        keys = reduce(DataFrame.union, feeds).distinct()
        rows = rows.join(F.broadcast(keys), rows[entity] == keys["_moved"], "left")
        wanted.append(F.col("_moved").isNotNull())
    turned = sorted(before.silent ^ now.silent)
    if turned:
        wanted.append(F.exists(F.map_values("_provenance"), lambda o: F.substring_index(o, "|", 1).isin(turned)))
    return rows.where(reduce(or_, wanted, F.lit(False))).drop("_moved")
