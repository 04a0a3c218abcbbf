"""What the pipeline recorded about single records and files (检出记录), from the lake and the control plane.

Tables inside the lake have deletion vectors, which only Spark reads. Each is asked for by itself, several at a time:
one query over all of them takes twice as long, most of it planning.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.model.contract import Contract
from catalog.model.layers import Table, conflict_of, set_aside_of, table_of
from infra.run.account import findings_upto_now
from infra.run.faults import Evidence, codes_at
from infra.stack import StackError
from jobs.runtime.spark import expect_rows

TRIES = 5
AT_A_TIME = 3
_ABSENT = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST")


def collect(spark_remote: str, contracts: Sequence[Contract]) -> list[Evidence]:
    """Return everything recorded about rows of ``contracts``, whenever it was recorded.

    Raises:
        StackError: when the lake cannot be read.
    """
    trouble: Exception | None = None
    for _ in range(TRIES):
        try:
            spark = SparkSession.builder.remote(spark_remote).create()
            try:
                return _collect(spark, contracts)
            finally:
                spark.stop()
        except (PySparkException, OSError) as error:
            trouble = error
            time.sleep(3)
    raise StackError(f"the lake cannot be read: {trouble}", place="spark", remedy="see the log spark.log")


def delivery_evidence(session: Session) -> list[Evidence]:
    """Return what was recorded about files; a file is known by its name, whichever sheet the note is about."""
    notes = findings_upto_now(session, codes_at("delivery"))
    named = [(note, PurePath(note.place.split(", sheet ")[0]).name) for note in notes]
    return [Evidence("delivery", note.reason_code, note.resource, name) for note, name in named]


def set_aside_reasons(spark_remote: str, contract: Contract) -> dict[str, int]:
    """Return reason → rows set aside so far for one contract."""
    spark = SparkSession.builder.remote(spark_remote).create()
    try:
        rows = _read(spark, set_aside_of(contract))
        if rows is None:
            return {}
        reasons = rows.select(F.explode("reasons").alias("reason")).groupBy("reason").count()
        return {row["reason"]: row["count"] for row in reasons.orderBy(F.desc("count")).collect()}
    finally:
        spark.stop()


def _collect(spark: SparkSession, contracts: Sequence[Contract]) -> list[Evidence]:
    expect_rows(spark, 0)
    frames: list[DataFrame] = []
    for contract in contracts:
        parts = {"silver": _of_silver, "base": _of_base}.get(contract.government.layer)
        frames += parts(spark, contract) if parts else []
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        found = [row for rows in threads.map(DataFrame.collect, frames) for row in rows]
    return [Evidence(row["place"], row["code"], row["resource"], row["record_key"]) for row in found]


def _of_silver(spark: SparkSession, contract: Contract) -> list[DataFrame]:
    frames = []
    for table, column in ((set_aside_of(contract), "reasons"), (table_of(contract), "_flags")):
        rows = _read(spark, table)
        if rows is not None:
            rows = rows.where(F.size(column) > 0)
            rows = rows.select(F.explode(column).alias("code"), F.col("_record_key").alias("record_key"))
            rows = rows.where(F.col("code").isin(codes_at("row")))
            frames.append(_named(rows, "row", F.lit(contract.id)))
    return frames


def _of_base(spark: SparkSession, contract: Contract) -> list[DataFrame]:
    """Return flags traced to the source records by the row's provenance, and disagreements with the other record."""
    frames = []
    rows = _read(spark, table_of(contract))
    if rows is not None:
        rows = rows.where(~F.col("_is_deleted") & F.arrays_overlap("_flags", F.lit(codes_at("base"))))
        rows = rows.select(F.explode("_flags").alias("code"), F.map_values("_provenance").alias("origins"))
        rows = rows.where(F.col("code").isin(codes_at("base")))
        rows = rows.select("code", F.explode(F.array_distinct("origins")).alias("origin"))
        rows = rows.where("origin IS NOT NULL")
        parts = F.split("origin", r"\|", 3)
        frames.append(_named(rows.withColumn("record_key", parts[2]), "base", parts[0]))
    rows = _read(spark, conflict_of(contract))
    if rows is not None:
        rows = rows.where(F.col("element").isin(codes_at("conflict")))
        rows = rows.withColumn("code", F.col("element")).withColumn("record_key", F.col("other_record_key"))
        frames.append(_named(rows, "conflict", F.col("other_source")))
    return frames


def _named(rows: DataFrame, place: str, resource: Column) -> DataFrame:
    return rows.select(F.lit(place).alias("place"), "code", resource.alias("resource"), "record_key")


def _read(spark: SparkSession, table: Table) -> DataFrame | None:
    """Return ``table``, or None when it was never created."""
    rows = spark.read.format("delta").load(table.uri)
    try:
        rows.schema  # noqa: B018 - the server looks for the table only when it is asked something
    except PySparkException as error:
        if any(code in str(error) for code in _ABSENT):
            return None
        raise
    return rows
