"""The newest version of every record (最新版本), also of what came late or is judged again (迟到与重放).

Invariant: whatever order deliveries arrive in, and however they are cut into runs, the same versions end as the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import bronze_of, set_aside_of
from catalog.model.version_order import BEFORE_ALL, VersionOrder
from jobs.conform.waiting import Waiting
from jobs.runtime import delta
from jobs.runtime.spark import sent_along
from jobs.runtime.versions import ORDER, of_batch, order_column

ROW = ("_batch_id", "_row_id")
"""What tells one bronze row from all others."""
PLACE = (ORDER, "_row_id")
"""By which of two versions is the newer one; the last part tells twins apart."""


def bronze_rows(spark: SparkSession, contract: Contract) -> DataFrame:
    """Return the rows of bronze, each with an identity.

    Rows of tables made before they had one are told apart by their number, or by what they say.
    """
    rows = delta.read(spark, bronze_of(contract))
    named = F.coalesce("_row_id", "_row_number", F.xxhash64("_record_key", "_row_hash"))
    return rows.withColumn("_row_id", named)


def record_columns(contract: Contract) -> list[str]:
    """Return the columns that identify a record: the key where it is the source's own, as it is written in standard."""
    return contract.key if is_own_key(contract) else ["_record_key"]


def is_own_key(contract: Contract) -> bool:
    """Tell whether the contract's key is the source's: then no two records can want one key."""
    return contract.source.key == contract.key


def without(rows: DataFrame, others: DataFrame | None) -> DataFrame:
    """Return ``rows`` but for the others."""
    if others is None:
        return rows
    return rows.join(F.broadcast(others.select(*ROW)), list(ROW), "left_anti")


def overtaken_versions(rows: DataFrame, contract: Contract) -> DataFrame | None:
    """Return which of ``rows`` have a newer version among them, as ``ROW``; None when each record comes once.

    Only records that come more than once are sorted.
    """
    record = record_columns(contract)
    repeated = rows.groupBy(*record).count().where("count > 1").select(*record)
    if not repeated.limit(1).collect():
        return None
    several = rows.join(repeated, record, "left_semi")
    newest = Window.partitionBy(*record).orderBy(*[F.col(c).desc() for c in PLACE])
    ranked = several.withColumn("_place", F.row_number().over(newest))
    return ranked.where("_place > 1").select(*ROW)


def earlier_versions(
    spark: SparkSession,
    contract: Contract,
    records: DataFrame,
    count: int,
    conformed: Sequence[str],
) -> DataFrame:
    """Return the bronze rows of some records in batches conformed before, but for those that are set aside.

    Args:
        spark: the session.
        contract: the resource.
        records: ``_record_key`` of the records.
        count: how many rows ``records`` has at most.
        conformed: the batches, without those that are judged now.
    """
    rows = bronze_rows(spark, contract).where(F.col("_batch_id").isin(list(conformed)))
    wanted = sent_along(records.select("_record_key").distinct(), count)
    rows = rows.join(wanted, "_record_key", "left_semi")
    aside = delta.read(spark, set_aside_of(contract))
    aside = aside.where(F.col("_batch_id").isin(list(conformed)))
    aside = aside.withColumn("_row_id", F.coalesce("_row_id", "_row_number"))
    return rows.join(aside.select(*ROW), list(ROW), "left_anti")


def newest_version(spark: SparkSession, contract: Contract, waiting: Waiting) -> VersionOrder:
    """Return the newest version of the batches conformed before, of a home that has not kept it."""
    rows = delta.read(spark, bronze_of(contract)).where(F.col("_batch_id").isin(waiting.conformed))
    rows = rows.withColumn("_is_deleted", F.col("_operation") == "D")
    orders = {batch: waiting.orders[batch] for batch in waiting.conformed}
    found = rows.agg(F.max(order_column(contract.source, orders)).alias("newest")).collect()
    return VersionOrder(*found[0]["newest"]) if found[0]["newest"] else BEFORE_ALL


def previous_day(days: dict[str, date | None]) -> Column:
    """Return the business date before that of a row's batch."""
    return of_batch(days, "date")
