"""Statements (来源陈述): what each source said about each entity, kept for ever, written as it arrives.

One row is one version of one source's record, with all it says about the entity: a statement per element that has a
value. Invariant: rows are only added, but that a run replaces what tries cut short before it took down. Each carries
the number of its run, which always rises; what stands now, what stood on a day, first and last seen follow when read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.window import Window

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
    ("sequence", "bigint", "运行次序"),
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
_ORIGIN = ("source_at", "batch_id", "record_key", "source_file", "row_number", "flags", "linked_by")
"""What else a version tells besides its statements."""


@dataclass(frozen=True)
class Taking:
    """How one run takes down what the inputs say."""

    contract: Contract
    day: date
    """Business date."""
    sequence: int
    """Number of the run."""
    recorded: int | None
    """Number of the last run on record; None when there was none that had numbers."""
    is_after_try: bool
    """Whether a try that was cut short may have taken something down since."""
    compares: bool
    """Whether all that inputs say now is held against what stands, and not only what their change feeds tell."""
    keys: DataFrame | None
    """Keys of records whose sources do not carry them."""

    def follows(self, version: InputVersion) -> bool:
        """Tell whether the change feed of an input tells what it has said since."""
        return version.since is not None and not self.compares


def carried(contract: Contract, source: Contract) -> list[str]:
    """Return the elements of a base library that a source has."""
    return [element for element in decided_elements(contract) if element in source.columns]


def newest_versions(rows: DataFrame) -> DataFrame:
    """Return of some rows of a table of statements the ones that stand: the newest of each entity and source.

    Rows of a table written before runs had numbers are before all others.
    """
    if "sequence" not in rows.columns:
        rows = rows.withColumn("sequence", F.lit(None).cast("bigint"))
    order = [F.col("sequence").desc_nulls_last(), F.col("input_version").desc(), F.col("is_withdrawn")]
    newest = Window.partitionBy("entity_key", "source").orderBy(*order)
    rows = rows.withColumn("_place", F.row_number().over(newest))
    return rows.where("_place = 1 AND NOT is_withdrawn").drop("_place")


def _followed(spark: SparkSession, taking: Taking, version: InputVersion) -> DataFrame | None:
    """Return the rows for what changed in an input since it was consumed, so that a day costs its own changes."""
    if version.since is None or not version.is_news:
        return None
    rows = delta.changed_rows(spark, version.table, version.since, version.now.version)
    rows = rows.where(F.col("_change_type").isin(*_SAID)).withColumn("input_version", F.col("_commit_version"))
    rows = rows.withColumn("_gone", F.col("_is_deleted") | (F.col("_change_type") == "delete"))
    return _keyed_statements(rows, taking, version)


def _compared(spark: SparkSession, taking: Taking, version: InputVersion) -> DataFrame:
    """Return the rows by which what an input says now differs from what stands of it, withdrawals among them."""
    rows = delta.read(spark, version.table, version.now.version)
    rows = rows.withColumn("input_version", F.lit(version.now.version).cast("bigint"))
    rows = _keyed_statements(rows.withColumn("_gone", F.col("_is_deleted")), taking, version)
    living, ended = rows.where(~F.col("is_withdrawn")), rows.where("is_withdrawn")
    table = statement_of(taking.contract)
    if not delta.current_version(spark, table):
        return living
    stood = newest_versions(delta.read(spark, table).where(F.col("source") == version.contract.id))
    said = F.struct(*_ORIGIN, "statements")
    news = living.join(stood.select("entity_key", said.alias("_was")), "entity_key", "left")
    news = news.where(~said.eqNullSafe(F.col("_was"))).drop("_was")
    gone = stood.join(living.select("entity_key"), "entity_key", "left_anti")
    ended = ended.dropDuplicates(["entity_key"]).join(gone.select("entity_key"), "entity_key", "left_semi")
    vanished = gone.join(ended.select("entity_key"), "entity_key", "left_anti").withColumns(
        {
            **_of_run(taking),
            "input_version": F.lit(version.now.version).cast("bigint"),
            "is_withdrawn": F.lit(True),
            "statements": F.array().cast(STATEMENT_COLUMNS[-1][1]),
        }
    )
    return news.unionByName(ended).unionByName(vanished)


def _of_run(taking: Taking) -> dict[str, Column]:
    return {
        "sequence": F.lit(taking.sequence).cast("bigint"),
        "recorded_on": F.lit(taking.day),
        "recorded_at": F.current_timestamp(),
    }


def _keyed_statements(rows: DataFrame, taking: Taking, version: InputVersion) -> DataFrame:
    rows = own_logic.with_key(rows, version.contract, taking.keys)
    rows = rows.where(F.col(reconcile_of(taking.contract).key).isNotNull())
    return _as_statements(rows, taking, version.contract)


def _as_statements(rows: DataFrame, taking: Taking, source: Contract) -> DataFrame:
    contract, of_run = taking.contract, _of_run(taking)
    key = F.col(reconcile_of(contract).key)
    nothing = F.array().cast(STATEMENT_COLUMNS[-1][1])
    return rows.select(
        entity_id(contract.id, key).alias("entity_id"),
        key.alias("entity_key"),
        F.lit(source.id).alias("source"),
        of_run["sequence"].alias("sequence"),
        "input_version",
        of_run["recorded_on"].alias("recorded_on"),
        of_run["recorded_at"].alias("recorded_at"),
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


def write_statements(spark: SparkSession, taking: Taking, versions: Sequence[InputVersion]) -> None:
    """Add what the inputs said since they were last consumed, in one commit.

    Of an input whose change feed is followed, what tries cut short took down is replaced. One that is read whole is
    held against what stands, theirs included: should positions have been lost, what it said earlier stays.
    """
    table = statement_of(taking.contract)
    followed = [version for version in versions if taking.follows(version)]
    found = [_followed(spark, taking, version) for version in followed]
    found += [_compared(spark, taking, version) for version in versions if not taking.follows(version)]
    again = _unrecorded(taking, followed)
    rows = delta.read(spark, table)
    is_again = again is not None and bool(rows.where(again).limit(1).collect())
    frames = [frame for frame in found if frame is not None]
    if not frames and not is_again:
        return
    names = [name for name, _, _ in STATEMENT_COLUMNS]
    stacked = reduce(DataFrame.unionByName, [frame.select(*names) for frame in frames or [rows.limit(0)]])
    stacked = stacked.sortWithinPartitions("entity_id")
    if is_again:
        own = F.col("sequence") == taking.sequence
        delta.overwrite(spark, stacked, table, own if again is None else own | again)
    else:
        delta.append(spark, stacked, table)


def _unrecorded(taking: Taking, followed: Sequence[InputVersion]) -> Column | None:
    """Return which rows of inputs whose feeds are followed no run on record took down; None when there are none.

    Until a run with a number is on record, they are told by the version of the table they came with.
    """
    if not followed or not (taking.is_after_try or taking.recorded is None):
        return None
    conditions = []
    for version in followed:
        since = F.col("sequence") > (-1 if taking.recorded is None else taking.recorded)
        if taking.recorded is None:
            since = since | (F.col("sequence").isNull() & (F.col("input_version") > version.since))
        conditions.append((F.col("source") == version.contract.id) & since)
    return reduce(or_, conditions)


def versions_of(
    spark: SparkSession, library: Contract, entity_ids: Collection[str], since: int | None = None
) -> dict[str, list[Version]]:
    """Return what was said about some entities, oldest first.

    Args:
        spark: the session.
        library: the base library.
        entity_ids: the entities.
        since: only what was taken down after the run with this number, which reads the newest files alone; default all
            that was ever said.
    """
    if not entity_ids:
        return {}
    rows = delta.read(spark, statement_of(library))
    if since is not None:
        rows = rows.where(F.col("sequence") > since)
    wanted = ids_frame(spark, entity_ids)
    found: dict[str, list[Version]] = {}
    for row in rows.join(F.broadcast(wanted), rows["entity_id"] == wanted["id"], "left_semi").collect():
        found.setdefault(row["entity_id"], []).append(Version.of(row.asDict(recursive=True)))
    return {key: sorted(versions, key=lambda v: (v.source, v.place)) for key, versions in found.items()}


def ids_frame(spark: SparkSession, entity_ids: Collection[str]) -> DataFrame:
    """Return entity ids as one column ``id``."""
    return spark.createDataFrame([(entity_id,) for entity_id in sorted(entity_ids)], "id string")
