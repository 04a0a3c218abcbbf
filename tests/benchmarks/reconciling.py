"""Reconcile against the usual full outer join: three sources from scratch, a day of one per cent, a larger library."""

from __future__ import annotations

import os
from collections.abc import Callable

from pyspark.sql import SparkSession

from catalog.model.layers import table_of
from catalog.model.registry import Registry
from catalog.model.settings import Settings
from jobs.runtime import delta
from jobs.runtime.spark import connect, expect_rows
from tests.benchmarks.result import Result
from tests.benchmarks.stacks import RESOURCES, bench_stack, timed
from tests.benchmarks.three_sources import make_first_day, make_next_day

PEER = "PySpark by hand: window by priority, full outer join, overwrite"
RESOURCE = "population.bench_library"
Say = Callable[[str], None]


def persons_wanted() -> int:
    """Return the number of persons; ``BENCH_ROWS`` makes it smaller while trying out."""
    return int(os.environ.get("BENCH_ROWS", 2_000_000))


def growth_wanted() -> int:
    """Return how many times larger the second library is; ``BENCH_GROWTH``, 1 leaves it out."""
    return int(os.environ.get("BENCH_GROWTH", 4))


def ours(settings: Settings, day: str) -> float:
    """Return the seconds of reconcile as a whole process."""
    return timed(settings, "-m", "jobs", "reconcile", "--resource", RESOURCE, business_date=day)


def theirs(settings: Settings) -> float:
    """Return the seconds of the script that joins everything."""
    secrets = {"SPARK_REMOTE": settings.require("spark_remote")}
    return timed(settings, "tests/benchmarks/join_script.py", settings.lake_uri, secrets=secrets)


def differing(spark: SparkSession, settings: Settings) -> tuple[int, int]:
    """Return the persons of both results, and how many of them are not the same in both."""
    contract = Registry(RESOURCES).get(RESOURCE)
    columns = [c for c in contract.columns if c != "person_id"]
    mine = delta.read(spark, table_of(contract, settings.lake_uri)).where("NOT _is_deleted").select(*columns)
    peers = spark.read.format("delta").load(f"{settings.lake_uri}/joined/golden").select(*columns)
    return mine.count(), mine.exceptAll(peers).count() + peers.exceptAll(mine).count()


def measured(say: Say, count: int, changed: int, *, with_peer: bool) -> tuple[float, float, float, float]:
    """Return the seconds of ours and of the peer for the whole library, and for a day on top."""
    with bench_stack() as settings:
        spark = connect(settings.require("spark_remote"))
        expect_rows(spark, count)
        say(f"making {count:,} persons in three sources")
        make_first_day(spark, settings, count)
        join_first = theirs(settings) if with_peer else 0.0
        first = ours(settings, "2026-02-01")
        say(f"  from scratch {first:.1f} s" + (f", joined {join_first:.1f} s" if with_peer else ""))
        make_next_day(spark, settings, count, changed)
        day = ours(settings, "2026-02-02")
        join_day = theirs(settings) if with_peer else 0.0
        say(f"  a day of {changed:,} {day:.1f} s" + (f", joined {join_day:.1f} s" if with_peer else ""))
        if with_peer:
            persons, different = differing(spark, settings)
            if not persons or different:
                raise RuntimeError(f"the two libraries differ in {different:,} of {persons:,} persons")
        spark.stop()
    return first, join_first, day, join_day


def reconciling(say: Say) -> list[Result]:
    """Reconcile 2 million persons from three sources, a 1 % day, and the same day on four times the library."""
    count, growth = persons_wanted(), growth_wanted()
    changed = count // 100
    first, join_first, day, join_day = measured(say, count, changed, with_peer=True)
    size = f"{count / 1e6:g} M persons × 3 sources"
    results = [
        Result(f"reconcile, {size}", PEER, first, join_first, "s"),
        Result(f"next day of 1 % on {size}", f"{PEER} again", day, join_day, "s"),
        Result(f"next day of 1 % on {size}", "ours from scratch", day, first, "s", goal=0.1),
    ]
    if growth > 1:
        _, _, later, _ = measured(say, growth * count, changed, with_peer=False)
        case = f"the same day on {growth} × {size}"
        results.append(Result(case, f"the day on {size}", later, day, "s", goal=1.5))
    return results
