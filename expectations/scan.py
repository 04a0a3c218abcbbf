"""The Spark query behind a check (一次扫描): counts of all rows, each rule's failing rows, and where some are.

Invariant: memory is bounded whatever the number of failing rows. All rows are counted as they pass by; those that
break a rule are grouped by what they break, and per rule at most twice ``BUCKETS`` places reach this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Observation, Row
from pyspark.sql import functions as F

from catalog.model.errors import GuantongError
from expectations.domain import Failing
from expectations.row_rules import RowRules

BUCKETS = 64
_TWICE = "two counts of the same rows differ"


class CountsDifferError(GuantongError):
    """Two counts of the same rows in one check differ, so neither can be believed."""

    code = "COUNTS_DIFFER"


@dataclass
class Found:
    """What the scan found of one rule."""

    rows: int = 0
    """Rows that break it."""
    places: list[list[str | None]] = field(default_factory=list)
    """Values of the place columns of some of them, as text."""


def scan(
    frame: DataFrame,
    counts: Mapping[str, Column],
    failing: Mapping[int, Failing],
    places: Sequence[str],
    keep: str | None = None,
) -> tuple[dict[str, Any], dict[int, Found]]:
    """Return the value of each aggregate of ``counts``, and what was found of each rule.

    Where Spark sees beforehand that no row can break a rule, nothing passes by, and the rows are counted by themselves.

    Args:
        frame: the table, pinned.
        counts: name → aggregate over all rows.
        failing: rule → how its failing rows are found.
        places: columns that tell where a row is, such as its key.
        keep: address of a folder for the rows that break rules on single rows, whole and with their masks, written
            in the same pass as Parquet.

    Raises:
        CountsDifferError: when the rows seen in grouping are not those counted, as after a stage ran twice.
    """
    row_rules = RowRules({rule: f for rule, f in failing.items() if f.predicate is not None})
    unique = {rule: f for rule, f in failing.items() if f.predicate is None and f.broken_rows is None}
    related = {rule: f for rule, f in failing.items() if f.broken_rows is not None}
    counts = {**counts, **{f"unique_{rule}": f.domain.count() for rule, f in unique.items()}, "rows": F.count(F.lit(1))}
    observation = Observation()
    marked = row_rules.marked(frame).observe(observation, *[column.alias(name) for name, column in counts.items()])
    broken = marked.filter(row_rules.is_broken)
    place = F.array(*[F.col(name).cast("string") for name in places]).cast("array<string>")
    if keep is not None:
        broken.write.mode("overwrite").parquet(keep)
        broken = frame.sparkSession.read.parquet(keep)
    parts = [_by_rule(broken.select(place.alias("place"), *row_rules.masks), row_rules)]
    parts += [_by_bucket(f.rows(frame), rule, place) for rule, f in related.items()]
    parts += [_by_hash(f, frame, rule) for rule, f in unique.items()]
    answers = reduce(lambda a, b: a.unionByName(b), parts).collect()
    values = dict(observation.get)
    if not counts.keys() <= values.keys():
        values = frame.agg(*[column.alias(name) for name, column in counts.items()]).collect()[0].asDict()
    found = {rule: Found() for rule in failing}
    suspects = []
    for row in answers:
        if row["seen"] is None:
            _add(found[row["rule"]], row)
            continue
        if row["seen"] != values[f"unique_{row['rule']}"]:
            raise CountsDifferError(_TWICE, place=f"{row['seen']:,} rows grouped", remedy="run the check again")
        if row["n"]:
            suspects.append(row["rule"])
    for row in _repeated(frame, {rule: unique[rule] for rule in suspects}, place):
        _add(found[row["rule"]], row)
    return values, found


def _add(found: Found, row: Row) -> None:
    found.rows += row["n"]
    found.places += [list(place) for place in dict.fromkeys((tuple(row["low"]), tuple(row["high"])))]


def _by_rule(broken: DataFrame, rules: RowRules) -> DataFrame:
    """Return rule, bucket, rows and two places of each rule on single rows."""
    numbers = rules.broken_rules() if rules else F.array().cast("array<int>")
    each = _grouped(broken, *rules.masks).withColumn("rule", F.explode(numbers))
    again = each.groupBy("rule", "bucket").agg(
        F.sum("n").alias("n"), F.min("low").alias("low"), F.max("high").alias("high")
    )
    return again.select("rule", "n", "low", "high", F.lit(None).cast("bigint").alias("seen"))


def _grouped(rows: DataFrame, *by: str) -> DataFrame:
    bucket = F.pmod(F.xxhash64("place"), F.lit(BUCKETS)).alias("bucket")
    ends = [F.min("place").alias("low"), F.max("place").alias("high")]
    return rows.groupBy(*by, bucket).agg(F.count(F.lit(1)).alias("n"), *ends)


def _by_bucket(rows: DataFrame, rule: int, place: Column) -> DataFrame:
    grouped = _grouped(rows.select(place.alias("place")))
    return grouped.select(F.lit(rule).alias("rule"), "n", "low", "high", F.lit(None).cast("bigint").alias("seen"))


def _by_hash(failing: Failing, frame: DataFrame, rule: int) -> DataFrame:
    """Return how many rows were seen, and how many share the hash of their key: none, and all keys differ."""
    hashed = failing.domain.select(frame).select(F.xxhash64(*failing.columns).alias("key"))
    groups = hashed.groupBy("key").agg(F.count(F.lit(1)).alias("alike"))
    shared = F.sum(F.when(F.col("alike") > 1, F.col("alike")).otherwise(0))
    nowhere = F.lit(None).cast("array<string>")
    total = groups.agg(F.coalesce(shared, F.lit(0)).alias("n"), F.coalesce(F.sum("alike"), F.lit(0)).alias("seen"))
    return total.select(F.lit(rule).alias("rule"), "n", nowhere.alias("low"), nowhere.alias("high"), "seen")


def _repeated(frame: DataFrame, failing: Mapping[int, Failing], place: Column) -> list[Row]:
    parts = [_by_bucket(f.rows(frame), rule, place) for rule, f in failing.items()]
    return reduce(lambda a, b: a.unionByName(b), parts).collect() if parts else []
