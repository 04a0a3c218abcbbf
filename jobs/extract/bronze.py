"""Landing → bronze (原始层): rows as received, all text, with the columns by which the pipeline knows them again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.errors import LedgerUnbalancedError
from catalog.model.layers import bronze_of
from catalog.model.record_keys import ESCAPED, SEPARATOR
from jobs.extract.header import names_of, normalise
from jobs.runtime import delta

PIPELINE_COLUMNS: list[delta.ColumnSpec] = [
    ("_batch_id", "string", "批次号"),
    ("_source", "string", "来源系统"),
    ("_received_at", "timestamp", "接收时间"),
    ("_row_hash", "bigint", "行摘要"),
    ("_row_number", "bigint", "来源行号"),
    ("_row_id", "bigint", "行标识"),
    ("_source_file", "string", "来源文件"),
    ("_record_key", "string", "源记录标识"),
    ("_operation", "string", "操作（I 新增 U 更新 D 删除）"),
    ("_source_at", "timestamp", "源变更时间"),
]
"""They come first: Delta keeps statistics of the first columns only, and batches are found by them.

``_batch_id`` and ``_row_id`` together are one row, also where a source has no number of its own or a view doubles rows;
rows that were laid down before the column was there have none.
"""
_ZONED = r"\d{2}:\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$"


def bronze_columns(contract: Contract) -> list[delta.ColumnSpec]:
    """Return the columns of a resource's bronze table."""
    return PIPELINE_COLUMNS + [
        (p.name, "string", p.business_name) for p in contract.properties if p.name in contract.raw_columns
    ]


def row_hash(contract: Contract) -> Column:
    """Return a hash over the delivered columns; a missing value is told from an empty one."""
    return F.xxhash64(*[F.coalesce(F.col(c), F.lit("\x00")) for c in contract.raw_columns])


def record_key(contract: Contract) -> Column:
    """Return the source's own key of a record as one text, made as :mod:`catalog.model.record_keys` says."""
    parts = [F.coalesce(F.col(c), F.lit("")) for c in contract.source.key]
    if len(parts) == 1:
        return parts[0]
    for text, written in ESCAPED:
        parts = [F.replace(part, F.lit(text), F.lit(written)) for part in parts]
    return F.concat_ws(SEPARATOR, *parts)


def instant_of(text: Column) -> Column:
    """Return a text as an instant: with its offset, or taken as Beijing time; null when it is no time."""
    return F.when(text.rlike(_ZONED), text.try_cast("timestamp")).otherwise(
        F.to_utc_timestamp(text.try_cast("timestamp"), "+08:00")
    )


def landed_rows(spark: SparkSession, contract: Contract, files: Sequence[Path]) -> DataFrame:
    """Return rows that lie in landing as Parquet, as bronze rows."""
    rows = spark.read.parquet(*[file.as_uri() for file in files])
    changed = _changed_column(rows, contract)
    if changed:
        rows = rows.withColumn("_source_at", F.coalesce(instant_of(F.col(changed)), F.col("_source_at")))
    return as_bronze(rows.withColumn("_row_id", F.col("_row_number")), contract)


def with_drawn_ids(rows: DataFrame) -> DataFrame:
    """Return rows about to be written with a ``_row_id`` each: a table's rows need have no number of their own."""
    return rows.withColumn("_row_id", F.monotonically_increasing_id())


def _changed_column(rows: DataFrame, contract: Contract) -> str | None:
    """Return the column that holds the time of a row's last change, where the delivery has one."""
    if "_changed_at" in rows.columns:
        return "_changed_at"
    named = contract.source.changed_at
    return names_of(contract).get(normalise(named)) if named else None


def as_bronze(rows: DataFrame, contract: Contract) -> DataFrame:
    """Return rows with hash and record key, in the order of the bronze table."""
    keyed = rows.withColumn("_row_hash", row_hash(contract)).withColumn("_record_key", record_key(contract))
    return keyed.select(*[name for name, _, _ in bronze_columns(contract)])


def remove_batches(spark: SparkSession, contract: Contract, batch_ids: Collection[str]) -> None:
    """Take out of bronze what batches left there that were begun and will not be ended."""
    table = bronze_of(contract)
    if batch_ids and delta.exists(spark, table):
        nothing = delta.read(spark, table).limit(0)
        delta.overwrite(spark, nothing, table, F.col("_batch_id").isin(list(batch_ids)))


def write_batches(
    spark: SparkSession,
    frame: DataFrame,
    contract: Contract,
    expected: Mapping[str, int | None],
    tried: Collection[str],
) -> tuple[dict[str, int], int]:
    """Write batches into bronze and count them there.

    Args:
        spark: the session.
        frame: bronze rows of these batches and no others.
        contract: the resource.
        expected: batch → rows that must have arrived; nothing when only bronze can tell.
        tried: batches of which an earlier try may have left rows in bronze.

    Returns:
        Rows per batch as bronze holds them, and the version of the table.

    Raises:
        LedgerUnbalancedError: when bronze holds another number of rows.
    """
    table = bronze_of(contract)
    delta.ensure(spark, table, bronze_columns(contract))
    if set(expected) & set(tried):
        delta.replace_batches(spark, frame, table, list(expected))
    else:
        delta.append(spark, frame, table)
    found = delta.read(spark, table).where(F.col("_batch_id").isin(list(expected))).groupBy("_batch_id").count()
    counts = dict.fromkeys(expected, 0) | {row["_batch_id"]: row["count"] for row in found.collect()}
    for batch, rows in expected.items():
        if rows is not None and counts[batch] != rows:
            raise LedgerUnbalancedError(
                f"{rows:,} rows were read, bronze holds {counts[batch]:,}",
                place=f"{table.name} batch {batch}",
                remedy="run the stage again: the batch is replaced as a whole",
            )
    return counts, delta.current_version(spark, table)
