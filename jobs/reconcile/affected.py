"""Which entities a run must look at (受影响实体): the keys that changed, by change feed, never the whole table."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlalchemy.orm import Session

from catalog.control.positions import TableVersion, get_table_position, set_table_position
from catalog.control.session import session_scope
from catalog.model.contract import Contract, Reconcile
from catalog.model.keyless import input_of
from catalog.model.layers import Table
from catalog.model.registry import Registry
from jobs.runtime import delta
from jobs.runtime.inputs import InputAwayError
from jobs.runtime.table_state import pin


@dataclass(frozen=True)
class InputVersion:
    """One input table with the version consumed before and the version read now."""

    contract: Contract
    table: Table
    """Silver, or what linking made of it where its rows have not the library's key; of a link the base table."""
    before: TableVersion | None
    now: TableVersion

    @property
    def since(self) -> int | None:
        """The version after which its change feed tells what is new.

        None when it was never consumed, was made anew since, or went back: then only all of it tells.
        """
        return self.before.version if self.before and self.before.precedes(self.now) else None

    @property
    def is_news(self) -> bool:
        """Whether there may be anything that was not consumed."""
        return self.since != self.now.version


def input_versions(spark: SparkSession, contract: Contract, registry: Registry) -> list[InputVersion]:
    """Return the inputs that exist, each pinned to its newest version.

    Raises:
        InputAwayError: one that was consumed before is not there.
    """
    tables = [(source, input_of(contract, source)) for source in registry.inputs_of(contract)]
    with session_scope() as session:
        known = {table.name: get_table_position(session, contract.id, table.name) for _, table in tables}
    found = []
    for source, table in tables:
        if is_there(spark, table, contract.id, known[table.name]):
            found.append(InputVersion(source, table, known[table.name], pin(spark, table)))
    return found


def is_there(spark: SparkSession, table: Table, consumer: str, before: TableVersion | None) -> bool:
    """Tell whether an input exists; one that never did has nothing to say yet.

    Raises:
        InputAwayError: when ``consumer`` has consumed it before.
    """
    if delta.exists(spark, table):
        return True
    if before is None:
        return False
    raise InputAwayError(
        f"{table.name} was consumed before, up to version {before.version}, and is not there now",
        place=f"{consumer}, {table.uri}",
        remedy="mount or restore the table, or make it anew by conform; if the source has ended for good, take it out "
        "of the contract's inputs. Nothing was written",
    )


def consume(session: Session, contract: Contract, versions: list[InputVersion]) -> None:
    """Record that ``contract`` has consumed these versions."""
    for version in versions:
        set_table_position(session, contract.id, version.table.name, version.now)


def affected_keys(spark: SparkSession, versions: list[InputVersion], reconcile: Reconcile) -> DataFrame:
    """Return the entity keys touched since the last run, one column ``key``.

    An entity is touched when a row of an input changed, or when an entity it refers to by a link appeared or went.

    Args:
        spark: the session.
        versions: all of which the change feed tells what is new.
        reconcile: the library's block.
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
    if version.since is None or not version.is_news:
        return None
    return delta.changed_rows(spark, version.table, version.since, version.now.version)


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
        rows = delta.read(spark, version.table, version.now.version)
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
