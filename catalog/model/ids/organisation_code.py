"""Organisation code (组织机构代码, GB 11714-1997): 8 characters and a check, now part of the USCC."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from catalog.model.ids.cleaning import DASHES, without_dashes
from catalog.model.ids.failures import Failure, damage, first_failure, matches

WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "0X987654321"
"""Check character by the weighted sum modulo 11."""
PATTERN = r"\A[0-9A-Z]{8}[0-9X]\z"
"""Anchored and ASCII only, in Java's and RE2's spelling; the form in which the code is kept, without its hyphen."""
WRITTEN_PATTERN = rf"\A[0-9A-Z]{{8}}[{DASHES}]{{0,3}}[0-9X]\z"
"""The same as departments write it: with any kind of dash, or none."""
HEADINGS = ("组织机构代码", "机构代码", "组织机构代码证号", "organisation_code", "organization_code")


@dataclass(frozen=True)
class OrganisationCode:
    """The parts of an organisation code."""

    code: str
    """Nine characters without a hyphen."""
    body: str
    check: str

    @property
    def written(self) -> str:
        """The code as GB 11714 prints it, with its hyphen."""
        return f"{self.body}-{self.check}"


def check_character(body: str) -> str:
    """Return the check character for the eight characters before it; letters count 10 to 35.

    >>> check_character("73513098")
    '1'
    """
    return CHECK_CHARACTERS[sum(int(c, 36) * weight for c, weight in zip(body, WEIGHTS, strict=True)) % 11]


def parse_organisation_code(value: str) -> OrganisationCode:
    """Return the parts of an organisation code, written with or without a dash.

    Raises:
        ValueError: with the reason code, when it is none.

    >>> parse_organisation_code("73513098—1").written
    '73513098-1'
    """
    code = without_dashes(value)
    reason = explain_organisation_code(code)
    if reason:
        raise ValueError(reason)
    return OrganisationCode(code, code[:8], code[8])


def explain_organisation_code(value: str, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not an organisation code of nine characters, or None.

    >>> explain_organisation_code("735130981") is None
    True
    >>> explain_organisation_code("735130982"), explain_organisation_code("73513098")
    ('ORGANISATION_CODE_CHECKSUM', 'ORGANISATION_CODE_LENGTH')
    >>> explain_organisation_code("91350100M000100Y43")
    'ORGANISATION_CODE_IS_USCC'
    """
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    return None if check_character(value[:8]) == value[8] else "ORGANISATION_CODE_CHECKSUM"


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of an organisation code fails, in order."""
    return (
        *damage("ORGANISATION_CODE", (*HEADINGS, *headings)),
        Failure(r"\A[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}\z", "ORGANISATION_CODE_IS_USCC"),
        Failure(r"\A(?:[0-9A-Z]{1,8}|[0-9A-Z]{10,})\z", "ORGANISATION_CODE_LENGTH"),
        Failure(r"", "ORGANISATION_CODE_FORMAT"),
    )


def is_valid_organisation_code(value: str) -> bool:
    """Return whether ``value`` is an organisation code of nine characters.

    >>> is_valid_organisation_code("735130981"), is_valid_organisation_code("735130982")
    (True, False)
    """
    return explain_organisation_code(value) is None


def mask_organisation_code(value: str) -> str:
    """Return ``value`` down to its first four characters.

    >>> mask_organisation_code("735130981")
    '7351*****'
    """
    return value[:4] + "*" * max(len(value) - 4, 0)


def organisation_code_of(uscc: str) -> str:
    """Return characters 9 to 17 of a unified social credit code: the holder's organisation code (GB 32100, 4.5).

    >>> organisation_code_of("91350100M000100Y43")
    'M000100Y4'
    """
    return uscc[8:17]
