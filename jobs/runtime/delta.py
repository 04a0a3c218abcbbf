"""Delta tables by path (湖表读写): create, replace a batch, merge on a proven key, read changes.

Invariant: every write is idempotent by batch or by key, and no key reaches a MERGE unproven, because MERGE inserts
null and repeated keys silently. Everything is SQL or DataFrame, so that it runs over Spark Connect.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.control.positions import TableVersion
from catalog.delta_log import newest_version
from catalog.model.errors import MergeKeyError
from catalog.model.layers import Table
from jobs.runtime.fencing import current_fence, marked
from jobs.runtime.spark import COMPILING_PAYS, few_rows, sent_along

_ABSENT = ("PATH_NOT_FOUND", "DELTA_MISSING_DELTA_TABLE", "DELTA_TABLE_NOT_FOUND", "DELTA_PATH_DOES_NOT_EXIST")

ColumnSpec = tuple[str, str, str]
"""Name, Spark SQL type, Chinese name (the column's comment)."""

LAKE_PROPERTIES = {"delta.enableChangeDataFeed": "true", "delta.enableDeletionVectors": "true"}
"""Inside the lake: changes are followed, and MERGE marks rows instead of rewriting files."""
SHARED_PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
}
"""On shared tables: plain files that every recipient's reader understands."""


def columns_of(spark: SparkSession, table: Table) -> list[str] | None:
    """Return the column names of ``table``, or None when it has not been created."""
    try:
        return list(spark.read.format("delta").load(table.uri).columns)
    except AnalysisException as error:
        if any(code in str(error) for code in _ABSENT):
            return None
        raise


def exists(spark: SparkSession, table: Table) -> bool:
    """Tell whether ``table`` has been created."""
    return columns_of(spark, table) is not None


def ensure(spark: SparkSession, table: Table, columns: Sequence[ColumnSpec], *, shared: bool = False) -> None:
    """Create ``table`` if it is absent; add columns that the contract gained (never drop or retype one)."""
    present = columns_of(spark, table)
    if present is not None:
        _shut_out_the_dead(spark, table)
    else:
        _clear_unborn(table)
        properties = ", ".join(f"'{k}' = '{v}'" for k, v in (SHARED_PROPERTIES if shared else LAKE_PROPERTIES).items())
        spark.sql(f"CREATE TABLE IF NOT EXISTS {table.sql} ({_ddl(columns)}) USING delta TBLPROPERTIES ({properties})")
        return
    added = [column for column in columns if column[0] not in present]
    if added:
        spark.sql(f"ALTER TABLE {table.sql} ADD COLUMNS ({_ddl(added)})")


def _shut_out_the_dead(spark: SparkSession, table: Table) -> None:
    """Commit this run's number to ``table`` before it is looked at, when the run before never said that it ended.

    The engine may still be at work for a client that died. What it began before this commit conflicts with it, and
    what it begins later carries a lower number and is left out.
    """
    fence = current_fence()
    if fence is not None and fence.lease.is_after_death:
        append(spark, read(spark, table).limit(0), table)


def append(spark: SparkSession, frame: DataFrame, table: Table) -> None:
    """Add ``frame`` to ``table``; columns are matched by name."""
    with marked(spark):
        frame.writeTo(table.sql).append()


def overwrite(spark: SparkSession, frame: DataFrame, table: Table, condition: Column) -> None:
    """Put ``frame`` in place of the rows of ``table`` that meet ``condition``."""
    with marked(spark):
        frame.writeTo(table.sql).overwrite(condition)


def _clear_unborn(table: Table) -> None:
    """Remove what an engine killed while it created ``table`` left on a local disk: a log without a commit.

    ``CREATE TABLE IF NOT EXISTS`` takes that folder for the table and does nothing; nothing can be read from it.
    """
    log = Path(table.local_path, "_delta_log") if table.uri.startswith("file:") else None
    if log is not None and log.is_dir() and not any(log.glob("[0-9]*.*")):
        shutil.rmtree(log)


