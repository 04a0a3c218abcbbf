"""What sources without the national key say, by that key (无主键来源入库): kept as links move, by what moved.

Invariant: of each keyless source every living record either speaks for the one entity that linking gave it, under the
entity's national key, or waits with its reason. One record of a source speaks for an entity; none that states a valid
key speaks for another key, unless persons have made the two one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.positions import (
    TableVersion,
    get_position,
    get_table_position,
    set_position,
    set_table_position,
)
from catalog.control.session import session_scope
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.keyless import is_keyless
from catalog.model.layers import Table, identity_of, keyed_of, linkage_of, redirect_of, table_of, waiting_of
from jobs.reconcile.affected import InputVersion
from jobs.reconcile.linking.keys import WAITS, judged_records
from jobs.reconcile.linking.newest import newness
from jobs.reconcile.linking.tables import WAITING_COLUMNS, keyed_columns
from jobs.reconcile.memory import is_lost, label_of
from jobs.runtime import delta
from jobs.runtime.row_hash import HASH_VERSION, row_hash
from jobs.runtime.stage import StageRun
from jobs.runtime.staging import staged
from jobs.runtime.table_state import pin
from jobs.runtime.volume import expect_batch

_ORIGIN = ("_batch_id", "_source_at", "_source_file", "_row_number")
SHAPE = "shape"
"""Name of the position that remembers what the rows of the table hold."""
_WAITS_FOR = ("_record_key", "_entity_id", "_reason", "_batch_id")


@dataclass(frozen=True)
class Work:
    """One keyless source of one library, with what moved since its table was last kept."""

    library: Contract
    source: Contract
    before: dict[str, TableVersion] | None
    """Table → the version taken in; None when everything is looked at."""
    now: dict[str, TableVersion]
    """Table → the version read: the source's own, who belongs to whom, where ids lead, and the keys of records."""

    @property
    def key(self) -> str:
        """The library's key."""
        return reconcile_of(self.library).key

    @property
    def table(self) -> Table:
        """What the source says by key."""
        return keyed_of(self.library, self.source)

    @property
    def outputs(self) -> list[Table]:
        """The tables that are kept."""
        return [self.table, waiting_of(self.library, self.source)]

    @property
    def label(self) -> str:
        """The ledger's batch id: which versions were brought together."""
        return f"{self.source.name}-{label_of(self.now.values())}"

    @property
    def has_no_news(self) -> bool:
        """Whether every table read is as it was taken in."""
        return self.before is not None and all(self.before[n].version == v.version for n, v in self.now.items())

    def read(self, spark: SparkSession, table: Table) -> DataFrame:
        """Return one of the tables read, as pinned."""
        return delta.read(spark, table, self.now[table.name].version)

    def feed(self, spark: SparkSession, table: Table) -> DataFrame | None:
        """Return what changed in one of the tables read, or None when nothing did."""
        if self.before is None or self.before[table.name].version == self.now[table.name].version:
            return None
        return delta.changed_rows(spark, table, self.before[table.name].version, self.now[table.name].version)


def keep_keyed(spark: SparkSession, library: Contract, linked: Sequence[InputVersion], run: StageRun) -> None:
    """Bring what the keyless sources of a library say under its key, and tell which of their records wait.

    A try that is cut short is done again from the same positions, and changes only what it had not come to.

    Args:
        spark: the session.
        library: a linked base library whose identities and redirects have been written.
        linked: the silver tables up to which records are linked.
        run: the run of linking.
    """
    for version in linked:
        if is_keyless(library, version.contract):
            _keep_source(spark, library, version, run)


