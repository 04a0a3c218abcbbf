"""Splink on two engines with one answer (比对引擎): DuckDB up to a stated size, Spark beyond.

Engines only bring pairs together and say which level of each comparison holds, whole numbers both; the weight is
added up here from the model, so that a pair has the same weight to the last bit wherever it was compared.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from splink import Linker
from splink.backends.duckdb import DuckDBAPI
from splink.backends.spark import SparkAPI

from jobs.reconcile.linking.conditions import is_null_level
from jobs.reconcile.linking.model import Level, LinkageModel

SLACK = 0.01
"""Bits below the wanted weight that engines still hand over, more than any rounding of theirs."""
logging.getLogger("splink").setLevel(logging.ERROR)


Frame = TypeVar("Frame", contravariant=True)


class Engine(Protocol[Frame]):
    """What compares records."""

    name: str

    def compare(
        self, model: LinkageModel, new: Frame, library: Frame | None = None, least: float | None = None
    ) -> pa.Table:
        """Return the pairs that share a block, with their levels and weights.

        Args:
            model: says what is compared.
            new: features of new records.
            library: features of the records to link them to; without, ``new`` is compared within itself.
            least: lightest weight wanted, in bits; all pairs without it.

        Returns:
            ``left_id`` (of ``new``), ``right_id``, ``gamma_<comparison>`` (−1 nothing to compare, 0 the last level …),
            ``weight`` in bits, ``may_link`` (no level says that only a person may); in the order of the ids.
        """


def _without_large_blocks(model: LinkageModel, columns: Sequence[str], table: str, counted: str) -> str:
    """Return SQL of ``table`` in which blocks that too many rows of ``counted`` share are empty."""
    blocks, limit = model.blocks, model.block_limit
    large = [
        f"{b}_large AS (SELECT {b} FROM {counted} WHERE {b} IS NOT NULL GROUP BY {b} HAVING count(*) > {limit})"  # noqa: S608 - names of features
        for b in blocks
    ]
    kept = [c if c not in blocks else f"CASE WHEN {c}_large.{c} IS NULL THEN t.{c} END AS {c}" for c in columns]
    picked = ", ".join(k if " AS " in k else f"t.{k}" for k in kept)
    joins = " ".join(f"LEFT JOIN {b}_large ON t.{b} = {b}_large.{b}" for b in blocks)
    return f"WITH {', '.join(large)} SELECT {picked} FROM {table} AS t {joins}"  # noqa: S608 - names of features


def _predict(model: LinkageModel, inputs: list[Any], dialect: str, least: float | None) -> str:
    kind = "link_only" if len(inputs) == 2 else "dedupe_only"
    linker = Linker(inputs, model.settings(dialect, kind), log_level=None, validate_settings=False)
    threshold = None if least is None else least - SLACK
    predicted = linker.inference.predict(threshold_match_weight=threshold, warning_mode="never")
    return str(predicted.physical_name)


class DuckDBEngine:
    """Compares in this process; features are Arrow tables."""

    name = "duckdb"

    def compare(
        self, model: LinkageModel, new: pa.Table, library: pa.Table | None = None, least: float | None = None
    ) -> pa.Table:
        """As :meth:`Engine.compare`."""
        if not len(new) or (library is not None and not len(library)):
            return _empty(model)
        with duckdb.connect() as connection:
            api = DuckDBAPI(connection=connection)
            tables = {"a_new": new, **({} if library is None else {"b_library": library})}
            for name, table in tables.items():
                connection.register(f"{name}_arrow", table)
                connection.execute(f"CREATE TABLE {name}_all AS SELECT * FROM {name}_arrow")  # noqa: S608 - fixed names
            inputs = []
            for name in tables:
                sql = _without_large_blocks(model, new.column_names, f"{name}_all", f"{list(tables)[-1]}_all")
                connection.execute(f"CREATE TABLE {name} AS {sql}")
                inputs.append(api.register(name, dataset_display_name=name))
            predicted = _predict(model, inputs, "duckdb", least)
            found = connection.sql(_pairs_sql(model, predicted)).to_arrow_table()
        return _weighed(model, found, least)


class SparkEngine:
    """Compares on the Spark Connect server; features are DataFrames."""

    name = "spark"

    def __init__(self, spark: SparkSession) -> None:
        """Use one session."""
        self._spark = spark

    def compare(
        self,
        model: LinkageModel,
        new: DataFrame | pa.Table,
        library: DataFrame | pa.Table | None = None,
        least: float | None = None,
    ) -> pa.Table:
        """As :meth:`Engine.compare`; Arrow tables are sent to the server first."""
        if any(isinstance(frame, pa.Table) and not len(frame) for frame in (new, library)):
            return _empty(model)
        api = SparkAPI(spark_session=self._spark, register_udfs_automatically=False, break_lineage_method="persist")
        run = uuid.uuid4().hex
        frames = {f"a_new_{run}": new, **({} if library is None else {f"b_library_{run}": library})}
        columns = new.columns if isinstance(new, DataFrame) else new.column_names
        try:
            for name, frame in frames.items():
                sent = frame if isinstance(frame, DataFrame) else self._spark.createDataFrame(frame)
                sent.createOrReplaceTempView(f"{name}_all")
            inputs = []
            for name in frames:
                sql = _without_large_blocks(model, columns, f"{name}_all", f"{list(frames)[-1]}_all")
                inputs.append(api.register(self._spark.sql(sql), dataset_display_name=name))
            found = self._spark.sql(_pairs_sql(model, _predict(model, inputs, "spark", least))).toArrow()
        finally:
            self._forget(run)
        return _weighed(model, found, least)

    def _forget(self, run: str) -> None:
        """Drop the views of one comparison, and what Splink keeps in the server's memory."""
        for table in self._spark.catalog.listTables():
            if table.isTemporary and (run in table.name or table.name.startswith("__splink")):
                self._spark.catalog.uncacheTable(table.name)
                self._spark.catalog.dropTempView(table.name)


