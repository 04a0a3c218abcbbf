"""A million valid registrations, many in the other forms that departments write: not one is set aside or flagged."""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.model.registry import Registry
from catalog.model.settings import CHECKOUT
from jobs.conform.standing import LOOKING_PAYS, judged_rows
from jobs.runtime.lease import Lease
from jobs.runtime.spark import expect_rows
from jobs.runtime.stage import StageRun
from tests.generated.companies import companies

pytestmark = pytest.mark.long

ROWS = 1_000_000
VARIED = 0.25
"""Rows in other forms; those of the rest that stand as written are seen at a look, as in the stage."""
SPOILT = 0.01
CONTRACTS = CHECKOUT / "tests" / "benchmarks" / "resources"


def judged(spark, rows: int, folder: Path, **options: float) -> tuple[int, int, int]:
    """Return how many rows were judged, how many were refused, and how many were flagged."""
    pq.write_table(companies(rows, **options), folder / "rows.parquet", row_group_size=rows // 2)
    expect_rows(spark, rows)
    contract = Registry(CONTRACTS).get("legal_entity.bench_company")
    raw = spark.read.parquet((folder / "rows.parquet").as_uri())
    run = StageRun("conform", contract.id, uuid.uuid4(), Lease(contract.id, 1, is_after_death=False))
    with judged_rows(spark, raw, contract, None, rows, run) as frame:
        refused, flagged = "count_if(size(_places) > 0)", "count_if(exists(_flags, f -> f <> 'CITIZEN_ID_UPGRADED'))"
        row = frame.selectExpr("count(*)", refused, flagged).first()
    return row[0], row[1], row[2]


def test_a_million_valid_rows_raise_no_alarm(spark, tmp_path):
    assert judged(spark, ROWS, tmp_path, varied=VARIED) == (ROWS, 0, 0)


@pytest.mark.parametrize("rows", [20_000, LOOKING_PAYS])
def test_spoilt_ones_among_them_would_have_been_seen(spark, tmp_path, rows):
    found, refused, _ = judged(spark, rows, tmp_path, spoilt=SPOILT, varied=1.0 if rows < LOOKING_PAYS else VARIED)
    assert found == rows and 0.8 < refused / (rows * SPOILT) < 1.2
