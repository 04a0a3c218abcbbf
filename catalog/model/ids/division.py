"""Administrative division (行政区划代码, GB/T 2260): six digits, on a dated list: codes merge, split and retire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from catalog.model.codes import load_code_list
from catalog.model.ids.failures import Failure, damage, first_failure, matches

PATTERN = r"\A[0-9]{6}\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
HEADINGS = ("行政区划代码", "行政区划", "区划代码", "地区代码", "division", "division_code")


@dataclass(frozen=True)
class Division:
    """A division code with what the list says about it."""

    code: str
    name: str
    province_code: str
    """The code of its province (省级)."""
    prefecture_code: str
    """The code of its prefecture (地级); of a province, the code itself."""
    valid_from: date | None
    """First day in force; None when the list does not say."""
    valid_to: date | None
    """Last day in force; None while it is in force."""
    successor: str
    """Code under which the same name goes on, or empty."""


@lru_cache
def _divisions() -> dict[str, Division]:
    return {
        code.code: Division(
            code.code,
            code.name,
            f"{code.code[:2]}0000",
            f"{code.code[:4]}00",
            date.fromisoformat(code.valid_from) if code.valid_from else None,
            date.fromisoformat(code.valid_to) if code.valid_to else None,
            code.successor,
        )
        for code in load_code_list("division").codes
        if code.kind == "canonical"
    }


def last_days() -> dict[str, date | None]:
    """Return every code of the list with the last day on which it was in force, None for those that still are.

    A code that was given twice counts to its later end.
    """
    return {code: division.valid_to for code, division in _divisions().items()}


def parse_division(value: str) -> Division:
    """Return what the dated list says about ``value``.

    Raises:
        ValueError: with the reason code, when ``value`` is not on the list.

    >>> division = parse_division("110103")
    >>> division.name, division.province_code, division.valid_to.year
    ('崇文区', '110000', 2010)
    """
    reason = explain_division(value)
    if reason:
        raise ValueError(reason)
    return _divisions()[value]


def explain_division(value: str, *, since: date | None = None, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not a division code, or None.

    Args:
        value: clean text.
        since: day on or after which the code must have been in force at some time, such as a birth date.
        headings: further column headings that count as a repeated header.

    >>> explain_division("510107") is None
    True
    >>> explain_division("519999"), explain_division("510107001002")
    ('DIVISION_UNKNOWN', 'DIVISION_LENGTH')
    >>> explain_division("110103", since=date(2015, 1, 1))
    'DIVISION_NOT_IN_FORCE'
    """
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    if value not in _divisions():
        return "DIVISION_UNKNOWN"
    last = _divisions()[value].valid_to
    return "DIVISION_NOT_IN_FORCE" if since and last and last < since else None


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of a division code fails, in order."""
    return (
        *damage("DIVISION", (*HEADINGS, *headings)),
        Failure(r"\A[0-9]+\z", "DIVISION_LENGTH"),
        Failure(r"", "DIVISION_FORMAT"),
    )


def is_valid_division(value: str, *, since: date | None = None) -> bool:
    """Return whether ``value`` is on the list, and was in force on or after ``since``.

    >>> is_valid_division("510107"), is_valid_division("999999")
    (True, False)
    """
    return explain_division(value, since=since) is None


def mask_division(value: str) -> str:
    """Return ``value`` down to its prefecture; a division is no secret, so masking only makes an address coarser.

    >>> mask_division("510107")
    '5101**'
    """
    return value[:4] + "*" * max(len(value) - 4, 0)
