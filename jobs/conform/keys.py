"""Who has a key (主键归属): which versions stand, and which want the key of another living record.

Invariant: a key has at most one living record, and a record lives under one key.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.key_claims import Claim, claimed_since, refused_claims
from jobs.conform.newest import PLACE, is_own_key, overtaken_versions, without
from jobs.runtime.spark import sent_along
from jobs.runtime.versions import ORDER


@dataclass(frozen=True)
class Decision:
    """What stands after a run."""

    newest: DataFrame
    """The newest version of every record that has its key, deletions included."""
    duplicates: DataFrame | None
    """Rows whose key is another living record's, as ``ROW``; None when there are none."""


def concerned_rows(silver: DataFrame, rows: DataFrame, count: int, contract: Contract) -> DataFrame:
    """Return the rows of ``silver`` whose key or record ``rows`` name, as far as decisions need them.

    Args:
        silver: the table.
        rows: judged rows.
        count: how many they are at most.
        contract: the resource.
    """
    wanted = [*contract.key, "_record_key", "_is_deleted", "_batch_id"]
    silver = silver.select(*dict.fromkeys(wanted))
    keys = rows.select(*contract.key).distinct()
    if is_own_key(contract):
        return silver.join(sent_along(keys, count), contract.key, "left_semi")
    named = sent_along(keys.withColumn("_is_named", F.lit(True)), count)
    records = rows.select("_record_key", F.lit(True).alias("_is_record")).distinct()
    found = silver.join(named, contract.key, "left")
    found = found.join(sent_along(records, count), "_record_key", "left")
    return found.where("_is_named OR _is_record").select(*silver.columns)


def decide(spark: SparkSession, sound: DataFrame, concerned: DataFrame | None, contract: Contract) -> Decision:
    """Return which of the ``sound`` versions stand.

    A version that is refused its key changes nothing, so the one before it may be the record's newest again.

    Args:
        spark: the session.
        sound: sound rows, with ``_order``; of records that came late or again all their versions.
        concerned: the rows of silver with their keys and records; None when silver is empty.
        contract: the resource.
    """
    if is_own_key(contract):
        sound = sound.where(F.concat(*[F.col(c).cast("string") for c in contract.key]).isNotNull())
        return Decision(without(sound, overtaken_versions(sound, contract)), None)
    refused: list[Row] = []
    left = sound
    while True:
        newest = without(left, overtaken_versions(left, contract))
        found = _refused(left, newest, concerned, contract)
        refused += found
        gone = _frame(spark, refused)
        if gone is None or not found:
            return Decision(newest, gone)
        left = without(sound, gone)
        if not _has_others(left, found):
            return Decision(without(newest, gone), gone)


def _has_others(left: DataFrame, refused: list[Row]) -> bool:
    """Tell whether a record whose newest version was refused has an older one among what is left."""
    records = [(row["_record_key"],) for row in refused]
    named = left.sparkSession.createDataFrame(records, "_record_key string")
    return bool(left.join(F.broadcast(named), "_record_key", "left_semi").limit(1).collect())


def _frame(spark: SparkSession, rows: list[Row]) -> DataFrame | None:
    if not rows:
        return None
    named = [(row["_batch_id"], row["_row_id"]) for row in rows]
    return spark.createDataFrame(named, "_batch_id string, _row_id bigint")


def _refused(left: DataFrame, newest: DataFrame, concerned: DataFrame | None, contract: Contract) -> list[Row]:
    """Return the newest versions that may not have the key they state; mostly no key is in question."""
    key = contract.key
    living = newest.where(~F.col("_is_deleted")).select(*key, "_record_key", *PLACE, "_batch_id")
    contested = living.groupBy(*key).count().where("count > 1").select(*key)
    held = None
    if concerned is not None:
        held = concerned.where(~F.col("_is_deleted"))
        held = held.select(*key, F.col("_record_key").alias("_holder"))
        clashing = living.join(held, key).where(F.col("_holder") != F.col("_record_key"))
        contested = contested.unionByName(clashing.select(*key)).distinct()
    rows = living.join(contested, key, "left_semi").collect()
    if not rows:
        return []
    holders: dict[Hashable, str] = {} if held is None else _holders(held, contested, key)
    wanted = {_key(row, key) for row in rows}
    leaving = _leaving(newest, set(holders.values()), key, wanted)
    by_record = {row["_record_key"]: row for row in rows}
    since = _claimed_since(left, living.join(contested, key, "left_semi"), key)
    claims = [Claim(record, _key(row, key), since[record]) for record, row in by_record.items()]
    return [by_record[claim.record] for claim in refused_claims(claims, holders, leaving)]


def _key(row: Row, key: list[str]) -> tuple[object, ...]:
    return tuple(row[column] for column in key)


def _claimed_since(left: DataFrame, claiming: DataFrame, key: list[str]) -> dict[str, tuple[int, ...]]:
    """Return each claiming record → the place of the version since which it states its key."""
    columns = ["_record_key", "_is_deleted", *key, *PLACE]
    rows = left.select(*columns).join(claiming.select("_record_key"), "_record_key", "left_semi").collect()
    versions: dict[str, list[tuple[tuple[int, ...], Hashable]]] = {}
    for row in rows:
        place = (*row[ORDER], row["_row_id"])
        versions.setdefault(row["_record_key"], []).append((place, None if row["_is_deleted"] else _key(row, key)))
    return {record: claimed_since(own) for record, own in versions.items()}


def _holders(held: DataFrame, contested: DataFrame, key: list[str]) -> dict[Hashable, str]:
    """Return key in question → the record that has it in silver."""
    found = held.join(contested, key, "left_semi").collect()
    return {_key(row, key): row["_holder"] for row in found}


def _leaving(newest: DataFrame, holders: set[str], key: list[str], wanted: set[tuple[object, ...]]) -> set[str]:
    """Return the holders that this run deletes, or moves to a key that nobody disputes."""
    if not holders:
        return set()
    spark = newest.sparkSession
    named = spark.createDataFrame([(holder,) for holder in sorted(holders)], "_record_key string")
    rows = newest.join(F.broadcast(named), "_record_key", "left_semi")
    found = rows.select("_record_key", "_is_deleted", *key).collect()
    # A holder that wants another disputed key leaves only if it gets it, which refused_claims decides.
    return {row["_record_key"] for row in found if row["_is_deleted"] or _key(row, key) not in wanted}
