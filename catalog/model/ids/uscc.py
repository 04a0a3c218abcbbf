"""Unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters for every legal entity."""

from __future__ import annotations

import re

from stdnum.cn import uscc

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = tuple(pow(3, position, 31) for position in range(17))
"""3^(i−1) mod 31 for characters 1 to 17."""
PATTERN = r"\A[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}\z"
_FORM = re.compile(PATTERN.replace(r"\z", r"\Z"), re.ASCII)


def check_character(first_17: str) -> str:
    """Return the check character for the first 17 characters.

    >>> check_character("91350100M000100Y4")
    '3'
    """
    return str(uscc.calc_check_digit(first_17))


def explain_uscc(value: str) -> str | None:
    """Return why ``value`` is not a unified social credit code, or None.

    >>> explain_uscc("91350100M000100Y43") is None
    True
    >>> explain_uscc("91350100M000100Y44")
    'USCC_CHECKSUM'
    >>> explain_uscc("915101070549352000")
    'USCC_CHECKSUM'
    >>> explain_uscc("9.14E+17")
    'USCC_FORMAT'
    """
    if not _FORM.match(value):
        return "USCC_FORMAT"
    if check_character(value[:17]) != value[17]:
        return "USCC_CHECKSUM"
    return None
