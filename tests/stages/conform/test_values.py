"""Dates, numbers, names and codes: what departments write, the standard value, the reason when there is none."""

from datetime import date
from decimal import Decimal

import pytest

from jobs.runtime.standards import apply_rules, dates, text, values

DATES = [
    ("2024-9-1", date(2024, 9, 1), None),
    ("20240901", date(2024, 9, 1), None),
    ("2024/09/01", date(2024, 9, 1), None),
    ("2024.9.1", date(2024, 9, 1), None),
    ("2024年9月1日", date(2024, 9, 1), None),
    ("２０２４年９月１日", date(2024, 9, 1), None),
    ("2024-09-01 00:00:00", date(2024, 9, 1), None),
    ("9999-12-31", None, None),
    ("0001-01-01", None, None),
    ("", None, None),
    ("2023-02-30", None, "DATE_IMPOSSIBLE"),
    ("2023-13-01", None, "DATE_IMPOSSIBLE"),
    ("2023??????", None, "DATE_FORMAT"),
    ("1.0", None, "DATE_FORMAT"),
    ("2023", None, "DATE_FORMAT"),
]
NUMBERS = [
    ("100", Decimal("100.0000"), None),
    ("1,234,567.5", Decimal("1234567.5000"), None),
    ("1.00005", None, "NUMBER_PRECISION"),
    ("9.14E+17", None, "NUMBER_FORMAT"),
    ("ten", None, "NUMBER_FORMAT"),
    (None, None, None),
]
NAMES = [
    ("张　伟", "张伟"),
    ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
    ("成都（集团）有限公司 ", "成都(集团)有限公司"),
    ("𬭎\u200b㛃", "𬭎㛃"),
    ("John  Smith", "John  Smith"),
]


def outcomes(spark, raws, rule):
    """Return (value, problem) for each raw value, in order."""
    frame = spark.createDataFrame([(i, r) for i, r in enumerate(raws)], "i int, raw string")
    rows = apply_rules(frame, {"raw": rule}).selectExpr("i", "raw__value AS value", "raw__problem AS problem").collect()
    return [(r["value"], r["problem"]) for r in sorted(rows, key=lambda r: r["i"])]


def test_dates_in_the_forms_departments_use(spark):
    found = outcomes(spark, [raw for raw, _, _ in DATES], dates.DATE)
    assert found == [(value, problem) for _, value, problem in DATES]


def test_numbers_are_exact_or_refused(spark):
    found = outcomes(spark, [raw for raw, _, _ in NUMBERS], values.DECIMAL)
    assert [problem for _, problem in found] == [problem for _, _, problem in NUMBERS]
    assert [value for value, problem in found if problem is None] == [v for _, v, p in NUMBERS if p is None]


def test_names_keep_rare_characters_and_lose_invisible_ones(spark):
    found = outcomes(spark, [raw for raw, _ in NAMES], text.NAME)
    assert [value for value, _ in found] == [value for _, value in NAMES]


@pytest.mark.parametrize(("raw", "code", "problem"), [("男", "1", None), ("1", "1", None), ("7", "7", "CODE_UNKNOWN")])
def test_codes_are_canonical_mended_or_unknown(spark, raw, code, problem):
    assert outcomes(spark, [raw], values.code_rule("sex")) == [(code, problem)]
