"""National identifiers (标识) as column expressions: GB 11643, GB 32100, GB/T 36904, GB/T 2260."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, licence_id, uscc
from jobs.runtime.standards.outcome import Outcome, first_of
from jobs.runtime.standards.text import cleaned

_OLD_CITIZEN_ID = r"\A[0-9]{15}\z"


def _digit(text: Column, position: int) -> Column:
    """Return the digit at 1-based ``position``; other characters give a harmless number, never an error."""
    return F.ascii(F.substring(text, position, 1)) - F.lit(48)


def _pick(characters: str, index: Column) -> Column:
    """Return the character of ``characters`` at 0-based ``index``."""
    return F.lit(characters).substr(index + 1, F.lit(1))


def citizen_check_character(text: Column) -> Column:
    """Return the check character of the first 17 digits of ``text`` (GB 11643)."""
    total = reduce(add, (_digit(text, i + 1) * w for i, w in enumerate(citizen_id.WEIGHTS)))
    return _pick(citizen_id.CHECK_CHARACTERS, total % 11)


def compact_date(text: Column, position: int) -> Column:
    """Return the date of the 8 digits at ``position`` of ``text``; null when there is no such day."""
    parts = [F.substring(text, position + at, length) for at, length in ((0, 4), (4, 2), (6, 2))]
    return F.concat_ws("-", *parts).try_cast("date")


def standardise_citizen_id(raw: Column) -> Outcome:
    """Standardise a citizen number (公民身份号码): capital X, 15 digits brought to 18; form, date, check."""
    text = F.upper(cleaned(raw))
    is_old = text.rlike(_OLD_CITIZEN_ID)
    first_17 = F.concat(F.substring(text, 1, 6), F.lit("19"), F.substring(text, 7, 9))
    value = F.when(is_old, F.concat(first_17, citizen_check_character(first_17))).otherwise(text)
    has_form = value.rlike(citizen_id.PATTERN)
    problem = first_of(
        (value.isNull(), ""),
        (~has_form, "CITIZEN_ID_FORMAT"),
        (compact_date(value, 7).isNull(), "DATE_IMPOSSIBLE"),
        (citizen_check_character(value) != F.substring(value, 18, 1), "CITIZEN_ID_CHECKSUM"),
        (~_is_known_prefix(value), "DIVISION_UNKNOWN"),
    )
    rule = first_of((is_old, "CITIZEN_ID_UPGRADED"), (value != raw, "citizen_id.clean"))
    return Outcome(value, F.nullif(problem, F.lit("")), rule)


def _is_known_prefix(value: Column) -> Column:
    """Tell whether the first six digits were ever a division: numbers keep the division of first registration."""
    known = {code.code for code in load_code_list("division").codes}
    return F.substring(value, 1, 6).isin(sorted(known))


def uscc_check_character(text: Column) -> Column:
    """Return the check character of the first 17 characters of ``text`` (GB 32100)."""
    total = reduce(add, (place * w for place, w in zip(_places(text), uscc.WEIGHTS, strict=True)))
    return _pick(uscc.ALPHABET, (F.lit(31) - total % 31) % 31)


def _places(text: Column) -> Sequence[Column]:
    """Return the 0-based place of each of 17 characters in the alphabet; −1 for a character outside it."""
    return [F.position(F.substring(text, i + 1, 1), F.lit(uscc.ALPHABET)) - 1 for i in range(17)]


def standardise_uscc(raw: Column) -> Outcome:
    """Standardise a unified social credit code (统一社会信用代码): upper case, judged by form and check character."""
    value = F.upper(cleaned(raw))
    problem = first_of(
        (~value.rlike(uscc.PATTERN), "USCC_FORMAT"),
        (uscc_check_character(value) != F.substring(value, 18, 1), "USCC_CHECKSUM"),
    )
    return Outcome(value, problem, first_of((value != raw, "uscc.clean")))


def licence_check_character(text: Column) -> Column:
    """Return the ISO 7064 MOD 37,36 check character of ``text`` (letters and digits)."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    characters = F.split(text, "")

    def step(carry: Column, character: Column) -> Column:
        sum_ = (carry + F.position(character, F.lit(alphabet)) - 1) % 36
        return (F.when(sum_ == 0, 36).otherwise(sum_) * 2) % 37

    carry = F.aggregate(characters, F.lit(36), step)
    return _pick(alphabet, (F.lit(37) - carry) % 36)


def standardise_licence_id(raw: Column) -> Outcome:
    """Standardise an electronic licence identifier (电子证照标识): form and check character."""
    value = F.upper(cleaned(raw))
    body = F.regexp_replace(F.substring(value, len(licence_id.ROOT) + 2, 200), r"\.", "")
    stem = body.substr(F.lit(1), F.length(body) - 1)
    problem = first_of(
        (~value.rlike(licence_id.PATTERN), "LICENCE_ID_FORMAT"),
        (licence_check_character(stem) != F.right(value, F.lit(1)), "LICENCE_ID_CHECKSUM"),
    )
    return Outcome(value, problem, first_of((value != raw, "licence_id.clean")))


def standardise_division(raw: Column) -> Outcome:
    """Standardise a division code (行政区划代码): a six-digit code that the dated list knows."""
    value = cleaned(raw)
    known = sorted(load_code_list("division").canonical_codes)
    return Outcome(
        value, first_of((~value.isin(known), "DIVISION_UNKNOWN")), first_of((value != raw, "division.clean"))
    )
