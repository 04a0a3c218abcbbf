"""One record per key (主键归一): newer versions of one record supersede, another record with the same key is set aside.

Invariant: after :func:`settle`, every key has at most one row that stands, so the MERGE cannot double it.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import Table
from jobs.runtime import delta

_NEWEST = ("_source_at", "_row_number", "_batch_id")


def settle(spark: SparkSession, judged: DataFrame, contract: Contract, silver: Table) -> DataFrame:
    """Return ``judged`` with ``_standing``: stands, superseded, duplicate or unsound.

    The first record that establishes a key keeps it while it lives; a second record (another ``_record_key``) with the
    same key is a duplicate for a person to decide on. Of several versions of one record the latest stands. Only keys
    in question are sorted.
    """
    sound = F.size("_places") == 0
    rows = judged.where(sound)
    unsound = judged.where(~sound).withColumn("_standing", F.lit("unsound"))
    repeated = rows.groupBy(*contract.key).count().where("count > 1").select(*contract.key)
    owners = _owners(spark, rows, contract, silver)
    if not repeated.limit(1).collect() and not owners.limit(1).collect():
        return unsound.unionByName(rows.withColumn("_standing", F.lit("stands")))
    questioned = repeated.unionByName(owners.select(*contract.key)).distinct()
    plain = rows.join(questioned, contract.key, "left_anti").withColumn("_standing", F.lit("stands"))
    contested = _decide(rows.join(questioned, contract.key, "left_semi"), owners, contract.key)
    return unsound.unionByName(plain.select(unsound.columns)).unionByName(contested.select(unsound.columns))


def _decide(rows: DataFrame, owners: DataFrame, key: list[str]) -> DataFrame:
    """Return contested rows with their standing."""
    first = F.first("_record_key").over(Window.partitionBy(*key).orderBy(*[F.col(c).asc() for c in _NEWEST]))
    newest = Window.partitionBy(*key, "_record_key").orderBy(*[F.col(c).desc() for c in _NEWEST])
    is_newest = F.row_number().over(newest) == 1
    is_holder = F.col("_record_key") == F.coalesce(F.col("_owner"), first)
    standing = F.when(~is_holder, "duplicate").when(is_newest, "stands").otherwise("superseded")
    return rows.join(F.broadcast(owners), key, "left").withColumn("_standing", standing).drop("_owner")


def _owners(spark: SparkSession, rows: DataFrame, contract: Contract, silver: Table) -> DataFrame:
    """Return the keys of this batch that another living record of silver holds, with that record as ``_owner``.

    A record that the batch itself deletes no longer holds its key.
    """
    live = delta.read(spark, silver).where(~F.col("_is_deleted"))
    live = live.select(*contract.key, F.col("_record_key").alias("_owner"))
    batch = rows.select(*contract.key, "_record_key").distinct()
    deleted = rows.where("_is_deleted").select(F.col("_record_key").alias("_owner")).distinct()
    clashing = live.join(F.broadcast(batch), contract.key).where(F.col("_owner") != F.col("_record_key"))
    return clashing.select(*contract.key, "_owner").distinct().join(deleted, "_owner", "left_anti")


def moved_keys(spark: SparkSession, standing: DataFrame, contract: Contract, silver: Table) -> DataFrame:
    """Return tombstones for living rows of silver whose record now stands under another key.

    A department that corrects a citizen number sends the same record with a new key; the old key must not live on.
    """
    live = delta.read(spark, silver).where(~F.col("_is_deleted"))
    new = standing.select(
        F.struct(*contract.key).alias("_new_key"),
        *[F.col(c).alias(f"_new{c}") for c in ("_record_key", "_batch_id", "_source_at")],
    )
    moved = live.join(F.broadcast(new), live["_record_key"] == new["_new_record_key"])
    moved = moved.where(F.struct(*contract.key) != F.col("_new_key"))
    return (
        moved.withColumn("_batch_id", F.col("_new_batch_id"))
        .withColumn("_source_at", F.col("_new_source_at"))
        .withColumn("_is_deleted", F.lit(True))
        .select(*live.columns)
    )
