"""Unified social credit code (统一社会信用代码, GB 32100-2015): 18 characters for every legal entity.

1 registering authority + 1 kind + 6 division + 9 organisation code + 1 check. Characters 9 to 17 are the organisation
code (GB 11714), so an older list that has only that one links by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stdnum.cn import uscc

from catalog.model.ids import citizen_id
from catalog.model.ids.failures import Failure, damage, first_failure, matches
from catalog.model.ids.organisation_code import WRITTEN_PATTERN as ORGANISATION_CODE
from catalog.model.ids.organisation_code import organisation_code_of

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = tuple(pow(3, position, 31) for position in range(17))
"""3^(i−1) mod 31 for characters 1 to 17."""
PATTERN = r"\A[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
HEADINGS = ("统一社会信用代码", "社会信用代码", "统一信用代码", "信用代码", "uscc", "social_code", "creditCode")
ZEROED = citizen_id.ZEROED


@dataclass(frozen=True)
class Uscc:
    """The parts of a unified social credit code."""

    authority: str
    """One character: the registering authority (登记管理部门), code list ``uscc_kind`` by its first character."""
    kind: str
    """One character: the kind of entity (机构类别) under that authority."""
    division: str
    """Six digits: the division of the registering office."""
    organisation_code: str
    """Nine characters, GB 11714."""


def check_character(first_17: str) -> str:
    """Return the check character for the first 17 characters.

    >>> check_character("91350100M000100Y4")
    '3'
    """
    return str(uscc.calc_check_digit(first_17))


def parse_uscc(value: str) -> Uscc:
    """Return the parts of a unified social credit code.

    Raises:
        ValueError: with the reason code, when it is none.

    >>> parse_uscc("91350100M000100Y43")
    Uscc(authority='9', kind='1', division='350100', organisation_code='M000100Y4')
    """
    reason = explain_uscc(value)
    if reason:
        raise ValueError(reason)
    return Uscc(value[0], value[1], value[2:8], organisation_code_of(value))


def explain_uscc(value: str, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not a unified social credit code, or None.

    Args:
        value: clean text.
        headings: further column headings that count as a repeated header.

    >>> explain_uscc("91350100M000100Y43") is None
    True
    >>> explain_uscc("91350100M000100Y44")
    'USCC_CHECKSUM'
    >>> explain_uscc("915101070549352000"), explain_uscc("9.14E+17")
    ('USCC_SPREADSHEET', 'USCC_SPREADSHEET')
    >>> explain_uscc("73513098-1"), explain_uscc("510104123456786")
    ('USCC_IS_ORGANISATION_CODE', 'USCC_IS_REGISTRATION_NUMBER')
    >>> explain_uscc("统一社会信用代码"), explain_uscc("9151010?054935200X"), explain_uscc("无")
    ('USCC_HEADING', 'USCC_CHARACTERS_LOST', 'USCC_PLACEHOLDER')
    >>> explain_uscc("91350100M000100Y4"), explain_uscc("9135O100M000100Y43")
    ('USCC_LENGTH', 'USCC_LETTER')
    >>> explain_uscc("11010519491231002X"), explain_uscc("非独立法人")
    ('USCC_IS_CITIZEN_ID', 'USCC_FORMAT')
    """
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    if check_character(value[:17]) == value[17]:
        return None
    if matches(ZEROED, value):
        return "USCC_SPREADSHEET"
    return "USCC_IS_CITIZEN_ID" if citizen_id.is_likely_citizen_id(value) else "USCC_CHECKSUM"


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of a unified social credit code fails, in order."""
    return (
        *damage("USCC", (*HEADINGS, *headings)),
        Failure(ORGANISATION_CODE, "USCC_IS_ORGANISATION_CODE"),
        Failure(r"\A[0-9]{15}\z", "USCC_IS_REGISTRATION_NUMBER"),
        Failure(r"\A(?:[0-9A-Z]{1,17}|[0-9A-Z]{19,})\z", "USCC_LENGTH"),
        Failure(r"\A[0-9A-Z]{2}[0-9OISZB]{6}[0-9A-Z]{10}\z", "USCC_LETTER"),
        Failure(r"", "USCC_FORMAT"),
    )


def is_valid_uscc(value: str) -> bool:
    """Return whether ``value`` is a unified social credit code.

    >>> is_valid_uscc("91350100M000100Y43"), is_valid_uscc("91350100M000100Y44")
    (True, False)
    """
    return explain_uscc(value) is None


def mask_uscc(value: str) -> str:
    """Return ``value`` with the organisation code hidden.

    >>> mask_uscc("91350100M000100Y43")
    '91350100**********'
    """
    return value[:8] + "*" * max(len(value) - 8, 0)


def uscc_of(head: str, organisation_code: str) -> str:
    """Return the code that joins authority, kind and division with an organisation code.

    Args:
        head: eight characters.
        organisation_code: nine characters, without a hyphen.

    >>> uscc_of("91350100", "M000100Y4")
    '91350100M000100Y43'
    """
    first_17 = head + organisation_code
    return first_17 + check_character(first_17)
