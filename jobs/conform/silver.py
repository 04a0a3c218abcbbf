"""The rows that a run writes into silver (标准层写入行): what lives, what ended, and keys that were given up.

Invariant: no key is written twice, and no living row stays under a key that its record gave up.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import table_of
from jobs.conform.newest import PLACE, is_own_key
from jobs.conform.tables import silver_columns
from jobs.conform.waiting import Waiting
from jobs.runtime import delta
from jobs.runtime.row_hash import row_hash
from jobs.runtime.versions import ORDER

_STAMPS = ("_batch_id", "_source_at", "_source", "_source_file", "_row_number", "_row_id", ORDER)
"""Columns of a tombstone that tell which version ended the record."""
_COMPUTED = ("_row_hash", "_recorded_at")


def silver_rows(
    spark: SparkSession,
    newest: DataFrame,
    concerned: DataFrame | None,
    contract: Contract,
    waiting: Waiting,
    *,
    ends: bool,
) -> DataFrame:
    """Return what is to stand under each key that the run touches, in the columns of silver.

    Args:
        spark: the session.
        newest: the newest version of every record that has its key, deletions included.
        concerned: the rows of silver with those keys or records; None when silver is empty.
        contract: the resource.
        waiting: the batches of the run.
        ends: whether any of the versions may be a deletion.
    """
    columns = [c[0] for c in silver_columns(contract)]
    kept = [c for c in columns if c not in _COMPUTED]
    parts = [living_rows(newest).select(*kept)]
    if ends:
        parts.append(deletions(newest, concerned, contract).select(*kept))
    if concerned is not None:
        before = delta.read(spark, table_of(contract))
        if ends or not is_own_key(contract):
            left = left_keys(newest, concerned, contract)
            parts.append(tombstones(before, left, contract).select(*kept))
        if waiting.is_again:
            left = orphaned_keys(newest, concerned, waiting.batch_ids, contract)
            parts.append(tombstones(before, left, contract).select(*kept))
    hashed = row_hash(*contract.columns, "_flags", "_is_deleted")
    rows = reduce(DataFrame.unionByName, parts).withColumn("_row_hash", hashed)
    return rows.withColumn("_recorded_at", F.current_timestamp()).select(*columns)


def living_rows(newest: DataFrame) -> DataFrame:
    """Return the versions to put under their key as they are."""
    return newest.where(~F.col("_is_deleted"))


def deletions(newest: DataFrame, concerned: DataFrame | None, contract: Contract) -> DataFrame:
    """Return the deletions to put under their key: of records that silver does not have living, at keys that are free.

    A department may tell of a record's end before anybody heard of it, or under a key that was never its own.
    """
    key = contract.key
    gone = newest.where("_is_deleted").where(F.concat(*[F.col(c).cast("string") for c in key]).isNotNull())
    gone = gone.join(living_rows(newest).select(*key), key, "left_anti")
    last = Window.partitionBy(*key).orderBy(*[F.col(c).desc() for c in PLACE])
    gone = gone.withColumn("_place", F.row_number().over(last)).where("_place = 1").drop("_place")
    if concerned is None:
        return gone
    here = concerned.select(*key, F.col("_record_key").alias("_holder"), F.col("_is_deleted").alias("_ended"))
    met = gone.join(here, key, "left")
    free = F.col("_holder").isNull() | (F.col("_ended") & (F.col("_holder") == F.col("_record_key")))
    living = concerned.where(~F.col("_is_deleted")).select("_record_key").distinct()
    return met.where(free).drop("_holder", "_ended").join(living, "_record_key", "left_anti")


def left_keys(newest: DataFrame, concerned: DataFrame, contract: Contract) -> DataFrame:
    """Return the keys of living rows of silver that their record gave up, and nobody took.

    Returns:
        The key, and the stamps of the version that left it, each named ``_new…``.
    """
    key = contract.key
    version = newest.select(
        F.struct(*key).alias("_new_key"),
        F.col("_is_deleted").alias("_ends"),
        F.col("_record_key"),
        *[F.col(stamp).alias(f"_new{stamp}") for stamp in _STAMPS],
    )
    living = concerned.where(~F.col("_is_deleted")).select(*dict.fromkeys([*key, "_record_key"]))
    met = living.join(version, "_record_key")
    left = met.where(F.col("_ends") | ~F.struct(*key).eqNullSafe(F.col("_new_key")))
    left = left.select(*key, *[f"_new{stamp}" for stamp in _STAMPS])
    return left.join(living_rows(newest).select(*key), key, "left_anti")


def orphaned_keys(newest: DataFrame, concerned: DataFrame, batch_ids: list[str], contract: Contract) -> DataFrame:
    """Return the keys of living rows of silver that a batch judged again no longer says, and no other ever said."""
    living = concerned.where(~F.col("_is_deleted")).where(F.col("_batch_id").isin(batch_ids))
    own = living.join(newest.select("_record_key").distinct(), "_record_key", "left_anti")
    return own.select(*contract.key)


def tombstones(silver: DataFrame, left: DataFrame, contract: Contract) -> DataFrame:
    """Return the rows of ``silver`` under the ``left`` keys as deleted, by the version that left them where known."""
    rows = silver.join(F.broadcast(left), contract.key)
    stamps = {s: F.col(f"_new{s}") for s in _STAMPS if f"_new{s}" in left.columns}
    return rows.withColumns({**stamps, "_is_deleted": F.lit(True)}).select(*silver.columns)