def _keep_source(spark: SparkSession, library: Contract, linked: InputVersion, run: StageRun) -> None:
    source = linked.contract
    delta.ensure(spark, keyed_of(library, source), keyed_columns(library, source))
    delta.ensure(spark, waiting_of(library, source), WAITING_COLUMNS)
    work = _work(spark, library, source, linked.now)
    if work.has_no_news:
        return
    expect_batch(spark, library)
    with ExitStack() as stack:
        concerned = _concerned(spark, work)
        if concerned is not None:
            concerned = stack.enter_context(staged(spark, concerned, run, f"concerned_{source.name}"))
        judged = judged_records(spark, work, concerned)
        judged = stack.enter_context(staged(spark, judged, run, f"judged_{source.name}"))
        rows = judged.groupBy("_reason").count().collect()
        _write_keyed(spark, work, judged, concerned, run)
        _write_waiting(spark, work, judged, concerned)
    counts = {row["_reason"]: int(row["count"]) for row in rows}
    speaking, total = counts.get(None, 0), sum(counts.values())
    why = ", ".join(f"{counts[reason]:,} {reason}" for reason in WAITS if reason in counts)
    run.say(f"{source.id}: {speaking:,} record(s) speak for an entity, {total - speaking:,} wait {why}".rstrip())
    if total:
        run.ledger(work.table.name, work.label, read=total, accepted=speaking, set_aside=total - speaking)
    positions = work.now | {table.name: pin(spark, table) for table in work.outputs}

    def record(session: Session) -> None:
        for name, read in positions.items():
            set_table_position(session, work.table.name, name, read)
        set_position(session, work.table.name, SHAPE, _shape(work.library, work.source))

    run.transaction(record)


def _work(spark: SparkSession, library: Contract, source: Contract, version: TableVersion) -> Work:
    linking = (identity_of(library), redirect_of(library), linkage_of(library))
    now = {table_of(source).name: version} | {table.name: pin(spark, table) for table in linking}
    whole = Work(library, source, None, now)
    with session_scope() as session:
        known = {
            name: get_table_position(session, whole.table.name, name)
            for name in (*now, *(table.name for table in whole.outputs))
        }
        shape = get_position(session, whole.table.name, SHAPE)
    before = {name: position for name in now if (position := known[name]) is not None and position.precedes(now[name])}
    is_lost_any = any(is_lost(spark, table, known[table.name]) for table in whole.outputs)
    if len(before) < len(now) or is_lost_any or shape != _shape(library, source):
        return whole
    return replace(whole, before=before)


def _shape(library: Contract, source: Contract) -> str:
    """Return a hash of what a row of the table holds besides rows of its inputs: when it moves, all are looked at."""
    held = [HASH_VERSION, source.key, keyed_columns(library, source)]
    return hashlib.sha256(json.dumps(held, ensure_ascii=False).encode()).hexdigest()


def _concerned(spark: SparkSession, work: Work) -> DataFrame | None:
    """Return the entities that records of the source came to or left, or whose keys moved; None for all of them."""
    if work.before is None:
        return None
    identity = work.read(spark, identity_of(work.library))
    found = spark.createDataFrame([], "_entity_id string")
    if (rows := work.feed(spark, table_of(work.source))) is not None:
        moved = F.broadcast(rows.select(F.col("_record_key").alias("record_key")).distinct())
        own = identity.where(F.col("resource") == work.source.id).join(moved, "record_key", "left_semi")
        found = found.unionByName(own.select(F.col("entity_id").alias("_entity_id")))
    if (rows := work.feed(spark, identity_of(work.library))) is not None:
        found = found.unionByName(rows.select(F.col("entity_id").alias("_entity_id")))
    if (rows := work.feed(spark, redirect_of(work.library))) is not None:
        turn = F.when(F.col("_change_type") == "insert", 1).otherwise(-1)
        turned = rows.groupBy("from_id", "to_id").agg(F.sum(turn).alias("turn")).where("turn <> 0")
        found = found.unionByName(turned.select(F.explode(F.array("from_id", "to_id")).alias("_entity_id")))
    if (rows := work.feed(spark, linkage_of(work.library))) is not None:
        keys = rows.groupBy("record_id").agg(F.collect_set(F.coalesce("key", F.lit(""))).alias("keys"))
        moved = F.broadcast(keys.where(F.size("keys") > 1).select("record_id"))
        own = identity.join(moved, "record_id", "left_semi")
        found = found.unionByName(own.select(F.col("entity_id").alias("_entity_id")))
    return found.distinct()


