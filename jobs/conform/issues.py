"""Issues after a batch was judged (问题台账更新): what waits now, and what came again since it was set aside.

Invariant: the rows that wait are the rows set aside but for those in ``ops.closed__…``; neither table is ever edited
by hand, and a replay of a batch replaces what that batch wrote in both.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.issues import ClosedRows, IssueCount, concerned_batches, settle, was_settled
from catalog.control.session import in_transaction
from catalog.model.contract import Contract
from catalog.model.layers import closed_of, set_aside_of
from catalog.model.registry import get_registry
from catalog.model.rule_digest import rule_digest
from jobs.conform.newest import ROW
from jobs.runtime import delta
from jobs.runtime.delta import ColumnSpec
from jobs.runtime.stage import StageRun
from jobs.runtime.versions import ORDER, no_order

CLOSED_COLUMNS: list[ColumnSpec] = [
    ("_batch_id", "string", "关闭该行的批次"),
    ("_aside_batch_id", "string", "搁置该行的批次"),
    ("_row_number", "bigint", "来源行号"),
    ("_row_id", "bigint", "行标识"),
    ("_record_key", "string", "源记录标识"),
    ("places", "array<struct<column:string,reason:string>>", "问题所在"),
    ("how", "string", "关闭方式"),
    ("_closed_at", "timestamp", "关闭时间"),
]


def settle_issues(
    spark: SparkSession,
    contract: Contract,
    judged: DataFrame,
    duplicates: DataFrame | None,
    batch_ids: Sequence[str],
    run: StageRun,
    *,
    has_refused: bool,
    has_flags: bool,
) -> None:
    """Bring the issues of a resource to what the judged batches left behind.

    Args:
        spark: the session.
        contract: the resource.
        judged: the rows of ``batch_ids``, as judged.
        duplicates: which of them are a second record of a key, if any.
        batch_ids: the batches, in the order they arrived.
        run: the stage's run.
        has_refused: whether any of the rows is set aside.
        has_flags: whether any of the rows that stand has a flag.
    """
    concerned = in_transaction(lambda session: concerned_batches(session, contract.id, batch_ids))
    is_replay = in_transaction(lambda session: was_settled(session, batch_ids))
    closings: list[ClosedRows] = []
    counts: list[IssueCount] = []
    if has_refused or concerned != set(batch_ids):
        brought = _brought(judged, duplicates)
        closings = _close(spark, contract, brought, sorted(concerned), batch_ids, is_replay=is_replay)
    if has_refused or is_replay or closings:
        counts = _waiting(_open_rows(spark, contract, sorted(concerned)))
    elif has_flags:
        concerned = set(batch_ids)
    else:
        return
    if has_flags:
        counts += _flagged(judged)
    digest = rule_digest(contract, get_registry())
    run.transaction(
        lambda session: settle(
            session,
            resource=contract.id,
            department=contract.government.department,
            judged_under=digest,
            batch_ids=batch_ids,
            counts=counts,
            closings=closings,
            concerned=concerned,
        )
    )


def _brought(judged: DataFrame, duplicates: DataFrame | None) -> DataFrame:
    """Return every judged row with what it means for an older row of the same record."""
    refused = F.size("_places") > 0
    rows = judged
    if duplicates is not None:
        marks = duplicates.select(*ROW, F.lit(True).alias("_is_duplicate"))
        rows = judged.join(F.broadcast(marks), list(ROW), "left")
        refused = refused | F.coalesce(F.col("_is_duplicate"), F.lit(False))
    how = F.when(refused, "sent_again").when(F.col("_is_deleted"), "withdrawn").otherwise("mended")
    return rows.select("_record_key", "_batch_id", ORDER, "_row_id", how.alias("how"))


def _close(
    spark: SparkSession,
    contract: Contract,
    brought: DataFrame,
    concerned: Sequence[str],
    batch_ids: Sequence[str],
    *,
    is_replay: bool,
) -> list[ClosedRows]:
    """Write which waiting rows came again in ``batch_ids``, and return them counted.

    Mostly none did, and nothing is written, unless an earlier try may have to be replaced.
    """
    waiting = _open_rows(spark, contract, concerned, but_closed_by=batch_ids)
    old = waiting.select(
        F.col("_record_key"),
        F.col("_batch_id").alias("_aside_batch_id"),
        F.col("_row_number").alias("_aside_number"),
        F.col("_row_id").alias("_aside_row"),
        F.struct(F.coalesce(ORDER, no_order()).alias("order"), F.col("_row_id").alias("row")).alias("_old"),
        "places",
    )
    new = brought.select(
        "_record_key",
        F.struct(F.col(ORDER).alias("order"), F.col("_row_id").alias("row")).alias("_new"),
        F.struct(F.col("_batch_id").alias("by"), "how").alias("_by"),
    )
    met = new.join(old, "_record_key").where("_new > _old")
    aside = ["_record_key", "_aside_batch_id", "_aside_row", "_aside_number", "places"]
    last = met.groupBy(*aside).agg(F.max_by("_by", "_new").alias("b"))
    rows = last.select(
        F.col("b.by").alias("_batch_id"),
        "_aside_batch_id",
        F.col("_aside_number").alias("_row_number"),
        F.col("_aside_row").alias("_row_id"),
        "_record_key",
        "places",
        F.col("b.how").alias("how"),
        F.current_timestamp().alias("_closed_at"),
    )
    place = F.explode("places").alias("place")
    counted = rows.select("_batch_id", "_aside_batch_id", "how", place).groupBy(
        "_batch_id", "_aside_batch_id", "how", "place.column", "place.reason"
    )
    found = counted.count().collect()
    if found or (is_replay and delta.exists(spark, closed_of(contract))):
        delta.ensure(spark, closed_of(contract), CLOSED_COLUMNS)
        delta.replace_batches(spark, rows, closed_of(contract), batch_ids)
    return [
        ClosedRows(r["_aside_batch_id"], r["column"], r["reason"], r["how"], r["_batch_id"], r["count"]) for r in found
    ]


def _open_rows(
    spark: SparkSession, contract: Contract, batch_ids: Sequence[str], but_closed_by: Sequence[str] = ()
) -> DataFrame:
    """Return the rows of ``batch_ids`` that are set aside and wait; closings by ``but_closed_by`` do not count."""
    rows = delta.read(spark, set_aside_of(contract)).where(F.col("_batch_id").isin(list(batch_ids)))
    rows = rows.withColumn("_row_id", _identity())
    if not delta.exists(spark, closed_of(contract)):
        return rows
    closed = delta.read(spark, closed_of(contract)).where(~F.col("_batch_id").isin(list(but_closed_by)))
    closed = closed.select(F.col("_aside_batch_id").alias("_batch_id"), _identity(), "_record_key")
    return rows.join(closed, ["_batch_id", "_row_id", "_record_key"], "left_anti")


def _identity() -> Column:
    """Return the identity of a row in its batch; rows set aside before they had one are known by their number."""
    return F.coalesce("_row_id", "_row_number").alias("_row_id")


def _waiting(rows: DataFrame) -> list[IssueCount]:
    groups = rows.select("_batch_id", F.explode("places").alias("place"))
    groups = groups.groupBy("_batch_id", "place.column", "place.reason").count()
    return [IssueCount(r["_batch_id"], "set_aside", r["column"], r["reason"], r["count"]) for r in groups.collect()]


def _flagged(judged: DataFrame) -> list[IssueCount]:
    rows = judged.where("size(_places) = 0 AND size(_flags) > 0").select("_batch_id", F.explode("_flags").alias("flag"))
    groups = rows.groupBy("_batch_id", "flag").count().collect()
    return [IssueCount(r["_batch_id"], "flagged", "", r["flag"], r["count"]) for r in groups]
