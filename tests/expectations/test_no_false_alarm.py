"""A million valid registrations pass without one alarm, identifiers and all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from expectations.one_pass import OnePass
from jobs.runtime.spark import expect_rows, many_expressions
from tests.benchmarks.checking_rules import as_expectations
from tests.generated.companies import standard_companies

ROWS = 1_000_000
A_FILE = 250_000


def test_a_million_valid_rows(spark: Any, tmp_path: Path) -> None:
    for part in range(ROWS // A_FILE):
        pq.write_table(standard_companies(A_FILE, seed=part), tmp_path / f"{part}.parquet")
    expect_rows(spark, ROWS)
    frame = spark.read.parquet(tmp_path.as_uri())
    rules = as_expectations()
    one_pass = OnePass(frame, rules)
    try:
        with many_expressions(spark):
            one_pass.prepare()
            one_pass.run(["uscc"])
    finally:
        expect_rows(spark, 0)
    assert one_pass.rows == ROWS and len(rules) == 25
    assert {rules[i].meta["rule_id"]: found.rows for i, found in one_pass.found.items() if found.rows} == {}
    assert [one_pass.verdict(index).success for index in range(len(rules))] == [True] * len(rules)
