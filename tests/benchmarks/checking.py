"""The gate on millions of rows: one pass with quarantine, against a pass by hand, GX's own runs and cuallee."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gx import ExpectationSuite
from expectations.one_pass import OnePass
from jobs.runtime.spark import connect, expect_rows, many_expressions
from tests.benchmarks import checking_rules as peers
from tests.benchmarks.result import Result
from tests.benchmarks.stacks import bench_stack
from tests.generated.companies import standard_companies

Say = Callable[[str], None]
SPOILT = 0.02
ROWS_A_FILE = 500_000
KEYS = ["uscc", "record_no"]
REPEATS = 3


def rows_wanted() -> int:
    """Return the number of rows; ``BENCH_ROWS`` makes it smaller while trying out."""
    return int(os.environ.get("BENCH_ROWS", 10_000_000))


def make_rows(folder: Path, rows: int) -> str:
    """Write ``rows`` registrations, two in a hundred spoilt, and return the folder's address."""
    folder.mkdir()
    for part, start in enumerate(range(0, rows, ROWS_A_FILE)):
        count = min(ROWS_A_FILE, rows - start)
        table = standard_companies(count, seed=part, spoilt=SPOILT)
        numbers = range(start, start + count)
        place = table.schema.get_field_index("record_no")
        table = table.set_column(place, "record_no", [list(numbers)])
        pq.write_table(table, folder / f"{part:05}.parquet")
    return folder.as_uri()


def ours(frame: DataFrame, keep: str) -> dict[str, int]:
    """Return the failing rows of each rule, having kept all of them, tagged, below ``keep``."""
    rules = peers.as_expectations()
    one_pass = OnePass(frame, rules)
    with many_expressions(frame.sparkSession):
        one_pass.prepare()
        one_pass.run(KEYS, keep=keep)
    verdicts = {rule.meta["rule_id"]: one_pass.verdict(index) for index, rule in enumerate(rules)}
    return {rule: int(v.result.get("unexpected_count") or 0) for rule, v in verdicts.items()}


def by_gx(frame: DataFrame, result_format: str) -> dict[str, int]:
    """Return the failing rows of each rule by GX's own run."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_spark("lake", persist=False).add_dataframe_asset("bench")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    wanted: dict[str, object] = {"result_format": result_format}
    if result_format == "COMPLETE":
        wanted["unexpected_index_column_names"] = KEYS
    found = batch.validate(ExpectationSuite(name="bench", expectations=peers.as_expectations()), result_format=wanted)
    failed = [str(r.exception_info) for r in found.results if r.exception_info.get("raised_exception")]
    if failed:
        raise RuntimeError(f"GX could not evaluate {len(failed)} rules: {failed[0][:500]}")
    return {r.expectation_config.meta["rule_id"]: int(r.result.get("unexpected_count") or 0) for r in found.results}


def checking(say: Say) -> list[Result]:
    """25 rules on 10 million rows with quarantine and failing keys: one pass, by hand, GX SUMMARY and COMPLETE."""
    rows = rows_wanted()
    with tempfile.TemporaryDirectory(prefix="guantong-check-") as made, bench_stack() as settings:
        folder = Path(made)
        os.environ["SPARK_REMOTE"] = settings.require("spark_remote")
        spark = connect(settings.require("spark_remote"))
        expect_rows(spark, rows)
        say(f"making {rows:,} registrations, {SPOILT:.0%} of them spoilt")
        frame = spark.read.parquet(make_rows(folder / "rows", rows))
        small = frame.limit(max(1, rows // 20))
        runs: dict[str, tuple[Callable[[DataFrame], dict[str, int]], int]] = {
            "by hand": (peers.by_hand, REPEATS),
            "one pass": (lambda chosen: ours(chosen, (folder / "kept").as_uri()), REPEATS),
            "GX SUMMARY": (lambda chosen: by_gx(chosen, "SUMMARY"), 1),
            "GX COMPLETE": (lambda chosen: by_gx(chosen, "COMPLETE"), 1),
            "cuallee": (peers.by_cuallee, 1),
        }
        times: dict[str, float] = {}
        found: dict[str, dict[str, int]] = {}
        for name, (run, repeats) in runs.items():
            if repeats > 1:
                run(small)
            taken = []
            for _ in range(repeats):
                began = time.monotonic()
                counted = run(frame)
                taken.append(time.monotonic() - began)
            times[name], found[name] = statistics.median(taken), counted
            memory = psutil.Process().memory_info().rss // 2**20
            say(f"  {name}: {times[name]:.1f} s, {rows / times[name]:,.0f} rows/s; this process holds {memory} MiB")
        _agree(found, spark.read.parquet((folder / "kept").as_uri()).count(), rows)
        every, memory = _every_row_fails(frame, (folder / "all").as_uri(), rows)
        say(f"  one pass, every row fails: {every:.1f} s; this process holds {memory} MiB")
    case = f"check, 25 rules, {rows / 1e6:g} M rows"
    goals = {"by hand": 1.5, "GX SUMMARY": 0.5, "GX COMPLETE": 0.2, "cuallee": None}
    mine = times["one pass"]
    results = [Result(case, name, mine, times[name], "s", goal=goals[name]) for name in goals]
    return [*results, Result(f"{case}, every row fails", f"{SPOILT:.0%} fail", every, mine, "s")]


def _every_row_fails(frame: DataFrame, keep: str, rows: int) -> tuple[float, int]:
    """Return the seconds of a pass in which every row breaks many rules and is kept, and this process's MiB after it.

    Raises:
        RuntimeError: when not every row was found.
    """
    texts = [name for name, kind in frame.dtypes if kind == "string"]
    began = time.monotonic()
    found = ours(frame.withColumns({name: F.concat(F.lit("?"), F.col(name)) for name in texts}), keep)
    seconds = time.monotonic() - began
    broken = sum(failed == rows for failed in found.values())
    if broken < len(peers.FORMS) or frame.sparkSession.read.parquet(keep).count() != rows:
        raise RuntimeError(f"not every row was found: {found}")
    return seconds, psutil.Process().memory_info().rss // 2**20


def _agree(found: dict[str, dict[str, int]], kept: int, rows: int) -> None:
    """Refuse to report times of runs that did not find the same."""
    mine = found["one pass"]
    for name in ("GX SUMMARY", "GX COMPLETE"):
        if found[name] != mine:
            raise RuntimeError(f"{name} and the one pass differ: {found[name]} and {mine}")
    differing = {rule: n for rule, n in found["by hand"].items() if mine[rule] != n}
    broken = sum(mine.values())
    if differing or not 0 < kept <= broken < rows * len(mine):
        raise RuntimeError(f"by hand differs in {differing}; {kept} rows kept of {broken} failures")
