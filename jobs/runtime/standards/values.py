"""Instants, numbers, yes/no and codes (时刻、数值、代码) as column expressions."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import CodeList, load_code_list
from jobs.runtime.standards.cleaning import cleaned
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule, first_of

_NUMBER_FORM = r"\A[+-]?[0-9]{1,16}(\.[0-9]{1,8})?\z"
_YES = ("是", "y", "yes", "1", "true", "t", "有", "√", "✓", "✔")
_NO = ("否", "n", "no", "0", "false", "f", "无", "×", "✗", "✘")


def _instant(text: Column) -> Column:
    """Return the instant; text without a zone is Asia/Shanghai."""
    has_zone = text.rlike(r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)\z") & text.contains(":")
    return F.when(has_zone, text).otherwise(F.concat(text, F.lit(" Asia/Shanghai"))).try_cast("timestamp")


INSTANT = Rule(
    "instant.form",
    value=_instant,
    problem=lambda text, value: _unread(text, value, "INSTANT_FORMAT"),
    written=lambda value: value.cast("string"),
)
INTEGER = Rule(
    "number.form",
    value=lambda text: F.when(text.rlike(r"\A[+-]?[0-9]{1,18}\z"), text.try_cast("bigint")),
    problem=lambda text, value: _unread(text, value, "NUMBER_FORMAT"),
    written=lambda value: value.cast("string"),
)
BOOLEAN = Rule(
    "boolean.form",
    text=lambda raw: F.lower(cleaned(raw)),
    value=lambda text: F.when(text.isin(*_YES), True).when(text.isin(*_NO), False),
    problem=lambda text, value: _unread(text, value, "BOOLEAN_UNKNOWN"),
    written=lambda value: value.cast("string"),
)
"""Yes and no (是否)."""


def _unread(text: Column, value: Column, code: str) -> Column:
    """Return ``code`` when there is text but no value."""
    return first_of((text.isNotNull() & value.isNull(), code))


def _exact(text: Column) -> Column:
    return F.when(text.rlike(_NUMBER_FORM), text.try_cast("decimal(30,8)"))


DECIMAL = Rule(
    "number.form",
    text=lambda raw: F.regexp_replace(cleaned(raw), r"(?<=[0-9]),(?=[0-9]{3})", ""),
    value=lambda text: _exact(text).try_cast("decimal(20,4)"),
    problem=lambda text, value: first_of(
        (text.isNull(), ""), (value.isNull(), "NUMBER_FORMAT"), (value != _exact(text), "NUMBER_PRECISION")
    ),
    written=lambda value: value.cast("string"),
)
"""A number as ``decimal(20,4)``; more decimals than that are a problem, never rounded silently."""


def code_rule(list_name: str) -> Rule:
    """Return the rule of a code list: fixable codes are mended, ignored ones mean no value, others are unknown."""
    codes = load_code_list(list_name)
    canonical = sorted(codes.canonical_codes)
    return Rule(
        f"code.{list_name}",
        value=lambda text: F.when(text.isin(*canonical), text).otherwise(_mended(text, codes)),
        problem=lambda text, value: first_of((value.isNotNull() & ~value.isin(*canonical), "CODE_UNKNOWN")),
    )


def _mended(text: Column, codes: CodeList) -> Column:
    """Return the code that ``text``, itself none, stands for; null where it stands for no value."""
    value = F.coalesce(looked_up(codes.fixes, text), text) if codes.fixes else text
    return F.when(~text.isin(*sorted(codes.ignored)), value) if codes.ignored else value


def last_day(value: Column, codes: CodeList) -> Column:
    """Return the last day on which the code ``value`` was in force; null while it is, or when it is unknown."""
    return looked_up({code: day.isoformat() for code, day in codes.retired.items()}, value).cast("date")
