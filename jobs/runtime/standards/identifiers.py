"""National identifiers (标识) as column expressions: GB 11643, GB 32100, GB/T 36904, GB/T 2260."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, licence_id, uscc
from jobs.runtime.standards.cleaning import upper_cleaned
from jobs.runtime.standards.rule import Rule, first_of

_OLD_CITIZEN_ID = r"\A[0-9]{15}\z"
_LETTERS_AND_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _digit(text: Column, position: int) -> Column:
    """Return the digit at 1-based ``position``; other characters give a harmless number, never an error."""
    return F.ascii(F.substring(text, position, 1)) - F.lit(48)


def _pick(characters: str, index: Column) -> Column:
    """Return the character of ``characters`` at 0-based ``index``."""
    return F.lit(characters).substr(index + 1, F.lit(1))


def citizen_check_character(text: Column) -> Column:
    """Return the check character of the first 17 digits of ``text`` (GB 11643)."""
    return _pick(citizen_id.CHECK_CHARACTERS, _weighted(_digit(text, i + 1) for i in range(17)) % 11)


def _weighted(digits: Iterable[Column]) -> Column:
    return reduce(add, (d * w for d, w in zip(digits, citizen_id.WEIGHTS, strict=True)))


def _upgraded(text: Column) -> Column:
    """Return the 18-character number for an old one of 15 digits: century 19 inserted, check appended."""
    first_17 = F.concat(F.substring(text, 1, 6), F.lit("19"), F.substring(text, 7, 9))
    century = (F.lit(1), F.lit(9))
    digits = [*(_digit(text, i) for i in range(1, 7)), *century, *(_digit(text, i) for i in range(7, 16))]
    return F.concat(first_17, _pick(citizen_id.CHECK_CHARACTERS, _weighted(digits) % 11))


def compact_date(text: Column, position: int) -> Column:
    """Return the date of the 8 digits at ``position`` of ``text``; null when there is no such day."""
    parts = [F.substring(text, position + at, length) for at, length in ((0, 4), (4, 2), (6, 2))]
    return F.concat_ws("-", *parts).try_cast("date")


def _citizen_problem(text: Column, value: Column) -> Column:
    ever_a_division = sorted({code.code for code in load_code_list("division").codes})
    return first_of(
        (value.isNull(), ""),
        (~value.rlike(citizen_id.PATTERN), "CITIZEN_ID_FORMAT"),
        (compact_date(value, 7).isNull(), "DATE_IMPOSSIBLE"),
        (citizen_check_character(value) != F.substring(value, 18, 1), "CITIZEN_ID_CHECKSUM"),
        (~F.substring(value, 1, 6).isin(ever_a_division), "DIVISION_UNKNOWN"),
    )


def uscc_check_character(text: Column) -> Column:
    """Return the check character of the first 17 characters of ``text`` (GB 32100)."""
    places = (F.position(F.substring(text, i + 1, 1), F.lit(uscc.ALPHABET)) - 1 for i in range(17))
    total = reduce(add, (place * w for place, w in zip(places, uscc.WEIGHTS, strict=True)))
    return _pick(uscc.ALPHABET, (F.lit(31) - total % 31) % 31)


def _uscc_problem(text: Column, value: Column) -> Column:
    return first_of(
        (~value.rlike(uscc.PATTERN), "USCC_FORMAT"),
        (uscc_check_character(value) != F.substring(value, 18, 1), "USCC_CHECKSUM"),
    )


def licence_check_character(text: Column) -> Column:
    """Return the ISO 7064 MOD 37,36 check character of ``text`` (letters and digits)."""

    def step(carry: Column, character: Column) -> Column:
        total = (carry + F.position(character, F.lit(_LETTERS_AND_DIGITS)) - 1) % 36
        return (F.coalesce(F.nullif(total, F.lit(0)), F.lit(36)) * 2) % 37

    carry = F.aggregate(F.split(text, ""), F.lit(36), step)
    return _pick(_LETTERS_AND_DIGITS, (F.lit(37) - carry) % 36)


def _licence_problem(text: Column, value: Column) -> Column:
    body = F.replace(F.substring(value, len(licence_id.ROOT) + 2, 200), F.lit("."), F.lit(""))
    stem = body.substr(F.lit(1), F.length(body) - 1)
    return first_of(
        (~value.rlike(licence_id.PATTERN), "LICENCE_ID_FORMAT"),
        (licence_check_character(stem) != F.right(value, F.lit(1)), "LICENCE_ID_CHECKSUM"),
    )


def _division_problem(text: Column, value: Column) -> Column:
    return first_of((~value.isin(sorted(load_code_list("division").canonical_codes)), "DIVISION_UNKNOWN"))


CITIZEN_ID = Rule(
    "citizen_id.clean",
    text=upper_cleaned,
    value=lambda text: F.when(text.rlike(_OLD_CITIZEN_ID), _upgraded(text)).otherwise(text),
    problem=_citizen_problem,
    noteworthy=lambda text: (text.rlike(_OLD_CITIZEN_ID), "CITIZEN_ID_UPGRADED"),
)
"""公民身份号码: capital X, 15 digits brought to 18; judged by form, date, check character and division."""
USCC = Rule("uscc.clean", text=upper_cleaned, value=lambda text: text, problem=_uscc_problem)
"""统一社会信用代码: judged by form and check character."""
LICENCE_ID = Rule("licence_id.clean", text=upper_cleaned, value=lambda text: text, problem=_licence_problem)
"""电子证照标识: judged by form and check character."""
DIVISION = Rule("division.clean", value=lambda text: text, problem=_division_problem)
"""行政区划代码: a six-digit code that the dated list knows."""
