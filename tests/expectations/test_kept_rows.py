"""Failing rows are kept in the scan that counts them: the same counts and tags, and little comes back however many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from catalog.model.registry import Registry
from expectations.gx import gxe
from expectations.one_pass import OnePass
from expectations.scan import BUCKETS, LOOKED_AT
from expectations.suite import build_plan
from tests.expectations.trial import contract_of, frame_of, row, rows

ROWS = 4 * LOOKED_AT
FORM = r"\A[A-Z]\z"


def run(frame: Any, rules: list[Any], places: list[str], keep: str | None = None) -> OnePass:
    one_pass = OnePass(frame, rules)
    one_pass.prepare()
    one_pass.run(places, keep=keep)
    return one_pass


def test_kept_rows_are_counted_and_tagged_like_rows_that_are_looked_for(spark: Any, tmp_path: Path) -> None:
    frame = frame_of(spark, [*rows(5), row(6, sex_code="7"), row(7, sex_code="7", full_name=None, employer_uscc="x")])
    planned = build_plan(contract_of(), present=frame.columns, registry=Registry()).rules
    rules = [r for r in planned if getattr(r, "column", "") in ("full_name", "sex_code", "employer_uscc")]
    assert len(rules) > 5
    looked, kept = run(frame, rules, ["_row_number"]), run(frame, rules, ["_row_number"], f"file:{tmp_path}/kept")
    assert {i: found.rows for i, found in kept.found.items()} == {i: found.rows for i, found in looked.found.items()}
    assert {i: sorted(f.places) for i, f in kept.found.items()} == {
        i: sorted(f.places) for i, f in looked.found.items()
    }
    told = [{r["_row_number"]: sorted(r["_rules"]) for r in one.tagged().collect()} for one in (looked, kept)]
    assert told[0] == told[1] and set(told[0]) == {6, 7} and len(told[0][7]) > len(told[0][6]) == 1


def test_a_table_in_which_every_row_fails_brings_back_no_more(spark: Any, tmp_path: Path) -> None:
    frame = spark.range(ROWS).select("id", F.lit("1").alias("code"), F.lit(None).cast("string").alias("name"))
    rules = [
        gxe.ExpectColumnValuesToMatchRegex(column="code", regex=FORM, meta={"rule_id": "t.code.form"}),
        gxe.ExpectColumnValuesToNotBeNull(column="name", meta={"rule_id": "t.name.not_null"}),
        gxe.ExpectColumnValuesToBeUnique(column="code", meta={"rule_id": "t.code.unique"}),
    ]
    one_pass = run(frame, rules, ["id"], f"file:{tmp_path}/kept")
    assert [one_pass.found[i].rows for i in range(3)] == [ROWS] * 3
    assert all(0 < len(one_pass.found[i].places) <= 2 * BUCKETS for i in range(3))
    assert not any(one_pass.verdict(i).success for i in range(3))
    assert spark.read.parquet(f"file:{tmp_path}/kept").count() == ROWS
