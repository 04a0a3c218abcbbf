"""The conform stage (标准化作业): every waiting batch of one resource, in one pass."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.batches import finish_stage
from catalog.control.measures import Measure, replace_measures
from catalog.control.session import in_transaction
from catalog.control.unmapped import replace_sightings
from catalog.control.unusual import note_unusual
from catalog.model.contract import Contract
from catalog.model.errors import LedgerUnbalancedError
from catalog.model.layers import Table, bronze_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.version_order import BEFORE_ALL, VersionOrder
from jobs.conform.issues import settle_issues
from jobs.conform.keys import Decision, concerned_rows, decide
from jobs.conform.measures import measures_of, read_measures
from jobs.conform.newest import ROW, bronze_rows, earlier_versions, newest_version, previous_day
from jobs.conform.silver import silver_rows
from jobs.conform.standing import judged_rows
from jobs.conform.tables import SET_ASIDE_COLUMNS, silver_columns
from jobs.conform.unmapped import HAS_UNMAPPED, unmapped_values
from jobs.conform.waiting import STAGE, Waiting, remember, waiting_batches
from jobs.runtime import delta
from jobs.runtime.spark import connect
from jobs.runtime.stage import StageRun, stage_run
from jobs.runtime.staging import staged
from jobs.runtime.versions import ORDER, bounded_time, literal_order, order_column
from jobs.runtime.volume import expect_batch

SOUND = "size(_places) = 0"
"""Condition of a judged row that no rule refuses."""
DIFFERS = (
    "NOT (s._row_hash <=> t._row_hash) OR NOT (s._is_deleted <=> t._is_deleted) "
    "OR NOT (s._record_key <=> t._record_key)"
)
"""Condition under which a row of silver is written again; that it is not older was decided before."""


@dataclass(frozen=True)
class Counted:
    """What one pass over judged rows counts."""

    rows: dict[tuple[str, bool], int]
    """(batch, accepted?) → rows."""
    has_unmapped: bool
    """Whether any row has a code for the worklist."""
    has_flags: bool
    """Whether any sound row has a flag."""
    has_deletions: bool
    """Whether any sound row ends its record."""
    measures: list[Measure]
    oldest: VersionOrder | None
    """Of the sound rows; None when there are none."""
    newest: VersionOrder

    def without_duplicates(self, duplicates: DataFrame | None) -> dict[tuple[str, bool], int]:
        """Return the counts with the rows set aside that want another record's key."""
        counts = dict(self.rows)
        found = [] if duplicates is None else duplicates.groupBy("_batch_id").count().collect()
        for row in found:
            batch_id, rows = row["_batch_id"], row["count"]
            counts[batch_id, True] -= rows
            counts[batch_id, False] = counts.get((batch_id, False), 0) + rows
        return counts


def conform(resource: str, batch: str | None = None) -> None:
    """Bring the waiting batches of a resource from bronze to silver.

    Grain:      one row per contract key; older versions live on in bronze and in the table's history.
    Key:        the contract's primary key.
    Reads:      ``bronze.<department>__<dataset>``, rows of the waiting batches; of records that come late or again
                all their versions.
    Writes:     ``silver.<domain>__<dataset>`` (merge on key; the newest version of each record stands) and
                ``ops.set_aside__<domain>__<dataset>``.
    Sets aside: what the contract's rules refuse, every reason at once; a second record of one key (DUPLICATE_KEY).
    """
    contract = get_registry().get(resource)
    with stage_run(STAGE, resource) as run:
        waiting = in_transaction(lambda session: waiting_batches(session, contract, batch))
        if not waiting.batch_ids:
            run.say("no batch is waiting")
            return
        if waiting.changed:
            run.say(f"other {', '.join(waiting.changed)} than before: every batch is judged again")
        _conform_batches(connect(), contract, waiting, run)