def _ddl(columns: Sequence[ColumnSpec]) -> str:
    return ", ".join(f"`{name}` {kind} COMMENT '{_quoted(comment)}'" for name, kind, comment in columns)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def read(spark: SparkSession, table: Table, version: int | None = None) -> DataFrame:
    """Return ``table`` as it is, or as of ``version``."""
    reader = spark.read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(table.uri)


def current_version(spark: SparkSession, table: Table) -> int:
    """Return the newest version number of ``table``.

    On a local disk its log tells; elsewhere the server is asked, which takes a job.

    Raises:
        TableDamagedError: when the log is not whole.
    """
    found = _in_log(table)
    if found is not None:
        return found.version
    return int(spark.sql(f"DESCRIBE HISTORY {table.sql} LIMIT 1").collect()[0]["version"])


def table_id(spark: SparkSession, table: Table) -> str:
    """Return the id that Delta gave ``table`` when it was made: a table dropped and made anew has another.

    Raises:
        TableDamagedError: when its log is not whole.
    """
    found = _in_log(table)
    return found.table_id if found else str(spark.sql(f"DESCRIBE DETAIL {table.sql}").collect()[0]["id"])


def table_version(spark: SparkSession, table: Table) -> TableVersion:
    """Return id and newest version of ``table`` at one look.

    Raises:
        TableDamagedError: when its log is not whole.
    """
    return _in_log(table) or TableVersion(table_id(spark, table), current_version(spark, table))


def _in_log(table: Table) -> TableVersion | None:
    return newest_version(Path(table.local_path), table.name) if table.uri.startswith("file:") else None


def changed_rows(spark: SparkSession, table: Table, after: int, upto: int) -> DataFrame:
    """Return the change feed of versions ``after + 1`` to ``upto``, with Delta's ``_change_type``."""
    return (
        spark.read.format("delta")
        .option("readChangeFeed", "true")
        .option("startingVersion", after + 1)
        .option("endingVersion", upto)
        .load(table.uri)
    )


def replace_batches(spark: SparkSession, frame: DataFrame, table: Table, batch_ids: Sequence[str]) -> None:
    """Write the rows of ``batch_ids``, replacing what an earlier try of the same batches wrote.

    Columns are matched by name; a column that ``table`` lacks is refused by Delta. Replacing nothing costs four times
    what adding costs, so the table is asked first.
    """
    condition = F.col("_batch_id").isin(list(batch_ids))
    if read(spark, table).where(condition).limit(1).collect():
        overwrite(spark, frame, table, condition)
    else:
        append(spark, frame, table)


def prove_key(frame: DataFrame, key: Sequence[str], table: Table) -> None:
    """Refuse ``frame`` unless ``key`` is unique and never null in it.

    Raises:
        MergeKeyError: with the number of offending keys; no key value is shown.
    """
    null = F.lit(False)
    for column in key:
        null = null | F.col(column).isNull()
    groups = frame.groupBy(*key).count()
    counts = groups.agg(
        F.sum(F.when(null, F.col("count")).otherwise(0)).alias("nulls"),
        F.sum(F.when(F.col("count") > 1, 1).otherwise(0)).alias("repeated"),
    ).first()
    if counts and ((counts["nulls"] or 0) or (counts["repeated"] or 0)):
        raise MergeKeyError(
            f"{counts['nulls']} rows without a key and {counts['repeated']} repeated keys",
            place=f"{table.name} on {', '.join(key)}",
            remedy="nothing was written; the stage must decide which row stands before it merges",
        )


def fill(spark: SparkSession, frame: DataFrame, table: Table, key: Sequence[str]) -> None:
    """Write ``frame`` into ``table``, which has just been created and is empty; its key is proven first."""
    prove_key(frame, key, table)
    overwrite(spark, frame, table, F.lit(True))


