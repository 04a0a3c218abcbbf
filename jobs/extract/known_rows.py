"""What bronze knows already (已知数据): rows not to be laid down twice, and records that are still alive."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import bronze_of
from jobs.runtime import delta

VERSION_COLUMNS = ("_record_key", "_row_hash", "_source_at")


def earlier_rows(spark: SparkSession, contract: Contract, batch_id: str) -> DataFrame:
    """Return the bronze rows of all other batches.

    The rows of ``batch_id`` itself are left out: an earlier try of the same batch is about to be replaced.
    """
    return delta.read(spark, bronze_of(contract)).where(F.col("_batch_id") != batch_id)


def without_same_version(rows: DataFrame, earlier: DataFrame, since: datetime | None) -> DataFrame:
    """Return ``rows`` whose very version (record, content, time of change) is not among the earlier ones.

    Content alone would not do: a value that was changed and changed back is a new version.
    """
    if since is not None:
        earlier = earlier.where(F.col("_source_at").isNull() | (F.col("_source_at") >= F.lit(since)))
    known = earlier.select(*[F.col(c).alias(f"known{c}") for c in VERSION_COLUMNS])
    same: Column = F.lit(True)
    for column in VERSION_COLUMNS:
        same = same & F.col(column).eqNullSafe(F.col(f"known{column}"))
    return rows.join(known, same, "left_anti")


def without_same_cursor(rows: DataFrame, earlier: DataFrame, above: int) -> DataFrame:
    """Return feed ``rows`` that are not among the earlier ones: another cursor value, or one given out anew."""
    columns = ["_row_number", "_record_key", "_row_hash"]
    known = earlier.where(F.col("_row_number") > above).select(*columns)
    return rows.join(known, columns, "left_anti").select(*rows.columns)


def without_unchanged(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    """Return ``rows`` that differ from the latest version of their record, or whose record is new or was deleted."""
    latest = latest_versions(earlier, "_row_hash").where("_operation <> 'D'")
    known = latest.select(F.col("_record_key").alias("known_key"), F.col("_row_hash").alias("known_hash"))
    same = (F.col("_record_key") == F.col("known_key")) & (F.col("_row_hash") == F.col("known_hash"))
    return rows.join(known, same, "left_anti")


def latest_versions(earlier: DataFrame, *columns: str) -> DataFrame:
    """Return the latest row of each record: its key, operation and ``columns``."""
    kept = ["_operation", *columns]
    order = F.struct("_received_at", F.coalesce("_row_number", F.lit(0)), *kept)
    latest = earlier.groupBy("_record_key").agg(F.max(order).alias("latest"))
    return latest.select("_record_key", *[F.col(f"latest.{column}").alias(column) for column in kept])


def record_states(earlier: DataFrame) -> DataFrame:
    """Return each record with ``_is_alive`` and the time of change of its newest version, without sorting."""
    deleted = F.col("_operation") == "D"
    states = earlier.groupBy("_record_key").agg(
        F.max(F.when(~deleted, F.col("_received_at"))).alias("_seen_at"),
        F.max(F.when(deleted, F.col("_received_at"))).alias("_deleted_at"),
        F.max_by("_source_at", F.when(~deleted, F.col("_received_at"))).alias("_seen_change"),
    )
    alive = F.col("_seen_at").isNotNull() & (F.col("_deleted_at").isNull() | (F.col("_seen_at") > F.col("_deleted_at")))
    return states.select("_record_key", "_seen_change", F.coalesce(alive, F.lit(False)).alias("_is_alive"))