def _conform_batches(spark: SparkSession, contract: Contract, waiting: Waiting, run: StageRun) -> None:
    silver, aside = table_of(contract), set_aside_of(contract)
    delta.ensure(spark, silver, silver_columns(contract))
    delta.ensure(spark, aside, SET_ASIDE_COLUMNS)
    arrived = sum(waiting.admitted.values())
    expect_batch(spark, contract, arrived)
    run.say(f"judging {len(waiting.batch_ids)} batch(es) of {bronze_of(contract).name}")
    with ExitStack() as stack:
        judged = _judge(spark, contract, waiting, waiting.batch_ids, arrived, run, stack)
        counted = _count(judged, contract)
        _refuse_lost_rows(counted.rows, waiting, contract)
        concerned, known, ends = None, judged.where(SOUND), counted.has_deletions
        if delta.current_version(spark, silver):
            others = _other_versions(spark, contract, waiting, judged, counted, run, stack)
            known, ends = (known, ends) if others is None else (known.unionByName(others), True)
            named = judged.select(*known.columns).unionByName(known) if waiting.is_again else known
            concerned = concerned_rows(delta.read(spark, silver), named, arrived, contract)
            concerned = stack.enter_context(staged(spark, concerned, run, "concerned"))
        decision = decide(spark, known, concerned, contract)
        duplicates = _duplicates(spark, decision, waiting, run, stack)
        counts = counted.without_duplicates(duplicates)
        unmapped = unmapped_values(judged, contract) if counted.has_unmapped else []
        _write_set_aside(spark, _refused(judged, duplicates), aside, waiting.batch_ids, counts, run)
        newest = stack.enter_context(staged(spark, decision.newest, run, "newest"))
        rows = silver_rows(spark, newest, concerned, contract, waiting, ends=ends)
        rows = _with_gone_columns(spark, rows, silver) if waiting.changed else rows
        version = _write_silver(spark, rows, concerned, contract, run)
        settle_issues(
            spark,
            contract,
            judged,
            duplicates,
            waiting.batch_ids,
            run,
            has_refused=any(n for (_, accepted), n in counts.items() if not accepted),
            has_flags=counted.has_flags,
        )

    def record(session: Session) -> None:
        for batch_id in waiting.batch_ids:
            kept, refused = counts.get((batch_id, True), 0), counts.get((batch_id, False), 0)
            run.note_ledger(session, silver.name, batch_id, read=kept + refused, accepted=kept, set_aside=refused)
            finish_stage(session, batch_id, STAGE, contract.id, delta_version=version)
        remember(session, contract, max(counted.newest, waiting.newest or BEFORE_ALL), waiting.terms)
        replace_sightings(session, contract.id, waiting.batch_ids, unmapped)
        replace_measures(session, contract.id, waiting.batch_ids, counted.measures)
        note_unusual(session, contract.id, waiting.batch_ids)

    run.transaction(record)


def _judge(
    spark: SparkSession,
    contract: Contract,
    waiting: Waiting,
    batch_ids: list[str],
    count: int,
    run: StageRun,
    stack: ExitStack,
    rows: DataFrame | None = None,
) -> DataFrame:
    """Return bronze rows judged and with their order, written out: those of some batches, or ``rows`` of them."""
    name = "judged" if rows is None else "judged_others"
    days = {batch: waiting.previous_dates[batch] for batch in batch_ids}
    orders = {batch: waiting.orders[batch] for batch in batch_ids}
    if rows is None:
        rows = bronze_rows(spark, contract).where(F.col("_batch_id").isin(batch_ids))
    judged = stack.enter_context(judged_rows(spark, rows, contract, previous_day(days), count, run, name))
    judged = judged.withColumn(ORDER, order_column(contract.source, orders))
    return judged.withColumn("_source_at", bounded_time(orders))