def _write_keyed(
    spark: SparkSession, work: Work, judged: DataFrame, concerned: DataFrame | None, run: StageRun
) -> None:
    """Write the rows of entities whose record, or what it says, is another; an entity without one gets a tombstone."""
    columns = [name for name, _, _ in keyed_columns(work.library, work.source)]
    speaking = judged.where("_reason IS NULL").withColumn("_recorded_at", F.current_timestamp()).select(*columns)
    known = delta.read(spark, work.table, delta.current_version(spark, work.table)).select(*columns)
    if concerned is not None:
        named = F.broadcast(speaking.select(work.key).distinct())
        of_entities = known.join(F.broadcast(concerned), "_entity_id", "left_semi")
        known = of_entities.unionByName(known.join(named, work.key, "left_semi")).dropDuplicates([work.key])
    gone = known.where(~F.col("_is_deleted")).join(speaking, work.key, "left_anti")
    rows = speaking.unionByName(_tombstones(gone, work.read(spark, table_of(work.source))).select(*columns))
    says = row_hash(*[name for name in columns if name != "_recorded_at"])
    before = known.select(work.key, says.alias("_was"))
    differing = rows.join(before, work.key, "left").where(~F.col("_was").eqNullSafe(says))
    with staged(spark, differing, run, f"differing_{work.source.name}") as changed:
        present = changed.where("_was IS NOT NULL").select(work.key)
        delta.bring(spark, changed.select(*columns), work.table, [work.key], present=present, update_when="true")


def _tombstones(gone: DataFrame, silver: DataFrame) -> DataFrame:
    """Return rows as deleted: by the batch that deleted the record, where one did and not a person or a link."""
    own = silver.join(F.broadcast(gone.select("_record_key").distinct()), "_record_key", "left_semi")
    ended = own.groupBy("_record_key").agg(
        F.every("_is_deleted").alias("_has_ended"), F.max_by(F.struct(*_ORIGIN), newness(own)).alias("_last")
    )
    by_source = F.col("_has_ended") & F.col("_last").isNotNull()
    origin = {name: F.when(by_source, F.col(f"_last.{name}")).otherwise(F.col(name)) for name in _ORIGIN}
    rows = gone.join(ended, "_record_key", "left").withColumns(origin)
    return rows.withColumns({"_is_deleted": F.lit(True), "_recorded_at": F.current_timestamp()})


def _write_waiting(spark: SparkSession, work: Work, judged: DataFrame, concerned: DataFrame | None) -> None:
    """Write which records wait and why; those that speak, or are gone, leave the table."""
    table = waiting_of(work.library, work.source)
    waits = judged.where("_reason IS NOT NULL").withColumn("_recorded_at", F.current_timestamp())
    waits = waits.select(*[name for name, _, _ in WAITING_COLUMNS])
    stood = delta.read(spark, table, delta.current_version(spark, table))
    if concerned is not None:
        stood = stood.join(F.broadcast(concerned), "_entity_id", "left_semi")
    released = stood.join(waits, "_record_key", "left_anti").select(F.col("_record_key").alias("key"))
    reason = row_hash(*_WAITS_FOR)
    said = stood.select("_record_key", reason.alias("_was"))
    fresh = waits.join(said, "_record_key", "left").where(~F.col("_was").eqNullSafe(reason))
    if released.limit(1).collect():
        delta.delete_keys(spark, released, table, "_record_key")
    if fresh.limit(1).collect():
        delta.merge(spark, fresh.drop("_was"), table, ["_record_key"])