def merge(
    spark: SparkSession,
    frame: DataFrame,
    table: Table,
    key: Sequence[str],
    *,
    update_when: str = "true",
    delete_when: str | None = None,
    insert_when: str = "true",
) -> None:
    """Merge ``frame`` into ``table`` on ``key``, by column name.

    Args:
        spark: the session.
        frame: rows with every column of ``table``; its key must be unique and non-null.
        table: target.
        key: key columns.
        update_when: condition over ``s`` (source) and ``t`` (target) under which a matched row is updated.
        delete_when: condition under which a matched row is deleted instead.
        insert_when: condition under which an unmatched row is inserted.
    """
    prove_key(frame, key, table)
    _merge(spark, frame, table, key, update_when, delete_when, insert_when)


def _merge(
    spark: SparkSession,
    frame: DataFrame,
    table: Table,
    key: Sequence[str],
    update_when: str,
    delete_when: str | None = None,
    insert_when: str | None = None,
) -> None:
    view = f"merge_source_{table.name.replace('.', '_')}"
    frame.createOrReplaceTempView(view)
    on = " AND ".join(f"t.`{c}` = s.`{c}`" for c in key)
    columns = [c for c in read(spark, table).columns if c in frame.columns]
    sets = ", ".join(f"t.`{c}` = s.`{c}`" for c in columns)
    names, values = ", ".join(f"`{c}`" for c in columns), ", ".join(f"s.`{c}`" for c in columns)
    delete = f"WHEN MATCHED AND ({delete_when}) THEN DELETE" if delete_when else ""
    added = f"INSERT ({names}) VALUES ({values})"  # noqa: S608 - names of contracts
    insert = f"WHEN NOT MATCHED AND ({insert_when}) THEN {added}" if insert_when else ""
    with marked(spark):
        spark.sql(
            f"""MERGE INTO {table.sql} AS t USING {view} AS s ON {on} {delete}
            WHEN MATCHED AND ({update_when}) THEN UPDATE SET {sets} {insert}"""
        ).collect()


def bring(
    spark: SparkSession,
    frame: DataFrame,
    table: Table,
    key: Sequence[str],
    *,
    present: DataFrame,
    update_when: str,
    rows: int = COMPILING_PAYS,
) -> None:
    """Bring ``frame`` into ``table``: rows whose key it has are merged, the others are added, in two commits.

    A MERGE that may insert shuffles the whole target; one that only updates sends the batch to it, in half the time.
    A try that dies between the two commits leaves nothing that the next one does not find and complete.

    Args:
        spark: the session.
        frame: rows with every column of ``table``; its key must be unique and non-null.
        table: target.
        key: key columns.
        present: the keys of ``frame`` that ``table`` has, at least.
        update_when: as in :func:`merge`.
        rows: how many ``frame`` and ``present`` have at most, where that is known.

    Raises:
        MergeKeyError: when the key is null or repeated.
    """
    sorted_in = frame.join(present.distinct().withColumn("_is_present", F.lit(True)), list(key), "left")
    with few_rows(spark, rows):
        prove_key(frame, key, table)
        counts = {row["_is_present"]: row["count"] for row in sorted_in.groupBy("_is_present").count().collect()}
    if counts.get(True):
        matching = sorted_in.where("_is_present").select(*frame.columns)
        _merge(spark, sent_along(matching, counts[True]), table, key, update_when)
    if counts.get(None):
        with few_rows(spark, rows):
            append(spark, sorted_in.where("_is_present IS NULL").select(*frame.columns), table)


def delete_keys(spark: SparkSession, keys: DataFrame, table: Table, column: str) -> None:
    """Delete the rows of ``table`` whose ``column`` is among ``keys`` (one column ``key``, unique)."""
    view = f"deleted_keys_{table.name.replace('.', '_')}"
    keys.createOrReplaceTempView(view)
    with marked(spark):
        spark.sql(
            f"MERGE INTO {table.sql} AS t USING {view} AS s ON t.`{column}` = s.key WHEN MATCHED THEN DELETE"
        ).collect()
