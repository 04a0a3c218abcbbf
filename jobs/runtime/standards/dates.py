"""Dates (日期) as departments write them, as column expressions: a day is read or refused, never completed."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.rule import Rule, first_of

_EVERYDAY = ("1900-01-01", "2999-12-31")
"""First and last of the days, as ISO 8601 writes them, that need no second look: no sentinel lies between them."""
_FORM = r"\A[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\z"
_NO_DAY = r"\A(?:[0-9]{4}-(?:0?[1-9]|1[0-2])-?|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2]))\z"
_OLD_CENTURY = r"\A[5-9][0-9]-[0-9]{1,2}-[0-9]{1,2}\z"
"""Two-digit years that can only be of the twentieth century: no department dates a document after 2049."""
_NO_CENTURY = r"\A[0-4][0-9]-[0-9]{1,2}-[0-9]{1,2}\z"
_MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?(?:Z|\+08:?00)?|(?<=\A[0-9]{8})000000)\z"
_SENTINEL = r"\A(?:0001-0?1-0?1|9999-12-31|1900-0?1-0?0|0000-0?0-0?0|1899-12-3[01])\z"
"""Dates that systems write for "none"; the last are a workbook's zero."""
_OPEN_END = ("长期", "长期有效", "永久", "永久有效", "无固定期限", "无限期")
"""What stands where a period has no end."""
_SERIAL = r"\A([0-9]{5})(?:\.[0-9]{1,12})?\z"
_SERIAL_MARK = "\x01"
"""Put before a serial; clean text holds no control character."""
_SERIAL_EPOCH = "1899-12-30"
"""Day 0 of a workbook's serials from 61 (1900-03-01) on; it is a day early for the 29 February 1900 that never was."""
_SERIALS = (21_917, 55_153)
"""1960-01-01 to 2050-12-31; smaller ones may as well be a year and a month (``20241``)."""
_SEPARATORS = "年月/.、\\—–‐−"
_NUMERALS = "〇零○◯一二三四五六七八九壹贰叁肆伍陆柒捌玖拾"
_DIGITS = "0000123456789123456789十"
_MIXED = "[0-9〇零○◯][十拾]|[十拾][0-9〇零○◯]"
"""Ten beside a digit or a zero says no number."""


def _arabic(text: Column) -> Column:
    """Return ``text`` with Chinese numerals as digits; the numbers of months and days go up to 三十一."""
    digits = F.translate(text, _NUMERALS, _DIGITS)
    for pattern, replacement in (
        (r"(?<=[0-9])十(?=[0-9])", ""),
        (r"(?<=[0-9])十", "0"),
        (r"十(?=[0-9])", "1"),
        (r"十", "10"),
    ):
        digits = F.regexp_replace(digits, pattern, replacement)
    return digits


def _hyphened(text: Column) -> Column:
    """Return year, month and day with hyphens, however they were written; a serial with its mark."""
    is_chinese = text.rlike(f"[{_NUMERALS}十]") & ~text.rlike(_MIXED)
    text = F.when(is_chinese, _arabic(text)).otherwise(text)
    text = F.regexp_replace(F.regexp_replace(text, _MIDNIGHT, ""), _SERIAL, f"{_SERIAL_MARK}$1")
    text = F.translate(text, f"{_SEPARATORS}日号 ", "-" * len(_SEPARATORS))
    return F.regexp_replace(text, r"\A([0-9]{4})([0-9]{2})([0-9]{2})\z", "$1-$2-$3")


def _serial(text: Column) -> Column:
    """Return the day of a workbook's serial within the plausible window, else null."""
    number = F.when(text.startswith(_SERIAL_MARK), F.substring(text, 2, 5).try_cast("int"))
    return F.when(number.between(*_SERIALS), F.date_add(F.lit(_SERIAL_EPOCH).cast("date"), number))


def _of_old_century(text: Column) -> Column:
    """Return the day of a two-digit year that can only be of the twentieth century, else null."""
    return F.when(text.rlike(_OLD_CENTURY), F.concat(F.lit("19"), text).try_cast("date"))


def _is_iso(text: Column) -> Column:
    """Return whether ``text`` is a day as ISO 8601 writes it: read and written it is itself again."""
    return F.coalesce(text.try_cast("date").cast("string") == text, F.lit(False))


def is_everyday(text: Column) -> Column:
    """Return whether ``text`` is a day as ISO 8601 writes it, and none that could stand for something else."""
    return _is_iso(text) & text.between(*_EVERYDAY)


def _value(text: Column) -> Column:
    day = F.when(~text.rlike(_SENTINEL) & ~text.startswith("0000"), text.try_cast("date"))
    other = F.when(text.rlike(_FORM), day).otherwise(F.coalesce(_of_old_century(text), _serial(text)))
    return F.when(is_everyday(text), text.try_cast("date")).otherwise(other)


def _problem(text: Column, value: Column) -> Column:
    return first_of(
        (value.isNotNull() | text.isNull() | text.rlike(_SENTINEL) | text.isin(*_OPEN_END), ""),
        (text.rlike(_NO_DAY), "DATE_DAY_MISSING"),
        (text.rlike(_NO_CENTURY), "DATE_CENTURY_MISSING"),
        (text.startswith(_SERIAL_MARK), "DATE_SERIAL_IMPLAUSIBLE"),
        (~text.rlike(_FORM) & ~text.rlike(_OLD_CENTURY), "DATE_FORMAT"),
        (value.isNull(), "DATE_IMPOSSIBLE"),
    )


DATE = Rule(
    "date.form",
    refined=(lambda text: F.when(_is_iso(text), text).otherwise(_hyphened(text)),),
    value=_value,
    problem=_problem,
    written=lambda value: value.cast("string"),
    forms=lambda text: (
        (text.isin(*_OPEN_END), "date.open_end"),
        (text.rlike(_SENTINEL), "date.sentinel"),
        (_serial(text).isNotNull(), "date.serial"),
        (_of_old_century(text).isNotNull(), "date.two_digit_year"),
    ),
)
"""A day (日期) in any of the forms of this folder's README; sentinels and open ends become no value."""
