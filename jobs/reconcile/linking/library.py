"""What linking keeps of a base library (关联底表), read and written by what changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.contract import Contract
from catalog.model.layers import Table, identity_of, linkage_of, redirect_of, table_of
from jobs.reconcile.affected import InputVersion
from jobs.reconcile.linking.deterministic import KEYS
from jobs.reconcile.linking.features import RECORD_ID, feature_schema
from jobs.reconcile.linking.model import LinkageModel
from jobs.reconcile.linking.records import Record, silver_records
from jobs.reconcile.linking.resolution import Identity, Known
from jobs.reconcile.linking.tables import IDENTITY_COLUMNS, REDIRECT_COLUMNS, linkage_columns
from jobs.runtime import delta
from jobs.runtime.delta import ColumnSpec


def ensure_tables(spark: SparkSession, contract: Contract, model: LinkageModel) -> None:
    """Make the tables of a library that linking writes, where they are missing."""
    shapes: list[tuple[Table, list[ColumnSpec]]] = [
        (identity_of(contract), IDENTITY_COLUMNS),
        (redirect_of(contract), REDIRECT_COLUMNS),
        (linkage_of(contract), linkage_columns(model.features)),
    ]
    for table, columns in shapes:
        delta.ensure(spark, table, columns)


def changed_records(spark: SparkSession, version: InputVersion, model: LinkageModel) -> list[Record]:
    """Return the living records of one silver table that changed since it was last linked; all where none tells."""
    source = version.contract
    if not version.is_news:
        return []
    changed = None
    if version.since is not None:
        feed = delta.changed_rows(spark, table_of(source), version.since, version.now.version)
        changed = feed.select("_record_key").distinct()
    found: list[Record] = silver_records(spark, source, model, version.now.version, changed).toArrow().to_pylist()
    return found


def identities_of(spark: SparkSession, contract: Contract, records: Collection[str]) -> dict[str, str]:
    """Return record → entity before any redirect, for those of ``records`` that have one."""
    if not records:
        return {}
    rows = delta.read(spark, identity_of(contract)).select(RECORD_ID, "original_id")
    found = rows.join(F.broadcast(_ids(spark, records)), RECORD_ID, "left_semi").collect()
    return {row[RECORD_ID]: row["original_id"] for row in found}


def features_of_records(
    spark: SparkSession, contract: Contract, model: LinkageModel, records: Collection[str]
) -> pa.Table:
    """Return what is kept of ``records``."""
    if not records:
        return feature_schema(model.features).empty_table()
    rows = delta.read(spark, linkage_of(contract)).join(F.broadcast(_ids(spark, records)), RECORD_ID, "left_semi")
    return rows.toArrow().cast(feature_schema(model.features))


def known_around(
    spark: SparkSession, contract: Contract, model: LinkageModel, new: pa.Table, named: Iterable[str]
) -> Known:
    """Return the records of the library that share a key or a block with ``new``, and those that are named."""
    if not len(new):
        return Known(new, {})
    wanted = [*KEYS[model.features], *model.blocks]
    library = delta.read(spark, linkage_of(contract))
    met = _values(library, wanted).join(F.broadcast(_values(spark.createDataFrame(new), wanted)), "value", "left_semi")
    ids = met.select(RECORD_ID).unionByName(_ids(spark, named)).distinct()
    own = _ids(spark, new[RECORD_ID].to_pylist())
    entities = delta.read(spark, identity_of(contract)).select(RECORD_ID, "original_id")
    near = library.join(ids, RECORD_ID, "left_semi").join(F.broadcast(own), RECORD_ID, "left_anti")
    found = near.join(entities, RECORD_ID).toArrow()
    both = zip(found[RECORD_ID].to_pylist(), found["original_id"].to_pylist(), strict=True)
    return Known(found.drop_columns("original_id").cast(feature_schema(model.features)), dict(both))


def write_features(spark: SparkSession, contract: Contract, features: pa.Table) -> None:
    """Keep what is compared of new and changed records."""
    if len(features):
        delta.merge(spark, spark.createDataFrame(features), linkage_of(contract), [RECORD_ID])


def write_identities(
    spark: SparkSession, contract: Contract, identities: Sequence[Identity], redirects: Mapping[str, str]
) -> None:
    """Write which entity each of the records belongs to: as found, and as redirects have it now."""
    if not identities:
        return
    names = [name for name, _, _ in IDENTITY_COLUMNS]
    rows = [(*_identity_row(identity, redirects), None) for identity in identities]
    frame = spark.createDataFrame(rows, ", ".join(f"{name} {kind}" for name, kind, _ in IDENTITY_COLUMNS))
    frame = frame.withColumn("_recorded_at", F.current_timestamp()).select(*names)
    delta.merge(spark, frame, identity_of(contract), [RECORD_ID])


def write_redirects(spark: SparkSession, contract: Contract, redirects: Mapping[str, str]) -> None:
    """Write where ids lead now, and let their records go along, or back where a redirect has ended.

    The records first: the table of redirects tells a later try that they have moved.
    """
    table = redirect_of(contract)
    if {row["from_id"]: row["to_id"] for row in delta.read(spark, table).collect()} == dict(redirects):
        return
    schema = ", ".join(f"{name} {kind}" for name, kind, _ in REDIRECT_COLUMNS)
    frame = spark.createDataFrame(sorted(redirects.items()), schema)
    rows = delta.read(spark, identity_of(contract))
    led = rows.join(F.broadcast(frame), rows["original_id"] == frame["from_id"], "left")
    now = F.coalesce(F.col("to_id"), F.col("original_id"))
    moved = led.where(~now.eqNullSafe(F.col("entity_id"))).withColumn("entity_id", now)
    moved = moved.withColumn("_recorded_at", F.current_timestamp()).select(*rows.columns)
    if moved.limit(1).collect():
        delta.merge(spark, moved, identity_of(contract), [RECORD_ID])
    delta.overwrite(spark, frame, table, F.lit(True))


def _identity_row(identity: Identity, redirects: Mapping[str, str]) -> tuple[object, ...]:
    resource, _, key = identity.record_id.partition("|")
    now = redirects.get(identity.entity_id, identity.entity_id)
    how = (now, identity.entity_id, identity.method, identity.model, identity.weight, identity.linked_to)
    return (identity.record_id, resource, key, *how)


def _ids(spark: SparkSession, records: Iterable[str]) -> DataFrame:
    return spark.createDataFrame([(record,) for record in sorted(set(records))], f"{RECORD_ID} string")


def _values(frame: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Return one row per record and value of ``columns``, marked with its column."""
    marked = [F.concat(F.lit(f"{column}="), F.col(column)) for column in columns]
    return frame.select(RECORD_ID, F.explode(F.array_compact(F.array(*marked))).alias("value"))
