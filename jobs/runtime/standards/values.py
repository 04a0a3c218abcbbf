"""Dates, instants, numbers, yes/no and codes (日期、数值、代码) as column expressions."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from jobs.runtime.standards.outcome import Outcome, first_of, nothing
from jobs.runtime.standards.text import cleaned

_DATE_FORM = r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\z"
_MIDNIGHT = r"[ T]00:00(:00(\.0+)?)?\z"
_SENTINELS = ("0001-01-01", "0001-1-1", "9999-12-31", "1900-01-00")
"""Dates that systems write for "none"."""
_NUMBER_FORM = r"\A[+-]?[0-9]{1,16}(\.[0-9]{1,8})?\z"


def standardise_date(raw: Column) -> Outcome:
    """Standardise a day: ``2024-9-1``, ``20240901``, ``2024/9/1``, ``2024年9月1日``; sentinels become no value."""
    text = F.regexp_replace(cleaned(raw), _MIDNIGHT, "")
    text = F.regexp_replace(F.translate(text, "年月/.日", "----"), r"\A([0-9]{4})([0-9]{2})([0-9]{2})\z", "$1-$2-$3")
    is_sentinel = text.isin(*_SENTINELS)
    value = F.when(text.rlike(_DATE_FORM) & ~is_sentinel, text.try_cast("date"))
    problem = first_of(
        (text.isNull() | is_sentinel, ""),
        (~text.rlike(_DATE_FORM), "DATE_FORMAT"),
        (value.isNull(), "DATE_IMPOSSIBLE"),
    )
    rule = first_of((is_sentinel, "date.sentinel"), (F.date_format(value, "yyyy-MM-dd") != raw, "date.form"))
    return Outcome(value, F.nullif(problem, F.lit("")), rule)


def standardise_instant(raw: Column) -> Outcome:
    """Standardise an instant; text without a zone is Asia/Shanghai."""
    text = cleaned(raw)
    has_zone = text.rlike(r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)\z") & text.contains(":")
    zoned = F.when(has_zone, text).otherwise(F.concat(text, F.lit(" Asia/Shanghai")))
    value = zoned.try_cast("timestamp")
    return Outcome(value, first_of((text.isNotNull() & value.isNull(), "INSTANT_FORMAT")), nothing())


def standardise_decimal(raw: Column) -> Outcome:
    """Standardise a number to ``decimal(20,4)``; more decimals than that are a problem, never rounded silently."""
    text = F.regexp_replace(cleaned(raw), r"(?<=[0-9]),(?=[0-9]{3})", "")
    exact = F.when(text.rlike(_NUMBER_FORM), text.try_cast("decimal(30,8)"))
    value = exact.try_cast("decimal(20,4)")
    problem = first_of((exact.isNull(), "NUMBER_FORMAT"), (value != exact, "NUMBER_PRECISION"))
    return Outcome(value, F.when(text.isNotNull(), problem), first_of((text != raw, "number.form")))


def standardise_integer(raw: Column) -> Outcome:
    """Standardise a whole number."""
    text = cleaned(raw)
    value = F.when(text.rlike(r"\A[+-]?[0-9]{1,18}\z"), text.try_cast("bigint"))
    return Outcome(value, first_of((text.isNotNull() & value.isNull(), "NUMBER_FORMAT")), nothing())


def standardise_boolean(raw: Column) -> Outcome:
    """Standardise yes and no (是否)."""
    text = F.lower(cleaned(raw))
    yes, no = ("是", "y", "yes", "1", "true", "t", "有"), ("否", "n", "no", "0", "false", "f", "无")
    value = F.when(text.isin(*yes), True).when(text.isin(*no), False)
    return Outcome(value, first_of((text.isNotNull() & value.isNull(), "BOOLEAN_UNKNOWN")), nothing())


def standardise_code(raw: Column, list_name: str) -> Outcome:
    """Standardise a code by its list: fixable codes are mended, ignored ones mean no value, others are unknown."""
    codes = load_code_list(list_name)
    text = cleaned(raw)
    value = text
    for wrong, right in codes.fixes.items():
        value = F.when(text == wrong, right).otherwise(value)
    if codes.ignored:
        value = F.when(~text.isin(*sorted(codes.ignored)), value)
    unknown = value.isNotNull() & ~value.isin(*sorted(codes.canonical_codes))
    return Outcome(value, first_of((unknown, "CODE_UNKNOWN")), first_of((~value.eqNullSafe(raw), f"code.{list_name}")))
