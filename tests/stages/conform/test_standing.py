"""What stands at a look stands after all steps too: no value and no row is judged otherwise for being seen first."""

import uuid
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from catalog.model.contract import Item
from catalog.model.registry import Registry, get_registry
from catalog.model.settings import CHECKOUT
from jobs.conform import standing
from jobs.conform.judge import judge
from jobs.runtime.lease import Lease
from jobs.runtime.spark import expect_rows
from jobs.runtime.stage import StageRun
from jobs.runtime.standards import apply_rules, rule_of
from jobs.runtime.standards.standing import STANDING, standing_of
from tests.corpus.value_cases import CASES
from tests.generated.companies import companies
from tests.stages.conform import written_dates

CONTRACTS = CHECKOUT / "tests" / "benchmarks" / "resources"
ROWS = 20_000
PLAIN = {
    "citizen_id": ["11010519491231002X", "110105194912310021", "810000199001010014", "11010519491231002x"],
    "uscc": ["91350100M000100Y43", "91350100M000100Y44", "91350100m000100y43"],
    "organisation_code": ["M000100Y4", "M000100Y5", "M000100Y-4"],
    "registration_number": ["110000000000014", "510100000012344"],
    "licence_id": ["1.2.156.3005.2.11100000MB0100000X001.1", "示范"],
    "division": ["510107", "510122", "999999", "51 0107"],
    "text": ["四川省", "ABC-1", "甲 乙", "㐀𠮷", "ａ", "甲\u200b", "e\u0301", "[甲]", ""],
    "name": ["示范（成都）有限公司", "示范(成都)有限公司", "阿依·示范", "阿依•示范", "甲 乙", "甲【乙】", "A&B"],
    "address": ["武侯区人民南路4段27号", "武侯区[东]1号", "武侯区(东)1号", "武侯区　1号", "武侯区1号-2#"],
    "date": ["2024-09-01", "2024-9-1", "9999-12-31", "1900-01-01", "0001-01-01", "2024-02-30", "1899-12-31"],
    "phone": ["13800138000", "138-0013-8000", "028-85123456", "+8613800138000", "23800138000"],
    "integer": ["0", "-5", "12", "012", "+5", "-0", "999999999999999999", "1.0"],
    "decimal": ["0.0000", "0.0001", "12.5000", "12.5", "012.5000", "-0.0000", "1,000.0000", "9999999999999999.9999"],
    "code": ["1", "2", "男", "M", "9", "7", " 1"],
}
"""Values of each standard that stand, and close to them others that do not."""


@pytest.mark.parametrize("standard", [*STANDING, "code"])
def test_the_rule_leaves_a_value_alone_that_stands(spark, standard):
    item = Item(standard=standard, code_list="sex") if standard == "code" else Item(standard=standard)
    cases = [case.raw for case in CASES if case.raw is not None]
    dates = written_dates.samples(2_000) if standard == "date" else []
    raws = list(dict.fromkeys([*PLAIN[standard], *cases, *dates]))
    frame = spark.createDataFrame([(raw,) for raw in raws], "raw string")
    told = apply_rules(frame, {"raw": rule_of(item)}).withColumn("stands", standing_of(item)(F.col("raw")))
    found = told.select("raw", F.col("raw__value").cast("string"), "raw__problem", "raw__rule", "stands").collect()
    assert len(found) == len(raws)
    standing_rows = [row for row in found if row["stands"]]
    assert 0 < len(standing_rows) < len(raws)
    assert [tuple(row) for row in standing_rows if tuple(row)[1:4] != (row["raw"], None, None)] == []


def both_ways(spark, rows, contract, previous, monkeypatch):
    """Return the judged rows in steps, and with a look first, each as sorted tuples without the raw text's map."""
    count = rows.count()
    expect_rows(spark, count)
    columns = [
        F.to_json(F.col("_row")) if name == "_row" else F.col(name) for name in judge(rows, contract, None).columns
    ]
    monkeypatch.setattr(standing, "LOOKING_PAYS", count)
    assert standing.may_stand(contract)
    run = StageRun("conform", contract.id, uuid.uuid4(), Lease(contract.id, 1, is_after_death=False))
    with standing.judged_rows(spark, rows, contract, previous, count, run) as judged:
        looked = judged.select(*columns).collect()
    in_steps = judge(rows, contract, previous).select(*columns).collect()
    return [sorted(map(repr, found)) for found in (in_steps, looked)]


def test_rows_are_judged_alike_with_a_look_first(spark, tmp_path, monkeypatch):
    table = companies(ROWS, spoilt=0.05, varied=0.5)
    operations = pa.array(["D" if i % 97 == 0 else "U" for i in range(ROWS)])
    sexes = pa.array(
        [
            None if i % 31 == 0 else "1" if i % 7 == 0 else v
            for i, v in enumerate(table["representative_sex_code"].to_pylist())
        ]
    )
    table = table.set_column(table.schema.get_field_index("_operation"), "_operation", operations)
    table = table.set_column(table.schema.get_field_index("representative_sex_code"), "representative_sex_code", sexes)
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = spark.read.parquet((tmp_path / "rows.parquet").as_uri())
    contract = Registry(CONTRACTS).get("legal_entity.bench_company")
    stood = standing.look(rows, contract).where("_stands = 1").count()
    assert 0.2 * ROWS < stood < 0.8 * ROWS
    in_steps, looked = both_ways(spark, rows, contract, date(2026, 3, 2), monkeypatch)
    assert len(in_steps) == ROWS
    assert in_steps == looked


def test_birth_dates_must_agree_with_the_number_to_stand(spark, monkeypatch):
    contract = get_registry().get("population.resident")
    number = "11010519491231002X"
    given = {"citizen_id": number, "record_no": "1", "name": "示范", "_operation": "I", "_record_key": "1"}
    births = ["1949-12-31", "1949-12-30", "19491231", None]
    rows = [{**given, "birth_date": birth, "_row_number": n} for n, birth in enumerate(births)]
    stamp = datetime(2026, 3, 1, tzinfo=UTC)
    names = [*contract.raw_columns, *standing.BRONZE]
    kinds = {"_row_number": "bigint", "_row_id": "bigint", "_received_at": "timestamp", "_source_at": "timestamp"}
    values = [tuple({**row, "_received_at": stamp, "_source_at": stamp}.get(name) for name in names) for row in rows]
    frame = spark.createDataFrame(values, ", ".join(f"{name} {kinds.get(name, 'string')}" for name in names))
    in_steps, looked = both_ways(spark, frame, contract, None, monkeypatch)
    assert len(in_steps) == len(births)
    assert in_steps == looked
