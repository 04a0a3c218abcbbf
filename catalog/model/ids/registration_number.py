"""Registration number (工商注册号, GS 15-2006): 6 authority + 8 sequence + 1 check; replaced by the USCC in 2015."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stdnum.iso7064 import mod_11_10

from catalog.model.ids.failures import Failure, damage, first_failure, matches

PATTERN = r"\A[0-9]{15}\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
HEADINGS = ("工商注册号", "注册号", "营业执照号", "营业执照注册号", "registration_number")


@dataclass(frozen=True)
class RegistrationNumber:
    """The parts of a registration number."""

    authority: str
    """Six digits of the authority that registered first: a division, 100000 for the national one."""
    kind: str
    """First digit of the sequence: 0 to 3 domestic firms, 4 and 5 foreign ones, 6 to 9 individual businesses."""
    sequence: str
    """Eight digits, the kind included."""


def check_digit(first_14: str) -> str:
    """Return the check digit for the first 14 digits (ISO 7064 MOD 11,10).

    >>> check_digit("51010412345678")
    '6'
    """
    return str(mod_11_10.calc_check_digit(first_14))


def parse_registration_number(value: str) -> RegistrationNumber:
    """Return the parts of a registration number.

    Raises:
        ValueError: with the reason code, when it is none.

    >>> parse_registration_number("510104123456786")
    RegistrationNumber(authority='510104', kind='1', sequence='12345678')
    """
    reason = explain_registration_number(value)
    if reason:
        raise ValueError(reason)
    return RegistrationNumber(value[:6], value[6], value[6:14])


def explain_registration_number(value: str, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not a registration number of 15 digits, or None.

    >>> explain_registration_number("510104123456786") is None
    True
    >>> explain_registration_number("510104123456787"), explain_registration_number("3703001851172")
    ('REGISTRATION_NUMBER_CHECKSUM', 'REGISTRATION_NUMBER_LENGTH')
    """
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    return None if check_digit(value[:14]) == value[14] else "REGISTRATION_NUMBER_CHECKSUM"


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of a registration number fails, in order."""
    return (
        *damage("REGISTRATION_NUMBER", (*HEADINGS, *headings)),
        Failure(r"\A[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}\z", "REGISTRATION_NUMBER_IS_USCC"),
        Failure(r"\A[0-9]+\z", "REGISTRATION_NUMBER_LENGTH"),
        Failure(r"", "REGISTRATION_NUMBER_FORMAT"),
    )


def is_valid_registration_number(value: str) -> bool:
    """Return whether ``value`` is a registration number of 15 digits.

    >>> is_valid_registration_number("510104123456786"), is_valid_registration_number("510104123456787")
    (True, False)
    """
    return explain_registration_number(value) is None


def mask_registration_number(value: str) -> str:
    """Return ``value`` down to its authority.

    >>> mask_registration_number("510104123456786")
    '510104*********'
    """
    return value[:6] + "*" * max(len(value) - 6, 0)
