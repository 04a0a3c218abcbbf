"""Conform's rules on millions of rows: column expressions against Python UDFs, pandas UDFs and DuckDB."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.model.registry import Registry
from catalog.model.settings import CHECKOUT
from infra.stack.spark_server import cores
from jobs.conform.standing import BRONZE, judged_rows
from jobs.runtime.lease import Lease
from jobs.runtime.spark import connect, expect_rows
from jobs.runtime.stage import StageRun
from tests.benchmarks import rules_peers as peers
from tests.benchmarks.result import Result
from tests.benchmarks.stacks import RESOURCES, bench_stack
from tests.generated.companies import companies

Say = Callable[[str], None]
Conform = Callable[[DataFrame], AbstractContextManager[DataFrame]]
"""Raw rows → the conformed ones, written out; they last as long as the block."""
SPOILT = 0.02
VARIED = 0.03
"""Rows with a name, date or code in another form than the standard one: a Sichuan registry of 107,803 rows has 1.6 % of
such names, and all of its dates are ISO 8601."""
ROWS_A_FILE = 500_000
REPEATS = 3


def rows_wanted() -> int:
    """Return the number of rows; ``BENCH_ROWS`` makes it smaller while trying out."""
    return int(os.environ.get("BENCH_ROWS", 3_000_000))


def make_rows(folder: Path, rows: int, varied: float = VARIED) -> str:
    """Write ``rows`` registrations as Parquet and return the folder's address for Spark."""
    folder.mkdir()
    for part in range(0, rows, ROWS_A_FILE):
        table = companies(min(ROWS_A_FILE, rows - part), seed=part, spoilt=SPOILT, varied=varied)
        pq.write_table(table, folder / f"{part:09}.parquet")
    return folder.as_uri()


@contextmanager
def ours(rows: DataFrame) -> Iterator[DataFrame]:
    """Yield the standard values and whether the row stands, judged and written as the conform stage does it.

    The pipeline's own columns are empty: the peers know none.
    """
    contract = Registry(RESOURCES).get("legal_entity.bench_company")
    empty = [F.lit(None).cast(rows.schema[name].dataType).alias(name) for name in BRONZE if name != "_operation"]
    bronze = rows.select(*peers.COLUMNS, F.lit("I").alias("_operation"), *empty)
    run = StageRun("conform", contract.id, uuid4(), Lease(contract.id, 1, is_after_death=False))
    with judged_rows(rows.sparkSession, bronze, contract, None, rows.count(), run) as judged:
        yield judged.selectExpr(*contract.columns, "size(_places) = 0 AS is_sound")


def copied(rows: DataFrame) -> DataFrame:
    """Return the columns as they are, all rows sound: what reading and writing alone cost."""
    return rows.select(*peers.COLUMNS, F.lit(True).alias("is_sound"))


def written(conform: Callable[[DataFrame], DataFrame], target: Path) -> Conform:
    """Return ``conform``, its result written to ``target`` as Parquet."""

    @contextmanager
    def conformed(rows: DataFrame) -> Iterator[DataFrame]:
        conform(rows).write.mode("overwrite").parquet(target.as_uri())
        yield rows.sparkSession.read.parquet(target.as_uri())

    return conformed


def measured(rows: DataFrame, conform: Conform, repeats: int) -> tuple[float, int]:
    """Return the median seconds until the conformed ``rows`` are written, and how many of them stand."""
    taken, sound = [], 0
    for _ in range(repeats):
        began = time.monotonic()
        with conform(rows) as conformed:
            taken.append(time.monotonic() - began)
            sound = conformed.where("is_sound").count()
    return statistics.median(taken), sound


def by_duckdb(folder: Path, target: Path, repeats: int) -> tuple[float, int]:
    """Return the median seconds and the sound rows of DuckDB on as many threads as Spark has."""
    taken, sound = [], 0
    for _ in range(repeats):
        began = time.monotonic()
        sound = peers.by_duckdb(f"{folder}/*.parquet", str(target), cores())
        taken.append(time.monotonic() - began)
    return statistics.median(taken), sound


def conforming(say: Say) -> list[Result]:
    """Rules of 3 million registrations as expressions, UDFs, pandas UDFs and DuckDB; growth from 1 to 8 million."""
    rows = rows_wanted()
    os.environ["PYTHONPATH"] = str(CHECKOUT)
    with tempfile.TemporaryDirectory(prefix="guantong-rules-") as made, bench_stack() as settings:
        folder = Path(made)
        spark = connect(settings.require("spark_remote"))
        expect_rows(spark, rows)
        say(f"making {rows:,} registrations, {SPOILT:.0%} of them spoilt")
        raw = spark.read.parquet(make_rows(folder / "rows", rows))
        measured(raw.limit(rows // 10), ours, 2)
        out, times, sound = folder / "out", {}, {}
        for name, conform, repeats in (
            ("expressions", ours, REPEATS),
            ("pandas UDFs", written(peers.pandas_udf, out), 1),
            ("Python UDFs", written(peers.python_udf, out), 1),
        ):
            times[name], sound[name] = measured(raw, conform, repeats)
            say(f"  {name}: {times[name]:.1f} s, {rows / times[name]:,.0f} rows/s, {sound[name]:,} sound")
        times["copy"], _ = measured(raw, written(copied, out), REPEATS)
        say(f"  reading and writing the columns alone: {times['copy']:.1f} s, {rows / times['copy']:,.0f} rows/s")
        times["DuckDB"], sound["DuckDB"] = by_duckdb(folder / "rows", folder / "duck.parquet", 1)
        say(f"  DuckDB: {times['DuckDB']:.1f} s, {rows / times['DuckDB']:,.0f} rows/s, {sound['DuckDB']:,} sound")
        if len(set(sound.values())) != 1 or not 0 < sound["expressions"] < rows:
            raise RuntimeError(f"the peers do not judge alike: {sound}")
        growth = grown(spark, folder, rows // 3, say)
    case = f"conform rules, {rows / 1e6:g} M rows"
    return [
        Result(case, "the same rules as Python UDFs", times["expressions"], times["Python UDFs"], "s", goal=0.1),
        Result(case, "the same rules as pandas UDFs", times["expressions"], times["pandas UDFs"], "s", goal=1 / 3),
        Result(case, "the same rules in DuckDB", times["expressions"], times["DuckDB"], "s"),
        Result(case, "no rules: the rows copied", times["expressions"], times["copy"], "s"),
        growth,
    ]


def grown(spark: SparkSession, folder: Path, rows: int, say: Say) -> Result:
    """Return eight times the rows against eight times the seconds."""
    parts = [make_rows(folder / f"part{n}", rows) for n in range(8)]
    one, _ = measured(spark.read.parquet(parts[0]), ours, REPEATS)
    eight, _ = measured(spark.read.parquet(*parts), ours, 1)
    say(f"  growth: {rows:,} rows {one:.1f} s, {8 * rows:,} rows {eight:.1f} s")
    size = f"{rows / 1e6:g} M"
    return Result(f"conform rules, 8 × {size} rows", f"8 × the seconds of {size}", eight, 8 * one, "s", goal=1.15)
