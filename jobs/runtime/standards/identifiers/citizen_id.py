"""Citizen numbers (公民身份号码, GB 11643) as arithmetic on their first 17 digits."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import citizen_id
from catalog.model.ids.cleaning import OUTER_MARKS
from jobs.runtime.standards.identifiers.division import last_day_or_nought
from jobs.runtime.standards.identifiers.form import (
    digit,
    identifier_text,
    named,
    pick,
    table,
    weighted,
    whole,
    without_outer_marks,
)
from jobs.runtime.standards.identifiers.pairs import weighted_total
from jobs.runtime.standards.rule import Rule, first_of

_ALPHABET = "0123456789X"
"""What the check character counts as; the others are digits."""
_PERMITS = tuple(map(int, citizen_id.PERMITS))
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def citizen_check_character(number: Column) -> Column:
    """Return the check character of a citizen number's first 17 digits, given as a number (GB 11643)."""
    digits = (digit(number, 16 - place) for place in range(17))
    return pick(citizen_id.CHECK_CHARACTERS, weighted(digits, citizen_id.WEIGHTS) % F.lit(11))


def has_right_citizen_check(value: Column) -> Column:
    """Return whether the check character of a number of the right form is right; null for null."""
    return weighted_total(value, _ALPHABET, (*citizen_id.WEIGHTS, 1), len(_ALPHABET)) == 1


def is_likely_citizen_id(value: Column) -> Column:
    """Return whether ``value``, found where another number should stand, is a person's: by its date and check."""
    return value.rlike(citizen_id.LIKELY_PATTERN) & has_right_citizen_check(value)


def _old(text: Column) -> tuple[Column, Column]:
    """Return ``text`` without outer marks, and whether it is a number of 15 digits."""
    bare = F.btrim(text, F.lit(OUTER_MARKS))
    return bare, (F.char_length(bare) == 15) & bare.rlike(citizen_id.OLD_PATTERN)


def _value(text: Column) -> Column:
    """Return the 18-character number also for an old one of 15 digits: century 19 inserted, check appended."""
    bare, is_old = _old(text)
    stem = F.concat(F.substring(bare, 1, 6), F.lit("19"), F.substring(bare, 7, 9))
    upgraded = F.concat(stem, citizen_check_character(stem.cast("bigint")))
    return F.when(is_old, upgraded).otherwise(without_outer_marks(text))


def _first_17(found: Sequence[Column]) -> list[Column]:
    """Return the number of the first 17 digits; 0 where they are not 17 digits, the first no nought.

    Never null: what is computed from it needs no code for nulls, which would be most of the code.
    """
    number = F.substring(found[0], 1, 17).try_cast("bigint")
    is_whole = (F.char_length(found[0]) == 18) & (number >= F.lit(10**16))
    return [F.coalesce(F.when(is_whole, number), F.lit(0).cast("bigint"))]


def _parts(found: Sequence[Column]) -> list[Column]:
    """Return check character, birth date as yyyymmdd, division as a number."""
    born = whole(found[0], 1000) % F.lit(10**8)
    return [citizen_check_character(found[0]), born.cast("int"), whole(found[0], 10**11).cast("int")]


def _with_last_day(found: Sequence[Column]) -> list[Column]:
    """Return check character, whether there is such a day, birth date, and the division's last day in force."""
    check, born, code = found
    year, month, day = whole(born, 10_000), digit(born, 1, 100).cast("int"), born % F.lit(100)
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    is_day = (year > 0) & (day > 0) & (day <= F.get(table(_DAYS), month)) & ((month != 2) | (day < 29) | is_leap)
    return [check, F.coalesce(is_day, F.lit(False)), born, F.coalesce(division_last_day(code), F.lit(0))]


def division_last_day(code: Column) -> Column:
    """Return the last day in force, as yyyymmdd, of a number's first six digits; permits have no end.

    Returns:
        0 or null for a code that the list does not know.
    """
    return last_day_or_nought(code, _PERMITS)


def citizen_id_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 公民身份号码: capital X, 15 digits brought to 18; form, date, check, division at birth."""

    def problem(text: Column, value: Column, *found: Column) -> Column:
        check, is_day, born, last_day = found
        is_right = check == F.substring(value, 18, 1)
        return first_of(
            (value.isNull(), ""),
            (is_right & is_day & (last_day >= born), ""),
            *_misfit(value, headings),
            (~is_day, "DATE_IMPOSSIBLE"),
            (~is_right & value.rlike(citizen_id.ZEROED), "CITIZEN_ID_SPREADSHEET"),
            (~is_right, "CITIZEN_ID_CHECKSUM"),
            (last_day == 0, "DIVISION_UNKNOWN"),
            (F.lit(True), "DIVISION_NOT_IN_FORCE"),
        )

    return Rule(
        "citizen_id.clean",
        text=identifier_text,
        value=_value,
        steps=(_first_17, _parts, _with_last_day),
        problem=problem,
        noteworthy=lambda text: (_old(text)[1], "CITIZEN_ID_UPGRADED"),
    )


def _misfit(value: Column, headings: tuple[str, ...]) -> list[tuple[Column, str]]:
    has_form = value.rlike(citizen_id.PATTERN)
    return [(~has_form & condition, code) for condition, code in named(value, citizen_id.failures(headings))]
