"""Statements (来源陈述): what each source said about each entity, kept for ever, written as it arrives.

One row is one version of one source's record, with all it says about the entity: a statement per element that has a
value. Invariant: rows are only added. A version is known by its source and the version of silver it came with, so a try
that is repeated replaces its own rows; what stands now, what stood on a day, first and last seen follow when read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.library.statements import Version
from catalog.model.authority import decided_elements, reconcile_of
from catalog.model.contract import Contract
from catalog.model.keyless import is_keyless
from catalog.model.layers import statement_of
from jobs.reconcile import own_logic
from jobs.reconcile.affected import InputVersion
from jobs.reconcile.identity import entity_id
from jobs.runtime import delta
from jobs.runtime.delta import ColumnSpec

LINKED_BY = "struct<method:string,model:string,weight:double,linked_to:string,merged_from:string>"
"""How the record of a source without the key was found to be the entity's (关联方式)."""
STATEMENT_COLUMNS: list[ColumnSpec] = [
    ("entity_id", "string", "实体标识"),
    ("entity_key", "string", "实体主键"),
    ("source", "string", "来源资源"),
    ("input_version", "bigint", "来源表版本"),
    ("recorded_on", "date", "入库业务日期"),
    ("recorded_at", "timestamp", "入库时间"),
    ("source_at", "timestamp", "源变更时间（生效时间）"),
    ("is_withdrawn", "boolean", "来源是否已撤回"),
    ("batch_id", "string", "批次"),
    ("record_key", "string", "源记录标识"),
    ("source_file", "string", "来源文件"),
    ("row_number", "bigint", "来源行号"),
    ("flags", "array<string>", "标记"),
    ("linked_by", LINKED_BY, "关联方式（无主键来源）"),
    ("statements", "array<struct<element:string,value:string,original:string,rule:string>>", "陈述"),
]
"""``original`` and ``rule`` are null where the source wrote the standard value itself."""
_SAID = ("insert", "update_postimage", "delete")


def carried(contract: Contract, source: Contract) -> list[str]:
    """Return the elements of a base library that a source has."""
    return [element for element in decided_elements(contract) if element in source.columns]


def new_statements(
    spark: SparkSession, contract: Contract, version: InputVersion, day: date, keys: DataFrame | None = None
) -> DataFrame | None:
    """Return the rows for what changed in one input since it was last consumed; None when nothing did.

    Only the change feed is read, so the cost follows the changed rows; an input seen for the first time is read whole.
    """
    table = version.table
    if version.before is None:
        rows = delta.read(spark, table, version.now).where(~F.col("_is_deleted"))
        rows = rows.withColumn("input_version", F.lit(version.now).cast("bigint")).withColumn("_gone", F.lit(False))
    elif version.before < version.now:
        rows = delta.changed_rows(spark, table, version.before, version.now).where(F.col("_change_type").isin(*_SAID))
        rows = rows.withColumn("input_version", F.col("_commit_version"))
        rows = rows.withColumn("_gone", F.col("_is_deleted") | (F.col("_change_type") == "delete"))
    else:
        return None
    rows = own_logic.with_key(rows, version.contract, keys)
    return _as_statements(rows.where(F.col(reconcile_of(contract).key).isNotNull()), contract, version.contract, day)


def _as_statements(rows: DataFrame, contract: Contract, source: Contract, day: date) -> DataFrame:
    key = F.col(reconcile_of(contract).key)
    nothing = F.array().cast(STATEMENT_COLUMNS[-1][1])
    return rows.select(
        entity_id(contract.id, key).alias("entity_id"),
        key.alias("entity_key"),
        F.lit(source.id).alias("source"),
        "input_version",
        F.lit(day).alias("recorded_on"),
        F.current_timestamp().alias("recorded_at"),
        F.col("_source_at").alias("source_at"),
        F.col("_gone").alias("is_withdrawn"),
        F.col("_batch_id").alias("batch_id"),
        F.col("_record_key").alias("record_key"),
        F.col("_source_file").alias("source_file"),
        F.col("_row_number").alias("row_number"),
        F.col("_flags").alias("flags"),
        (F.col("_linked_by") if is_keyless(contract, source) else F.lit(None).cast(LINKED_BY)).alias("linked_by"),
        F.when(F.col("_gone"), nothing).otherwise(_said(carried(contract, source))).alias("statements"),
    )


