"""One record per key (主键归一): newer versions of one record supersede, another record with the same key is set aside.

Invariant: without the losing rows every key has at most one row, so the MERGE cannot double it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from jobs.runtime.spark import sent_along

_NEWEST = ("_source_at", "_row_number", "_batch_id")


def concerned_rows(silver: DataFrame, sound: DataFrame, rows: int, contract: Contract) -> DataFrame:
    """Return key, record and standing of the rows of ``silver`` whose key or record the ``sound`` rows name.

    Args:
        silver: the table.
        sound: rows of a batch.
        rows: how many they are at most.
        contract: the resource.

    Returns:
        The contract's key columns, ``_record_key`` and ``_is_deleted``.
    """
    silver = silver.select(*dict.fromkeys([*contract.key, "_record_key", "_is_deleted"]))
    keys = sound.select(*contract.key).distinct()
    if contract.source.key == contract.key:
        return silver.join(sent_along(keys, rows), contract.key, "left_semi")
    keyed = silver.join(sent_along(keys.withColumn("_is_named", F.lit(True)), rows), contract.key, "left")
    records = sound.select("_record_key", F.lit(True).alias("_is_record")).distinct()
    found = keyed.join(sent_along(records, rows), "_record_key", "left").where("_is_named OR _is_record")
    return found.select(*silver.columns)


def still_current(sound: DataFrame, silver: DataFrame, later: Sequence[str], rows: int) -> DataFrame:
    """Return the ``sound`` rows of a replayed batch that no newer version of the same record has overtaken.

    A row that an unknown code kept aside may meanwhile have been sent again, corrected, under another key or deleted.

    Args:
        sound: rows of the batch.
        silver: the table.
        later: the batches that arrived after it; they win where the source times are equal.
        rows: how many ``sound`` has at most.
    """
    batch = sound.select(*ROW, F.col("_source_at").alias("_sent_at"))
    held = silver.select("_record_key", F.col("_source_at").alias("_held_at"), F.col("_batch_id").alias("_held_by"))
    met = held.join(sent_along(batch, rows), "_record_key")
    is_tie = (F.col("_held_at") == F.col("_sent_at")) & F.col("_held_by").isin(list(later))
    overtaken = met.where((F.col("_held_at") > F.col("_sent_at")) | is_tie).select(*ROW).distinct()
    return sound.join(overtaken, list(ROW), "left_anti")


def losing_rows(sound: DataFrame, contract: Contract, concerned: DataFrame | None) -> DataFrame | None:
    """Return which rows do not stand, as ``_batch_id``, ``_row_number``, ``_record_key`` and ``_standing``.

    The first record that establishes a key keeps it while it lives; a second record (another ``_record_key``) with the
    same key is a *duplicate* for a person to decide on. Of several versions of one record the latest stands, the others
    are *superseded*. Only keys in question are sorted; None means that every key is its record's own, once.
    """
    repeated = sound.groupBy(*contract.key).count().where("count > 1").select(*contract.key)
    owners = _owners(sound, contract, concerned)
    is_repeated = bool(repeated.limit(1).collect())
    if owners is None or not owners.limit(1).collect():
        if not is_repeated:
            return None
        owners = repeated.limit(0).withColumn("_owner", F.lit(None).cast("string"))
    questioned = repeated.unionByName(owners.select(*contract.key)).distinct()
    contested = sound.join(questioned, contract.key, "left_semi")
    return _decide(contested, owners, contract.key).where("_standing <> 'stands'").select(*ROW, "_standing")


ROW = ("_batch_id", "_row_number", "_record_key")
"""What tells one bronze row from all others."""


def without(rows: DataFrame, losers: DataFrame | None) -> DataFrame:
    """Return ``rows`` but for the losing ones."""
    return rows if losers is None else rows.join(F.broadcast(losers.select(*ROW)), list(ROW), "left_anti")


def _decide(rows: DataFrame, owners: DataFrame, key: list[str]) -> DataFrame:
    """Return contested rows with their standing."""
    first = F.first("_record_key").over(Window.partitionBy(*key).orderBy(*[F.col(c).asc() for c in _NEWEST]))
    newest = Window.partitionBy(*key, "_record_key").orderBy(*[F.col(c).desc() for c in _NEWEST])
    is_newest = F.row_number().over(newest) == 1
    is_holder = F.col("_record_key") == F.coalesce(F.col("_owner"), first)
    standing = F.when(~is_holder, "duplicate").when(is_newest, "stands").otherwise("superseded")
    return rows.join(F.broadcast(owners), key, "left").withColumn("_standing", standing)


def _owners(rows: DataFrame, contract: Contract, concerned: DataFrame | None) -> DataFrame | None:
    """Return the keys of this batch that another living record of silver holds, with that record as ``_owner``.

    A record that the batch itself deletes no longer holds its key. Where the key is the record there is no other.
    """
    if concerned is None or contract.source.key == contract.key:
        return None
    live = concerned.where(~F.col("_is_deleted")).select(*contract.key, F.col("_record_key").alias("_owner"))
    batch = rows.select(*contract.key, "_record_key").distinct()
    deleted = rows.where("_is_deleted").select(F.col("_record_key").alias("_owner")).distinct()
    clashing = live.join(F.broadcast(batch), contract.key).where(F.col("_owner") != F.col("_record_key"))
    return clashing.select(*contract.key, "_owner").distinct().join(deleted, "_owner", "left_anti")


def moved_keys(standing: DataFrame, contract: Contract, concerned: DataFrame) -> DataFrame:
    """Return the keys of living rows of silver whose record now stands under another key that no standing row takes.

    A department that corrects a citizen number sends the same record with a new key; the old key must not live on.

    Returns:
        The old key, with ``_new_batch_id`` and ``_new_source_at`` of the row that moved.
    """
    live = concerned.where(~F.col("_is_deleted"))
    new = standing.select(
        F.struct(*contract.key).alias("_new_key"),
        *[F.col(c).alias(f"_new{c}") for c in ("_record_key", "_batch_id", "_source_at")],
    )
    moved = live.join(new, live["_record_key"] == new["_new_record_key"])
    moved = moved.where(F.struct(*contract.key) != F.col("_new_key"))
    left = moved.select(*contract.key, "_new_batch_id", "_new_source_at")
    return left.join(standing.select(*contract.key), contract.key, "left_anti")


def tombstones(silver: DataFrame, moved: DataFrame, contract: Contract) -> DataFrame:
    """Return the rows of ``silver`` under the ``moved`` keys, as deleted by the batch that moved them."""
    rows = silver.join(F.broadcast(moved), contract.key)
    stamps = {"_batch_id": F.col("_new_batch_id"), "_source_at": F.col("_new_source_at"), "_is_deleted": F.lit(True)}
    return rows.withColumns(stamps).select(*silver.columns)
