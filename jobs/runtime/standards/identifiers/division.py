"""Administrative divisions (行政区划代码, GB/T 2260) as a look-up by number, also at a birth date."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import division
from jobs.runtime.standards.identifiers.form import (
    identifier_text,
    named,
    table,
    whole,
    wide_table,
    without_outer_marks,
)
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule, first_of

_FIRST, _PREFIXES = 1000, 9000
"""Prefectures are the codes' first four digits, 1000 to 9999."""
_WIDTH = 60
"""Counties per number of 64 bits."""
FOREVER = 99_999_999
"""Last day in force, as yyyymmdd, of a code that is in force."""


def last_day_in_force(code: Column) -> Column:
    """Return the last day in force of the division ``code`` as the number yyyymmdd; null for an unknown code.

    Args:
        code: the six digits as a number.
    """
    return F.nullif(last_day_or_nought(code), F.lit(0))


def last_day_or_nought(code: Column, endless: tuple[int, ...] = ()) -> Column:
    """Return the same, 0 or null for an unknown code, said with ``code`` but twice: what repeats is computed again.

    Two look-ups by position: prefecture → its row, row and county → the day.

    Args:
        code: the six digits as a number.
        endless: codes that have no last day, whatever the list says.
    """
    rows, days = _packed(endless)
    row = F.get(table(rows), (whole(code, 100) - F.lit(_FIRST)).cast("int"))
    return F.get(table(days), (row * F.lit(100) + code % F.lit(100)).cast("int"))


@lru_cache
def _packed(endless: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Return prefecture → row (−1 for none), and the rows one after another, 100 days each (0 for no code)."""
    known = {int(code): _number(last) for code, last in division.last_days().items()} | dict.fromkeys(endless, FOREVER)
    prefectures = sorted({code // 100 for code in known})
    rows = [-1] * _PREFIXES
    days = [0] * (100 * len(prefectures))
    for row, prefecture in enumerate(prefectures):
        rows[prefecture - _FIRST] = row
    for code, last in known.items():
        days[rows[code // 100 - _FIRST] * 100 + code % 100] = last
    return rows, days


def is_known_division(code: Column) -> Column:
    """Return whether the list knows the division ``code``, given as a number, in force or retired.

    The list as a bit per county takes an eighth of the room that its days take, and as much less time to plan.
    """
    first, rows, bits = _packed_bits()
    row = F.get(table(rows), (whole(code, 100) - F.lit(first)).cast("int"))
    county = code % F.lit(100)
    mask = F.get(wide_table(bits), (row * F.lit(2) + (county >= _WIDTH).cast("int")).cast("int"))
    bit = F.call_function("shiftright", mask, (county % F.lit(_WIDTH)).cast("int"))
    return F.coalesce(bit.bitwiseAND(F.lit(1).cast("bigint")) == 1, F.lit(False))


@lru_cache
def _packed_bits() -> tuple[int, list[int], list[int]]:
    """Return the first prefecture, prefecture → row (−1 for none), and per row two numbers with a bit a county."""
    codes = sorted(int(code) for code in division.last_days())
    prefectures = sorted({code // 100 for code in codes})
    first = prefectures[0]
    rows = [-1] * (prefectures[-1] - first + 1)
    bits = [0] * (2 * len(prefectures))
    for row, prefecture in enumerate(prefectures):
        rows[prefecture - first] = row
    for code in codes:
        county = code % 100
        bits[2 * rows[code // 100 - first] + county // _WIDTH] |= 1 << county % _WIDTH
    return first, rows, bits


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
            ((code >= 100_000) & (last_day_or_nought(code) > 0), ""),
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
