"""What bronze knows already (已知数据): rows not to be laid down twice, and records that are still alive.

Known is only what was accepted: rows that a command left behind when it died, or that are held, are not in force. What
came later is told by the batches' arrival numbers, never by a clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, SparkSession, Window, WindowSpec
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import bronze_of
from jobs.runtime import delta

ARRIVAL = "_arrival"
NEVER = -(1 << 63)
"""Stands for a record without a time of change: unlike null it equals itself."""


def earlier_rows(spark: SparkSession, contract: Contract, arrivals: Mapping[str, int]) -> DataFrame:
    """Return the bronze rows of some batches, with the ``_arrival`` of each.

    Args:
        spark: the session.
        contract: the resource.
        arrivals: batch → arrival number, of the batches that were accepted.
    """
    batches = spark.createDataFrame(list(arrivals.items()), f"_batch_id string, {ARRIVAL} bigint")
    return delta.read(spark, bronze_of(contract)).join(F.broadcast(batches), "_batch_id")


def without_same_cursor(rows: DataFrame, earlier: DataFrame, above: int | None) -> DataFrame:
    """Return feed ``rows`` that are not among the earlier ones: another cursor value, or one given out anew."""
    columns = ["_row_number", "_record_key", "_row_hash"]
    if above is not None:
        earlier = earlier.where(F.col("_row_number") > above)
    return rows.join(earlier.select(*columns), columns, "left_anti").select(*rows.columns)


def without_unchanged(rows: DataFrame, earlier: DataFrame, *, is_timed: bool = False) -> DataFrame:
    """Return ``rows`` of a live source whose record is new, was deleted, or says something else than it said last.

    Only the latest version counts: a value that was changed and changed back is a new one. A table without a key of its
    own may have several rows of one record; they are compared together and come again together, or one of them would
    differ from the other at every reading.

    Args:
        rows: what the source says now.
        earlier: bronze rows with ``_arrival``.
        is_timed: whether another time of change is another version, even of the same content.
    """
    version = [F.col("_row_hash"), F.coalesce(F.unix_micros("_source_at"), F.lit(NEVER))]
    said = F.xxhash64(*version) if is_timed else F.col("_row_hash")
    together = Window.partitionBy("_record_key")
    now = rows.withColumn("_said", said).withColumn("_said", _of_all("_said", together))
    told = earlier.withColumn("_said", said).groupBy("_record_key", ARRIVAL)
    stood = told.agg(_of_all("_said").alias("_said"), F.bool_or(F.col("_operation") == "D").alias("_is_deleted"))
    latest = stood.groupBy("_record_key").agg(F.max_by(F.struct("_said", "_is_deleted"), ARRIVAL).alias("_last"))
    known = latest.where("NOT _last._is_deleted").select(
        F.col("_record_key").alias("_known_key"), F.col("_last._said").alias("_known_said")
    )
    same = (F.col("_record_key") == F.col("_known_key")) & (F.col("_said") == F.col("_known_said"))
    return now.join(known, same, "left_anti").select(*rows.columns)


def _of_all(column: str, together: WindowSpec | None = None) -> Column:
    """Return what the rows of one record say together, in whatever order they come."""
    parts = {"rows": F.count(F.lit(1)), "least": F.min(column), "most": F.max(column), "mixed": F.bit_xor(column)}
    return F.struct(*[(part if together is None else part.over(together)).alias(n) for n, part in parts.items()])


def record_states(earlier: DataFrame) -> DataFrame:
    """Return each record with ``_is_alive`` and the time of change of its newest version, without sorting."""
    deleted = F.col("_operation") == "D"
    states = earlier.groupBy("_record_key").agg(
        F.max(F.when(~deleted, F.col(ARRIVAL))).alias("_seen"),
        F.max(F.when(deleted, F.col(ARRIVAL))).alias("_deleted"),
        F.max_by("_source_at", F.when(~deleted, F.col(ARRIVAL))).alias("_seen_change"),
    )
    alive = F.col("_seen").isNotNull() & (F.col("_deleted").isNull() | (F.col("_seen") > F.col("_deleted")))
    return states.select("_record_key", "_seen_change", F.coalesce(alive, F.lit(False)).alias("_is_alive"))
