"""Which entities a run must look at (受影响实体): the keys that changed, by change feed, never the whole table."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.positions import get_position, set_position
from catalog.model.contract import Contract, Reconcile
from catalog.model.keyless import input_of
from catalog.model.layers import Table
from catalog.model.registry import Registry
from jobs.runtime import delta


@dataclass(frozen=True)
class InputVersion:
    """One input table with the version consumed before and the version read now."""

    contract: Contract
    table: Table
    """Silver, or what linking made of it where its rows have not the library's key; of a link the base table."""
    before: int | None
    now: int


def input_versions(spark: SparkSession, session: Session, contract: Contract, registry: Registry) -> list[InputVersion]:
    """Return the inputs that exist, each pinned to its newest version."""
    found = []
    for source in registry.inputs_of(contract):
        table = input_of(contract, source)
        if delta.exists(spark, table):
            before = get_position(session, contract.id, table.name)
            now = delta.current_version(spark, table)
            found.append(InputVersion(source, table, None if before is None else int(before), now))
    return found


def consume(session: Session, contract: Contract, versions: list[InputVersion]) -> None:
    """Record that ``contract`` has consumed these versions."""
    for version in versions:
        set_position(session, contract.id, version.table.name, str(version.now))


def has_news(versions: list[InputVersion]) -> bool:
    """Tell whether any input changed since it was last consumed."""
    return any(version.before != version.now for version in versions)


def is_first_time(versions: list[InputVersion], reconcile: Reconcile) -> bool:
    """Tell whether an input was never consumed: then every entity is looked at."""
    return any(v.before is None for v in versions if v.contract.id in reconcile.inputs)


def affected_keys(spark: SparkSession, versions: list[InputVersion], reconcile: Reconcile) -> DataFrame:
    """Return the entity keys touched since the last run, one column ``key``.

    An entity is touched when a row of an input changed, or when an entity it refers to by a link appeared or went.
    """
    frames = []
    for version in versions:
        changed = _changed(spark, version)
        if changed is None:
            continue
        if version.contract.id in reconcile.inputs:
            frames.append(changed.select(F.col(reconcile.key).alias("key")))
        frames += _linked(spark, version, versions, reconcile, changed)
    empty = spark.createDataFrame([], "key string")
    return _union(frames, empty).where("key IS NOT NULL").distinct()


def _changed(spark: SparkSession, version: InputVersion) -> DataFrame | None:
    if version.before is None or version.before >= version.now:
        return None
    return delta.changed_rows(spark, version.table, version.before, version.now)


def _linked(
    spark: SparkSession, target: InputVersion, versions: list[InputVersion], reconcile: Reconcile, changed: DataFrame
) -> list[DataFrame]:
    """Return keys of rows that refer to target entities which appeared or went."""
    links = [link for link in reconcile.links if target.contract.id in link.targets]
    if not links:
        return []
    appeared = changed.where("_change_type IN ('insert', 'delete') OR _is_deleted")
    keys = appeared.select(F.col(target.contract.key[0]).alias("_target_key")).distinct()
    frames = []
    for version in versions:
        if version.contract.id not in reconcile.inputs:
            continue
        rows = delta.read(spark, version.table, version.now)
        for link in links:
            if link.by in rows.columns:
                hit = rows.join(F.broadcast(keys), rows[link.by] == keys["_target_key"], "left_semi")
                frames.append(hit.select(F.col(reconcile.key).alias("key")))
    return frames


def _union(frames: list[DataFrame], empty: DataFrame) -> DataFrame:
    result = empty
    for frame in frames:
        result = result.unionByName(frame)
    return result
