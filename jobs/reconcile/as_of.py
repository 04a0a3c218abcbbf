"""A base library as it was (双时态回溯): built again from statements, as known on one day and valid on another.

Recorded time (入库时间) asks what the platform knew; valid time (生效时间) what was so, by the days that sources give
their changes. With neither the answer is the library as it stands: the same rows, cell for cell, that reconcile wrote.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.layers import statement_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.reconcile.entities import assemble
from jobs.reconcile.statements import carried, newest_versions
from jobs.reconcile.verification import Cases
from jobs.runtime import delta
from jobs.runtime.row_hash import row_hash

ZONE = "Asia/Shanghai"


def standing_versions(
    spark: SparkSession, contract: Contract, recorded_on: date | None = None, valid_on: date | None = None
) -> DataFrame:
    """Return one row per entity and source: the newest version known by the one day and valid on the other."""
    rows = delta.read(spark, statement_of(contract))
    if recorded_on:
        rows = rows.where(F.col("recorded_on") <= F.lit(recorded_on))
    if valid_on:
        since = F.to_date(F.from_utc_timestamp("source_at", ZONE))
        rows = rows.where(F.col("source_at").isNull() | (since < F.lit(valid_on + timedelta(days=1))))
    return newest_versions(rows)


def library_as_of(
    spark: SparkSession, contract: Contract, recorded_on: date | None = None, valid_on: date | None = None
) -> DataFrame:
    """Return the living rows of a base library as known on ``recorded_on`` of what was so on ``valid_on``.

    Args:
        spark: the session.
        contract: the base library.
        recorded_on: business date up to which statements count; default all of them.
        valid_on: day, in Beijing time, up to whose end sources' changes count; default all of them.

    Returns:
        The contract's columns, ``_provenance``, ``_flags`` and the rest of ``assemble``; rules of authority, expiry
        and links are those of the day asked for, entities met by links those of today.
    """
    versions = standing_versions(spark, contract, recorded_on, valid_on)
    sources = [get_registry().get(resource) for resource in reconcile_of(contract).inputs]
    inputs = [(source, _as_silver(versions, contract, source)) for source in sources]
    day = recorded_on or get_settings().business_date
    known = {t for link in reconcile_of(contract).links for t in link.targets}
    tables = {t: table_of(get_registry().get(t)) for t in known}
    targets = {t: delta.current_version(spark, table) for t, table in tables.items() if delta.exists(spark, table)}
    return assemble(spark, contract, inputs, day, targets, Cases([], [])).where("_established").drop("_established")


def _as_silver(versions: DataFrame, contract: Contract, source: Contract) -> DataFrame:
    """Return what one source said, in columns again."""
    types = {p.name: p.spark_type for p in source.properties}
    said = F.map_from_entries(F.transform("statements", lambda s: F.struct(s["element"], s["value"])))
    rows = versions.where(F.col("source") == source.id).withColumn("_said", said)
    return rows.select(
        F.col("entity_key").alias(reconcile_of(contract).key),
        *[F.col("_said")[e].cast(types[e]).alias(e) for e in carried(contract, source)],
        F.col("record_key").alias("_record_key"),
        F.col("batch_id").alias("_batch_id"),
        F.col("flags").alias("_flags"),
    )


def digest(contract: Contract, rows: DataFrame) -> tuple[int, int]:
    """Return rows and a hash of what a library says, whatever the order of rows: equal libraries have equal digests.

    Times of recording and names of batches are not part of it: they differ with how deliveries were cut.
    """
    content = row_hash(*contract.columns, F.array_sort("_flags"))
    found = rows.agg(F.count("*").alias("rows"), F.sum(content.cast("decimal(38,0)")).alias("hash")).collect()[0]
    return int(found["rows"]), int(found["hash"] or 0)
