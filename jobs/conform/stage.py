"""The conform stage (标准化作业): every waiting batch of one resource, in one pass."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.batches import find_batch, finish_stage, list_batches, pending_batches
from catalog.control.ledger import ledger_entries
from catalog.control.measures import Measure, replace_measures
from catalog.control.session import session_scope
from catalog.control.unmapped import replace_sightings
from catalog.control.unusual import note_unusual
from catalog.model.contract import Contract
from catalog.model.errors import LedgerUnbalancedError
from catalog.model.layers import Table, bronze_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from jobs.conform.duplicates import ROW, concerned_rows, losing_rows, moved_keys, still_current, tombstones, without
from jobs.conform.issues import settle_issues
from jobs.conform.measures import measures_of, read_measures
from jobs.conform.standing import judged_rows
from jobs.conform.tables import SET_ASIDE_COLUMNS, silver_columns
from jobs.conform.unmapped import HAS_UNMAPPED, unmapped_values
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.volume import expect_batch

STAGE = "conform"
SOUND = "size(_places) = 0"
"""Condition of a judged row that no rule refuses."""


@dataclass(frozen=True)
class Waiting:
    """The batches to conform together, and the business date before them."""

    batch_ids: list[str]
    previous_date: date | None
    admitted: dict[str, int]
    """Batch → rows that extract accepted."""
    later: list[str]
    """Batches that arrived after the first of these and were conformed before: only a replay has any."""


@dataclass(frozen=True)
class Counted:
    """What one pass over judged rows counts."""

    rows: dict[tuple[str, bool], int]
    """(batch, accepted?) → rows."""
    has_unmapped: bool
    """Whether any row has a code for the worklist."""
    has_flags: bool
    """Whether any sound row has a flag."""
    measures: list[Measure]


def conform(resource: str, batch: str | None = None) -> None:
    """Bring the waiting batches of a resource from bronze to silver.

    Grain:      one row per contract key; older versions live on in bronze and in the table's history.
    Key:        the contract's primary key.
    Reads:      ``bronze.<department>__<dataset>``, rows of the waiting batches only.
    Writes:     ``silver.<domain>__<dataset>`` (merge on key; the later source time wins) and
                ``ops.set_aside__<domain>__<dataset>``.
    Sets aside: what the contract's rules refuse, every reason at once; a second record of one key (DUPLICATE_KEY).
    """
    contract = get_registry().get(resource)
    with stage_run(STAGE, resource) as run:
        with session_scope() as session:
            waiting = _waiting(session, contract, batch)
        if not waiting.batch_ids:
            run.say("no batch is waiting")
            return
        _conform_batches(connect(), contract, waiting, run)


def _waiting(session: Session, contract: Contract, batch: str | None) -> Waiting:
    """Return the batches not yet conformed; asked for one by name, that one again."""
    if batch is None:
        chosen = pending_batches(session, contract.id, STAGE)
    else:
        named = find_batch(session, batch)
        chosen = [named] if named and named.resource == contract.id and named.status == "accepted" else []
    ids = [b.batch_id for b in chosen]
    earliest = min((b.received_at for b in chosen), default=None)
    accepted = list_batches(session, resource=contract.id, status="accepted", limit=1000)
    before = [b.business_date for b in accepted if earliest and b.received_at < earliest and b.business_date]
    admitted = {
        e.batch_id: e.accepted
        for e in ledger_entries(session, resource=contract.id, stage="extract")
        if e.batch_id in set(ids)
    }
    later = [b.batch_id for b in accepted if earliest and b.received_at > earliest and b.batch_id not in set(ids)]
    return Waiting(ids, max(before, default=None), admitted, later)


def _conform_batches(spark: SparkSession, contract: Contract, waiting: Waiting, run: StageRun) -> None:
    silver, aside = table_of(contract), set_aside_of(contract)
    delta.ensure(spark, silver, silver_columns(contract))
    delta.ensure(spark, aside, SET_ASIDE_COLUMNS)
    rows = delta.read(spark, bronze_of(contract)).where(F.col("_batch_id").isin(waiting.batch_ids))
    arrived = sum(waiting.admitted.values())
    expect_batch(spark, contract, arrived)
    run.say(f"judging {len(waiting.batch_ids)} batch(es) of {bronze_of(contract).name}")
    with ExitStack() as stack:
        judging = judged_rows(spark, rows, contract, waiting.previous_date, arrived, run)
        judged = stack.enter_context(judging)
        sound = judged.where(SOUND)
        concerned = None
        if delta.current_version(spark, silver):
            if waiting.later:
                current = still_current(sound, delta.read(spark, silver), waiting.later, arrived)
                sound = stack.enter_context(staged(spark, current, run, "current"))
            concerned = concerned_rows(delta.read(spark, silver), sound, arrived, contract)
            concerned = stack.enter_context(staged(spark, concerned, run, "concerned"))
        losers = losing_rows(sound, contract, concerned)
        if losers is not None:
            losers = stack.enter_context(staged(spark, losers, run, "losers"))
        counted = _counts(judged, losers, contract)
        counts = counted.rows
        unmapped = unmapped_values(judged, contract) if counted.has_unmapped else []
        _refuse_lost_rows(counts, waiting, contract)
        _write_set_aside(spark, _refused(judged, losers), aside, waiting.batch_ids, counts, run)
        version = _write_silver(spark, without(sound, losers), concerned, contract)
        settle_issues(
            spark,
            contract,
            judged,
            None if losers is None else losers.where("_standing = 'duplicate'"),
            waiting.batch_ids,
            waiting.later,
            has_refused=any(n for (_, accepted), n in counts.items() if not accepted),
            has_flags=counted.has_flags,
        )
    for batch_id in waiting.batch_ids:
        kept, refused = counts.get((batch_id, True), 0), counts.get((batch_id, False), 0)
        run.ledger(silver.name, batch_id, read=kept + refused, accepted=kept, set_aside=refused)
    with session_scope() as session:
        for batch_id in waiting.batch_ids:
            finish_stage(session, batch_id, STAGE, contract.id, delta_version=version)
        replace_sightings(session, contract.id, waiting.batch_ids, unmapped)
        replace_measures(session, contract.id, waiting.batch_ids, counted.measures)
        note_unusual(session, contract.id, waiting.batch_ids)


def _refused(judged: DataFrame, losers: DataFrame | None) -> DataFrame:
    """Return the rows to set aside, with ``places`` that name every reason."""
    unsound = judged.where(f"NOT ({SOUND})").withColumn("places", F.col("_places"))
    if losers is None:
        return unsound
    duplicate = F.array(F.struct(F.lit("").alias("column"), F.lit("DUPLICATE_KEY").alias("reason")))
    duplicates = judged.join(F.broadcast(losers.where("_standing = 'duplicate'")), list(ROW), "left_semi")
    return unsound.unionByName(duplicates.withColumn("places", duplicate))


def _counts(judged: DataFrame, losers: DataFrame | None, contract: Contract) -> Counted:
    """Return what one pass over the judged rows counts; a superseded version is accepted, it lives on in bronze."""
    grouped = judged.groupBy("_batch_id", F.expr(SOUND).alias("accepted"))
    groups = grouped.agg(
        F.count("*").alias("count"),
        F.expr(f"bool_or({HAS_UNMAPPED})").alias("unmapped"),
        F.expr("bool_or(size(_flags) > 0)").alias("flags"),
        *[column.alias(alias) for alias, (*_, column) in measures_of(contract).items()],
    ).collect()
    counts = {(row["_batch_id"], row["accepted"]): row["count"] for row in groups}
    duplicates = (
        [] if losers is None else losers.where("_standing = 'duplicate'").groupBy("_batch_id").count().collect()
    )
    for row in duplicates:
        counts[row["_batch_id"], True] -= row["count"]
        counts[row["_batch_id"], False] = counts.get((row["_batch_id"], False), 0) + row["count"]
    return Counted(
        counts,
        has_unmapped=any(row["unmapped"] for row in groups),
        has_flags=any(row["flags"] for row in groups if row["accepted"]),
        measures=read_measures(contract, [row for row in groups if row["accepted"]]),
    )


def _refuse_lost_rows(counts: dict[tuple[str, bool], int], waiting: Waiting, contract: Contract) -> None:
    """Refuse to go on when bronze does not hold the rows that extract accepted."""
    for batch_id, admitted in waiting.admitted.items():
        read = counts.get((batch_id, True), 0) + counts.get((batch_id, False), 0)
        if read != admitted:
            raise LedgerUnbalancedError(
                f"extract accepted {admitted} rows, bronze holds {read}",
                place=f"{contract.id} batch {batch_id}",
                remedy="replay extract for the batch; nothing was written to silver",
            )


def _write_set_aside(
    spark: SparkSession,
    refused: DataFrame,
    aside: Table,
    batch_ids: list[str],
    counts: dict[tuple[str, bool], int],
    run: StageRun,
) -> None:
    """Write the rows that do not stand, with every reason; a replay replaces them."""
    nothing_now = not any(n for (_, accepted), n in counts.items() if not accepted)
    if nothing_now and not delta.read(spark, aside).where(F.col("_batch_id").isin(batch_ids)).limit(1).collect():
        return
    rows = refused.withColumn("reasons", F.array_distinct(F.col("places.reason")))
    rows = rows.withColumn("_run_id", F.lit(str(run.run_id))).withColumn("_set_aside_at", F.current_timestamp())
    delta.replace_batches(spark, rows.select(*[c[0] for c in SET_ASIDE_COLUMNS]), aside, batch_ids)


def _write_silver(spark: SparkSession, standing: DataFrame, concerned: DataFrame | None, contract: Contract) -> int:
    """Bring the standing rows into silver and return its version: the first ones as they are, later ones merged."""
    silver = table_of(contract)
    hashed = [*contract.columns, "_flags", "_is_deleted"]
    rows = standing.withColumn("_row_hash", F.xxhash64(*hashed)).withColumn("_recorded_at", F.current_timestamp())
    rows = rows.select(*[c[0] for c in silver_columns(contract)])
    if concerned is None:
        delta.fill(spark, rows, silver, contract.key)
        return delta.current_version(spark, silver)
    if contract.source.key != contract.key:
        moved = moved_keys(rows, contract, concerned)
        if moved.limit(1).collect():
            rows = rows.unionByName(tombstones(delta.read(spark, silver), moved, contract).select(*rows.columns))
    changed = "s._source_at >= t._source_at AND (s._row_hash <> t._row_hash OR s._is_deleted <> t._is_deleted)"
    delta.bring(spark, rows, silver, contract.key, present=concerned.select(*contract.key), update_when=changed)
    return delta.current_version(spark, silver)
