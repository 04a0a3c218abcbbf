"""Citizen number (公民身份号码, GB 11643-1999): 6 division + 8 birth date + 3 sequence + 1 check.

Numbers of 15 digits, given until 1999, lack century and check. Residence permits of people from Hong Kong, Macao and
Taiwan (港澳台居民居住证, since 2018) have the same form under 810000, 820000 and 830000.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from stdnum.cn import ric

from catalog.model.ids.division import explain_division
from catalog.model.ids.failures import Failure, damage, first_failure, matches

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
"""Check character by the weighted sum modulo 11."""
PATTERN = r"\A[1-9][0-9]{16}[0-9X]\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
OLD_PATTERN = r"\A[1-9][0-9]{14}\z"
"""The form before 1999."""
PERMITS = {"810000": "港澳居民居住证（香港）", "820000": "港澳居民居住证（澳门）", "830000": "台湾居民居住证"}
"""Prefixes of residence permits (港澳台居民居住证申领发放办法, 国办发〔2018〕81号)."""
HEADINGS = ("公民身份号码", "公民身份证号码", "身份证号码", "身份证号", "身份证", "citizen_id", "id_card")
LIKELY_PATTERN = r"\A[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]\z"
"""What a person's number looks like where something else should stand."""
ZEROED = r"\A[0-9]{15}000\z"
"""What a spreadsheet leaves of a number of 18 digits: fifteen, and noughts."""


@dataclass(frozen=True)
class CitizenId:
    """The parts of a citizen number."""

    number: str
    """18 characters, also where 15 were given."""
    division: str
    """Six digits: where the number was given first, or a residence permit's prefix."""
    birth_date: date
    sex: Literal["1", "2"]
    """GB/T 2261.1: 1 male, 2 female."""
    is_residence_permit: bool
    was_upgraded: bool
    """Whether 15 digits were given."""


def check_character(first_17: str) -> str:
    """Return the check character for the first 17 digits.

    >>> check_character("11010519491231002")
    'X'
    """
    return str(ric.calc_check_digit(first_17 + "0"))


def parse_citizen_id(value: str) -> CitizenId:
    """Return the parts of a citizen number of 18 characters or 15 digits.

    Raises:
        ValueError: with the reason code, when it is none.

    >>> parts = parse_citizen_id("11010519491231002X")
    >>> parts.division, parts.birth_date.isoformat(), parts.sex
    ('110105', '1949-12-31', '2')
    >>> parse_citizen_id("320311770706001").number
    '320311197707060018'
    """
    reason = explain_citizen_id(value)
    if reason:
        raise ValueError(reason)
    is_old = matches(OLD_PATTERN, value)
    number = upgrade_citizen_id(value) if is_old else value
    division = number[:6]
    sex: Literal["1", "2"] = "1" if int(number[16]) % 2 else "2"
    return CitizenId(number, division, _birth_date(number), sex, division in PERMITS, is_old)


def explain_citizen_id(value: str, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not a citizen number, or None.

    The division is the one of first registration, which may be years after birth: it must have been in force at some
    time on or after the birth date, since a code that was retired before nobody can have been given.

    Args:
        value: clean text of 18 characters, or 15 digits.
        headings: further column headings that count as a repeated header.

    >>> explain_citizen_id("11010519491231002X") is None
    True
    >>> explain_citizen_id("110105194912310021")
    'CITIZEN_ID_CHECKSUM'
    >>> explain_citizen_id("110105194902310026")
    'DATE_IMPOSSIBLE'
    >>> explain_citizen_id("11010519491231002x")
    'CITIZEN_ID_FORMAT'
    >>> explain_citizen_id("110105194912310000")
    'CITIZEN_ID_SPREADSHEET'
    >>> explain_citizen_id("110103201501010014")
    'DIVISION_NOT_IN_FORCE'
    >>> explain_citizen_id("810000199408230021") is None
    True
    """
    if matches(OLD_PATTERN, value):
        value = upgrade_citizen_id(value)
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    try:
        born = _birth_date(value)
    except ValueError:
        return "DATE_IMPOSSIBLE"
    if check_character(value[:17]) != value[17]:
        return "CITIZEN_ID_SPREADSHEET" if matches(ZEROED, value) else "CITIZEN_ID_CHECKSUM"
    return None if value[:6] in PERMITS else explain_division(value[:6], since=born)


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of a citizen number fails, in order."""
    return (
        *damage("CITIZEN_ID", (*HEADINGS, *headings)),
        Failure(r"\A(?:[0-9]{1,17}|[0-9]{19,}|[0-9]{1,16}X|[0-9]{18,}X)\z", "CITIZEN_ID_LENGTH"),
        Failure(r"", "CITIZEN_ID_FORMAT"),
    )


def is_valid_citizen_id(value: str) -> bool:
    """Return whether ``value`` is a citizen number.

    >>> is_valid_citizen_id("11010519491231002X"), is_valid_citizen_id("110105194912310021")
    (True, False)
    """
    return explain_citizen_id(value) is None


def is_likely_citizen_id(value: str) -> bool:
    """Return whether ``value``, found where another number should stand, is a person's: by its date and check.

    >>> is_likely_citizen_id("11010519491231002X"), is_likely_citizen_id("915101070549352000")
    (True, False)
    """
    return matches(LIKELY_PATTERN, value) and check_character(value[:17]) == value[17]


def upgrade_citizen_id(value: str) -> str:
    """Return the 18-character number for a 15-digit one (before 1999): century 19 inserted, check appended.

    Raises:
        ValueError: when ``value`` is not 15 digits.

    >>> upgrade_citizen_id("320311770706001")
    '320311197707060018'
    """
    if not re.fullmatch("[0-9]{15}", value):
        raise ValueError("an old citizen number has 15 digits")
    first_17 = f"{value[:6]}19{value[6:]}"
    return first_17 + check_character(first_17)


def mask_citizen_id(value: str) -> str:
    """Return ``value`` with the birth date and sequence hidden.

    >>> mask_citizen_id("11010519491231002X")
    '110105************'
    """
    return value[:6] + "*" * max(len(value) - 6, 0)


def _birth_date(value: str) -> date:
    return date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
