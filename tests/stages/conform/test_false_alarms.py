"""A million valid registrations, in every form that departments write: not one is set aside or flagged."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.model.registry import Registry
from catalog.model.settings import CHECKOUT
from jobs.conform.judge import judge
from jobs.runtime.spark import expect_rows, many_expressions
from tests.generated.companies import companies

pytestmark = pytest.mark.long

ROWS = 1_000_000
SPOILT = 0.001
CONTRACTS = CHECKOUT / "tests" / "benchmarks" / "resources"


def judged(spark, rows: int, folder: Path, **options: float) -> tuple[int, int, int]:
    """Return how many rows were judged, how many were refused, and how many were flagged."""
    pq.write_table(companies(rows, **options), folder / "rows.parquet")
    expect_rows(spark, rows)
    contract = Registry(CONTRACTS).get("legal_entity.bench_company")
    with many_expressions(spark):
        frame = judge(spark.read.parquet((folder / "rows.parquet").as_uri()), contract, None)
        refused, flagged = "count_if(size(_places) > 0)", "count_if(exists(_flags, f -> f <> 'CITIZEN_ID_UPGRADED'))"
        row = frame.selectExpr("count(*)", refused, flagged).first()
    return row[0], row[1], row[2]


def test_a_million_valid_rows_raise_no_alarm(spark, tmp_path):
    assert judged(spark, ROWS, tmp_path) == (ROWS, 0, 0)


def test_spoilt_ones_among_them_would_have_been_seen(spark, tmp_path):
    rows, refused, _ = judged(spark, 20_000, tmp_path, spoilt=SPOILT * 10)
    assert rows == 20_000 and 0.8 < refused / (rows * SPOILT * 10) < 1.2
