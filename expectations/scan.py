"""The Spark queries behind a check (一次扫描): counts of all rows, each rule's failing rows, and where some are.

Invariant: memory is bounded whatever the number of failing rows. All rows are counted as they pass by; those that
break a rule are grouped by what they break, and per rule at most twice ``BUCKETS`` places reach this process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Observation, Row
from pyspark.sql import functions as F

from catalog.model.errors import GuantongError
from expectations.domain import Failing
from expectations.row_rules import RowRules

BUCKETS = 64
LOOKED_AT = 2_000
"""Failing rows of a rule, about, among which places are chosen: grouping texts means sorting them."""


class CountsDifferError(GuantongError):
    """Two counts of the same rows in one check differ, so neither can be believed."""

    code = "COUNTS_DIFFER"

    def __init__(self, counted: int, grouped: int) -> None:
        super().__init__(
            f"{counted:,} rows were counted and {grouped:,} grouped",
            remedy="run the check again; the table may have changed, or Spark may have run a part of it twice",
        )


@dataclass
class Found:
    """What the scan found of one rule."""

    rows: int = 0
    """Rows that break it."""
    places: list[list[str | None]] = field(default_factory=list)
    """Values of the place columns of some of them, as text."""

    def add(self, row: Row) -> None:
        """Add the rows of one bucket, and two of their places."""
        self.rows += row["n"]
        self.places += [list(place) for place in dict.fromkeys((tuple(row["low"]), tuple(row["high"])))]


def scan(
    frame: DataFrame,
    counts: Mapping[str, Column],
    failing: Mapping[int, Failing],
    places: Sequence[str],
    keep: str | None = None,
) -> tuple[dict[str, Any], dict[int, Found]]:
    """Return the value of each aggregate of ``counts``, and what was found of each rule.

    The rows are observed before they are marked: a filter over an observation over many predicates takes Spark many
    seconds to plan. Where it sees beforehand that no row can break a rule, nothing passes by, and the rows are counted
    by themselves.

    Args:
        frame: the table, pinned.
        counts: name → aggregate over all rows.
        failing: rule → how its failing rows are found.
        places: columns that tell where a row is, such as its key.
        keep: address of a folder for the rows that break rules on single rows, whole and with their masks, written
            in the same scan as Parquet; rules on keys and other tables are then looked at beside it.

    Raises:
        CountsDifferError: when the rows seen in grouping are not those counted, as after a stage ran twice.
    """
    on_rows = RowRules({rule: f for rule, f in failing.items() if f.predicate is not None})
    unique = {rule: f for rule, f in failing.items() if f.predicate is None and f.broken_rows is None}
    related = {rule: f for rule, f in failing.items() if f.broken_rows is not None}
    counts = {**counts, **{f"unique_{rule}": f.domain.count() for rule, f in unique.items()}, "rows": F.count(F.lit(1))}
    observation = Observation()
    observed = frame.observe(observation, *[column.alias(name) for name, column in counts.items()])
    broken = on_rows.marked(observed).filter(on_rows.is_broken)
    place = F.array(*[F.col(name).cast("string") for name in places]).cast("array<string>")
    others = [_by_bucket(f.rows(frame), rule, place) for rule, f in related.items()]
    others += [_by_hash(unique, frame)] if unique else []
    found = {rule: Found() for rule in failing}
    if keep is None:
        answers = _collected([_by_rule(broken, on_rows, place), *others])
    else:
        with ThreadPoolExecutor(1) as beside:
            looked = beside.submit(_collected, others)
            broken.write.mode("overwrite").parquet(keep)
            _kept(frame.sparkSession.read.parquet(keep), on_rows, place, found)
            answers = looked.result()
    values = dict(observation.get)
    if not counts.keys() <= values.keys():
        values = frame.agg(*[column.alias(name) for name, column in counts.items()]).collect()[0].asDict()
    suspects = _suspects({rule: values[f"unique_{rule}"] for rule in unique}, answers)
    answers = [row for row in answers if row["seen"] is None]
    answers += _collected([_by_bucket(unique[rule].rows(frame), rule, place) for rule in suspects])
    for row in answers:
        found[row["rule"]].add(row)
    return values, found


def _by_rule(broken: DataFrame, rules: RowRules, place: Column) -> DataFrame:
    """Return rows and two places of each rule on single rows, per bucket of places."""
    numbers = rules.broken_rules() if rules.masks else F.array().cast("array<int>")
    return _grouped(broken.select(place.alias("place"), F.explode(numbers).alias("rule")))


def _kept(rows: DataFrame, rules: RowRules, place: Column, found: Mapping[int, Found]) -> None:
    """Note in ``found`` what kept rows break: all of them are counted, and places chosen among some of each rule."""
    if not rules.masks:
        return
    totals = rows.agg(*[column.alias(str(rule)) for rule, column in rules.counts().items()]).collect()[0].asDict()
    one_in = {rule: max(1, totals[str(rule)] // LOOKED_AT) for rule in rules.numbers}
    chance = F.xxhash64(place, F.monotonically_increasing_id()).alias("chance")
    marked = rows.select(place.alias("place"), chance, *rules.masks)
    some = marked.select("place", F.explode(rules.some_broken_rules(F.col("chance"), one_in)).alias("rule"))
    for row in _grouped(some).collect():
        found[row["rule"]].add(row)
    for rule in rules.numbers:
        found[rule].rows = totals[str(rule)]


def _collected(parts: Sequence[DataFrame]) -> list[Row]:
    return list(reduce(DataFrame.unionByName, parts).collect()) if parts else []


def _suspects(counted: Mapping[int, int], answers: Sequence[Row]) -> list[int]:
    """Return the rules on keys under which hashes repeat; refuse counts that differ."""
    grouped = {row["rule"]: row for row in answers if row["seen"] is not None}
    for rule, rows in counted.items():
        seen = grouped[rule]["seen"] if rule in grouped else 0
        if seen != rows:
            raise CountsDifferError(rows, seen)
    return [rule for rule, row in grouped.items() if row["n"]]


def _grouped(rows: DataFrame) -> DataFrame:
    """Return ``rule``, ``n``, ``low`` and ``high`` of rows with ``rule`` and ``place``, per rule and bucket."""
    bucket = F.pmod(F.xxhash64("place"), F.lit(BUCKETS)).alias("bucket")
    ends = [F.min("place").alias("low"), F.max("place").alias("high")]
    grouped = rows.groupBy("rule", bucket).agg(F.count(F.lit(1)).alias("n"), *ends)
    return grouped.select("rule", "n", "low", "high", F.lit(None).cast("bigint").alias("seen"))


def _by_bucket(rows: DataFrame, rule: int, place: Column) -> DataFrame:
    return _grouped(rows.select(F.lit(rule).alias("rule"), place.alias("place")))


def _by_hash(failing: Mapping[int, Failing], frame: DataFrame) -> DataFrame:
    """Return per rule on keys how many rows were seen, and how many share the hash of their key: none, and all differ.

    All keys go through one look at the rows and one shuffle.
    """
    keys = []
    for rule, found in failing.items():
        key = F.struct(F.lit(rule).alias("rule"), F.xxhash64(*found.columns).alias("hash"))
        keys.append(key if found.domain.condition is None else F.when(found.domain.condition, key))
    each = frame.select((F.explode(F.array(*keys)) if len(keys) > 1 else keys[0]).alias("key")).where("key IS NOT NULL")
    groups = each.groupBy("key.rule", "key.hash").agg(F.count(F.lit(1)).alias("alike"))
    shared = F.sum(F.when(F.col("alike") > 1, F.col("alike")).otherwise(0)).alias("n")
    nowhere = [F.lit(None).cast("array<string>").alias(end) for end in ("low", "high")]
    total = groups.groupBy("rule").agg(shared, F.sum("alike").alias("seen"))
    return total.select("rule", "n", *nowhere, "seen")