def _pairs_sql(model: LinkageModel, table: str) -> str:
    gammas = ", ".join(f"CAST(gamma_{name} AS INT) AS gamma_{name}" for name in model.comparisons)
    return (
        f"SELECT record_id_l AS left_id, record_id_r AS right_id, {gammas} "  # noqa: S608 - names of comparisons
        f"FROM {table}"
    )


def _empty(model: LinkageModel) -> pa.Table:
    gammas = [(f"gamma_{name}", pa.int32()) for name in model.comparisons]
    return pa.schema(
        [
            ("left_id", pa.string()),
            ("right_id", pa.string()),
            *gammas,
            ("weight", pa.float64()),
            ("may_link", pa.bool_()),
        ]
    ).empty_table()


def levels_by_gamma(model: LinkageModel, comparison: str) -> list[Level | None]:
    """Return the levels of one comparison as Splink numbers them, from −1: none for null, the last, …, the first."""
    return [None, *reversed([lv for lv in model.comparisons[comparison].levels if not is_null_level(lv.when)])]


def weigh(model: LinkageModel, pairs: pa.Table) -> pa.Table:
    """Return compared pairs with ``weight`` under ``model``, in bits, the prior among them, and ``may_link``."""
    weight = np.full(len(pairs), np.log2(model.prior / (1 - model.prior)))
    may_link = np.full(len(pairs), True)
    for name in model.comparisons:
        levels = levels_by_gamma(model, name)
        place = pairs[f"gamma_{name}"].to_numpy() + 1
        weight = weight + np.array([level.weight if level else 0.0 for level in levels])[place]
        may_link &= np.array([not (level and level.never_links) for level in levels])[place]
    bare = pairs.drop_columns([name for name in ("weight", "may_link") if name in pairs.column_names])
    weighed = bare.append_column("weight", pa.array(np.round(weight, 6)))
    return weighed.append_column("may_link", pa.array(may_link))


def _weighed(model: LinkageModel, found: pa.Table, least: float | None) -> pa.Table:
    """Return the pairs with their weights, from ``least`` bits, in the order of their ids."""
    if not len(found):
        return _empty(model)
    pairs = weigh(model, found)
    if least is not None:
        pairs = pairs.filter(pc.greater_equal(pairs["weight"], least))
    return pairs.sort_by([("left_id", "ascending"), ("right_id", "ascending")]).cast(_empty(model).schema)
