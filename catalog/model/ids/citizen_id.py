"""Citizen number (公民身份号码, GB 11643-1999): 6 division + 8 birth date + 3 sequence + 1 check."""

from __future__ import annotations

import re
from datetime import date

from stdnum.cn import ric

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
"""Check character by the weighted sum modulo 11."""
PATTERN = r"\A[0-9]{17}[0-9X]\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
_FORM = re.compile(r"\A[0-9]{17}[0-9X]\Z", re.ASCII)
_OLD_FORM = re.compile(r"\A[0-9]{15}\Z", re.ASCII)


def check_character(first_17: str) -> str:
    """Return the check character for the first 17 digits.

    >>> check_character("11010519491231002")
    'X'
    """
    return str(ric.calc_check_digit(first_17 + "0"))


def explain_citizen_id(value: str) -> str | None:
    """Return why ``value`` (18 characters) is not a citizen number, or None.

    The division is judged elsewhere, against the dated code list.

    >>> explain_citizen_id("11010519491231002X") is None
    True
    >>> explain_citizen_id("110105194912310021")
    'CITIZEN_ID_CHECKSUM'
    >>> explain_citizen_id("110105194902310026")
    'DATE_IMPOSSIBLE'
    >>> explain_citizen_id("11010519491231002x")
    'CITIZEN_ID_FORMAT'
    """
    if not _FORM.match(value):
        return "CITIZEN_ID_FORMAT"
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return "DATE_IMPOSSIBLE"
    if check_character(value[:17]) != value[17]:
        return "CITIZEN_ID_CHECKSUM"
    return None


def upgrade_citizen_id(value: str) -> str:
    """Return the 18-character number for a 15-digit one (before 1999): century 19 inserted, check appended.

    Raises:
        ValueError: when ``value`` is not 15 digits.

    >>> upgrade_citizen_id("320311770706001")
    '320311197707060018'
    """
    if not _OLD_FORM.match(value):
        raise ValueError("an old citizen number has 15 digits")
    first_17 = f"{value[:6]}19{value[6:]}"
    return first_17 + check_character(first_17)


def mask_citizen_id(value: str) -> str:
    """Return ``value`` with the birth date and sequence hidden.

    >>> mask_citizen_id("11010519491231002X")
    '110105************'
    """
    return value[:6] + "*" * max(len(value) - 6, 0)