def _other_versions(
    spark: SparkSession,
    contract: Contract,
    waiting: Waiting,
    judged: DataFrame,
    counted: Counted,
    run: StageRun,
    stack: ExitStack,
) -> DataFrame | None:
    """Return all other sound versions of the records that may have been overtaken; None when there are none.

    What a batch confirmed leaves no trace in silver, and what a batch judged again refuses now may have hidden an
    older version; bronze has them all. Only what is older than something conformed before, or comes again, is
    looked up.
    """
    if not waiting.conformed:
        return None
    newest = waiting.newest or newest_version(spark, contract, waiting)
    if not (waiting.is_again or (counted.oldest or newest) < newest):
        return None
    asked = judged if waiting.is_again else judged.where(SOUND).where(F.col(ORDER) < literal_order(newest))
    count = sum(waiting.admitted.values())
    rows = earlier_versions(spark, contract, asked, count, waiting.conformed)
    rows = stack.enter_context(staged(spark, rows, run, "other_versions"))
    batches = [row["_batch_id"] for row in rows.select("_batch_id").distinct().collect()]
    if not batches:
        return None
    return _judge(spark, contract, waiting, batches, count, run, stack, rows).where(SOUND)


def _duplicates(
    spark: SparkSession, decision: Decision, waiting: Waiting, run: StageRun, stack: ExitStack
) -> DataFrame | None:
    """Return which rows of the waiting batches want another record's key, as ``ROW``."""
    if decision.duplicates is None:
        return None
    own = decision.duplicates.where(F.col("_batch_id").isin(waiting.batch_ids))
    return stack.enter_context(staged(spark, own, run, "duplicates"))


def _refused(judged: DataFrame, duplicates: DataFrame | None) -> DataFrame:
    """Return the rows to set aside, with ``places`` that name every reason."""
    unsound = judged.where(f"NOT ({SOUND})").withColumn("places", F.col("_places"))
    if duplicates is None:
        return unsound
    place = F.struct(F.lit("").alias("column"), F.lit("DUPLICATE_KEY").alias("reason"))
    second = judged.join(F.broadcast(duplicates.select(*ROW)), list(ROW), "left_semi")
    return unsound.unionByName(second.withColumn("places", F.array(place)))


def _count(judged: DataFrame, contract: Contract) -> Counted:
    """Return what one pass over the judged rows counts; a superseded version is accepted, it lives on in bronze."""
    grouped = judged.groupBy("_batch_id", F.expr(SOUND).alias("accepted"))
    groups = grouped.agg(
        F.count("*").alias("count"),
        F.expr(f"bool_or({HAS_UNMAPPED})").alias("unmapped"),
        F.expr("bool_or(size(_flags) > 0)").alias("flags"),
        F.expr("bool_or(_is_deleted)").alias("deletions"),
        F.min(ORDER).alias("oldest"),
        F.max(ORDER).alias("newest"),
        *[column.alias(alias) for alias, (*_, column) in measures_of(contract).items()],
    ).collect()
    sound = [row for row in groups if row["accepted"]]
    return Counted(
        {(row["_batch_id"], row["accepted"]): row["count"] for row in groups},
        has_unmapped=any(row["unmapped"] for row in groups),
        has_flags=any(row["flags"] for row in sound),
        has_deletions=any(row["deletions"] for row in sound),
        measures=read_measures(contract, sound),
        oldest=min((VersionOrder(*row["oldest"]) for row in sound), default=None),
        newest=max((VersionOrder(*row["newest"]) for row in sound), default=BEFORE_ALL),
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


def _write_silver(
    spark: SparkSession, rows: DataFrame, concerned: DataFrame | None, contract: Contract, run: StageRun
) -> int:
    """Bring what stands into silver and return its version: the first rows as they are, later ones merged."""
    silver = table_of(contract)
    if concerned is None:
        delta.fill(spark, rows, silver, contract.key)
    else:
        with staged(spark, rows, run, "silver") as standing:
            present = concerned.select(*contract.key)
            delta.bring(spark, standing, silver, contract.key, present=present, update_when=DIFFERS)
    return delta.current_version(spark, silver)


def _with_gone_columns(spark: SparkSession, rows: DataFrame, silver: Table) -> DataFrame:
    """Return ``rows`` with nothing in the columns of ``silver`` that the contract no longer has: no value stays."""
    gone = [f for f in delta.read(spark, silver).schema.fields if f.name not in rows.columns]
    return rows.select("*", *[F.lit(None).cast(f.dataType).alias(f.name) for f in gone])
