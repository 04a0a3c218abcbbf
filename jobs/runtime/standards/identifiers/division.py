"""Administrative divisions (行政区划代码, GB/T 2260) as a look-up by number, also at a birth date."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import division
from jobs.runtime.standards.identifiers.form import identifier_text, named, table, whole, without_outer_marks
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule, first_of

_FIRST, _PREFIXES = 1000, 9000
"""Prefectures are the codes' first four digits, 1000 to 9999."""
FOREVER = 99_999_999
"""Last day in force, as yyyymmdd, of a code that is in force."""


def last_day_in_force(code: Column) -> Column:
    """Return the last day in force of the division ``code`` as the number yyyymmdd; null for an unknown code.

    Two look-ups by position: prefecture → its row, row and county → the day.

    Args:
        code: the six digits as a number.
    """
    rows, days = _packed()
    row = F.get(table(rows), (whole(code, 100) - F.lit(_FIRST)).cast("int"))
    return F.nullif(F.get(table(days), (row * F.lit(100) + code % F.lit(100)).cast("int")), F.lit(0))


@lru_cache
def _packed() -> tuple[list[int], list[int]]:
    """Return prefecture → row (−1 for none), and the rows one after another, 100 days each (0 for no code)."""
    known = {int(code): last for code, last in division.last_days().items()}
    prefectures = sorted({code // 100 for code in known})
    rows = [-1] * _PREFIXES
    days = [0] * (100 * len(prefectures))
    for row, prefecture in enumerate(prefectures):
        rows[prefecture - _FIRST] = row
    for code, last in known.items():
        days[rows[code // 100 - _FIRST] * 100 + code % 100] = _number(last)
    return rows, days


def _number(last: date | None) -> int:
    return FOREVER if last is None else last.year * 10_000 + last.month * 100 + last.day


def _number_of(value: Column) -> list[Column]:
    return [F.when((F.char_length(value) == 6) & (F.octet_length(value) == 6), value.try_cast("int"))]


def division_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 行政区划代码: a six-digit code that the dated list knows, in force or not, or mends."""
    codes = load_code_list("division")

    def mended(text: Column) -> Column:
        bare = without_outer_marks(text)
        value = F.coalesce(looked_up(codes.fixes, bare), bare) if codes.fixes else bare
        return F.when(~bare.isin(*sorted(codes.ignored)), value) if codes.ignored else value

    def problem(text: Column, value: Column, code: Column) -> Column:
        return first_of(
            (value.isNull(), ""),
            ((code >= 100_000) & last_day_in_force(code).isNotNull(), ""),
            (value.rlike(division.PATTERN), "DIVISION_UNKNOWN"),
            *named(value, division.failures(headings)),
        )

    return Rule(
        "division.clean",
        text=identifier_text,
        value=mended,
        steps=(lambda found: _number_of(found[0]),),
        problem=problem,
    )