def _said(elements: list[str]) -> Column:
    """Return the statements of one silver row; an element without a value makes none."""
    pairs = F.array(*[F.struct(F.lit(e).alias("element"), F.col(e).cast("string").alias("value")) for e in elements])

    def with_original(pair: Column) -> Column:
        changed = F.get(F.filter("_changes", lambda change: change["column"] == pair["element"]), F.lit(0))
        parts = {
            "element": pair["element"],
            "value": pair["value"],
            "original": changed["raw"],
            "rule": changed["rule"],
        }
        return F.struct(*[column.alias(name) for name, column in parts.items()])

    return F.transform(F.filter(pairs, lambda pair: pair["value"].isNotNull()), with_original)


def write_statements(
    spark: SparkSession, contract: Contract, versions: list[InputVersion], day: date, keys: DataFrame | None = None
) -> None:
    """Add what the inputs said since they were last consumed, in one commit; a repeated try replaces its own rows.

    A library that was there before its statements begins with all that its inputs say now.
    """
    table = statement_of(contract)
    if not delta.current_version(spark, table):
        versions = [replace(version, before=None) for version in versions]
    stacked: DataFrame | None = None
    again = F.lit(False)
    for version in versions:
        rows = new_statements(spark, contract, version, day, keys)
        if rows is None:
            continue
        stacked = rows if stacked is None else stacked.unionByName(rows)
        again = again | _said_since(version)
    if stacked is None:
        return
    stacked = stacked.select(*[name for name, _, _ in STATEMENT_COLUMNS]).sortWithinPartitions("entity_id")
    if delta.current_version(spark, table) and delta.read(spark, table).where(again).limit(1).collect():
        delta.overwrite(spark, stacked, table, again)
    else:
        delta.append(spark, stacked, table)


def _said_since(version: InputVersion) -> Column:
    """Return which rows of the table are of this run, or of an earlier try of the same work.

    Of an input that is read whole only the living rows of this very version: should positions have been lost, what it
    said earlier stays, and saying the same again changes nothing for whoever reads.
    """
    own = F.col("source") == version.contract.id
    if version.before is None:
        return own & (F.col("input_version") == version.now) & ~F.col("is_withdrawn")
    return own & (F.col("input_version") > version.before)


def versions_of(
    spark: SparkSession, library: Contract, entity_ids: Collection[str], inputs: Sequence[InputVersion] = ()
) -> dict[str, list[Version]]:
    """Return what was said about some entities, oldest first.

    Args:
        spark: the session.
        library: the base library.
        entity_ids: the entities.
        inputs: only what these said since they were last consumed, which reads the newest files alone; default all
            that was ever said.
    """
    if not entity_ids:
        return {}
    rows = delta.read(spark, statement_of(library))
    if inputs:
        rows = rows.where(reduce(or_, [_said_since(version) for version in inputs]))
    wanted = ids_frame(spark, entity_ids)
    found: dict[str, list[Version]] = {}
    for row in rows.join(F.broadcast(wanted), rows["entity_id"] == wanted["id"], "left_semi").collect():
        found.setdefault(row["entity_id"], []).append(Version.of(row.asDict(recursive=True)))
    return {key: sorted(versions, key=lambda v: (v.source, v.input_version)) for key, versions in found.items()}


def ids_frame(spark: SparkSession, entity_ids: Collection[str]) -> DataFrame:
    """Return entity ids as one column ``id``."""
    return spark.createDataFrame([(entity_id,) for entity_id in sorted(entity_ids)], "id string")
