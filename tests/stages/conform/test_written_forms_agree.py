"""Dates and amounts are read by the column expressions exactly as by a plain reading, on written and damaged values."""

from collections import Counter

from jobs.runtime.standards import apply_rules, dates, money
from tests.stages.conform import written_dates, written_money

COUNT = 24_000


def frame_of(spark, raws):
    return spark.createDataFrame([(i, r) for i, r in enumerate(raws)], "i int, raw string")


def test_dates_agree_with_a_plain_reading(spark):
    raws = written_dates.samples(COUNT)
    rows = apply_rules(frame_of(spark, raws), {"raw": dates.DATE}).selectExpr("i", "raw__value v", "raw__problem p")
    found = {r["i"]: (r["v"], r["p"]) for r in rows.collect()}
    assert len(found) == len(raws) > 20_000
    seen = Counter(problem for _, problem in found.values())
    assert all(seen[code] > 50 for code in (None, "DATE_FORMAT", "DATE_IMPOSSIBLE", "DATE_DAY_MISSING")), seen
    assert all(seen[code] > 50 for code in ("DATE_CENTURY_MISSING", "DATE_SERIAL_IMPLAUSIBLE")), seen
    differing = [(raw, found[i], written_dates.read(raw)) for i, raw in enumerate(raws)]
    assert [d for d in differing if d[1] != d[2]][:20] == []


def test_amounts_agree_with_a_plain_reading(spark):
    raws = written_money.samples(COUNT)
    rules = {"amount": money.MONEY_AMOUNT, "currency": money.MONEY_CURRENCY}
    judged = apply_rules(frame_of(spark, raws), rules, {"amount": "raw", "currency": "raw"})
    rows = judged.selectExpr("i", "amount__value a", "currency__value c", "amount__problem p").collect()
    found = {r["i"]: (r["a"], r["c"], r["p"]) for r in rows}
    assert len(found) == len(raws) > 20_000
    seen = Counter(problem for _, _, problem in found.values())
    codes = (None, "MONEY_FORMAT", "MONEY_UNIT_MISSING", "CURRENCY_UNKNOWN", "MONEY_PRECISION")
    assert all(seen[code] > 50 for code in codes), seen
    differing = [(raw, found[i], written_money.read(raw)) for i, raw in enumerate(raws)]
    assert [d for d in differing if d[1] != d[2]][:20] == []
