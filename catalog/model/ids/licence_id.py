"""Electronic licence identifier (电子证照标识, GB/T 36904-2018).

``1.2.156.3005.2.<type 21>.<issuer 18>.<serial>.<version 3>.<check>``; the check is ISO 7064 MOD 37,36 over type,
issuer, serial and version without the dots.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from stdnum.iso7064 import mod_37_36

from catalog.model.ids.failures import Failure, damage, first_failure, matches

ROOT = "1.2.156.3005.2"
PATTERN = r"\A1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9A-Z]{18}\.[0-9A-Z]+\.[0-9]{3}\.[0-9A-Z]\z"
"""Anchored and ASCII only, in Java's and RE2's spelling."""
HEADINGS = ("电子证照标识", "证照标识", "电子证照标识码", "licence_id")


@dataclass(frozen=True)
class LicenceId:
    """The parts of a licence identifier."""

    type_code: str
    """21 characters: the USCC of the authority that defines the type, and three digits."""
    issuer: str
    """18 characters: the issuer's USCC."""
    serial: str
    version: str
    """Three digits."""
    check: str


def check_character(type_code: str, issuer: str, serial: str, version: str) -> str:
    """Return the check character of an identifier's parts.

    >>> check_character("11100000000013338W011", "11430000006122244L", "20230000403", "001")
    'U'
    """
    return str(mod_37_36.calc_check_digit(type_code + issuer + serial + version))


def parse_licence_id(value: str) -> LicenceId:
    """Return the parts of a licence identifier.

    Raises:
        ValueError: with the reason code, when it is none.

    >>> parts = parse_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U")
    >>> parts.issuer, parts.serial, parts.version
    ('11430000006122244L', '20230000403', '001')
    """
    reason = explain_licence_id(value)
    if reason:
        raise ValueError(reason)
    return LicenceId(*value[len(ROOT) + 1 :].split("."))


def explain_licence_id(value: str, headings: tuple[str, ...] = ()) -> str | None:
    """Return why ``value`` is not a licence identifier, or None.

    >>> explain_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U") is None
    True
    >>> explain_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.A")
    'LICENCE_ID_CHECKSUM'
    >>> explain_licence_id("1.2.156.3005.2.11100000000013338W011.430000.20230000403.001.U")
    'LICENCE_ID_ISSUER'
    >>> explain_licence_id("20230000403")
    'LICENCE_ID_FORMAT'
    """
    if not matches(PATTERN, value):
        return first_failure(value, failures(headings))
    parts = LicenceId(*value[len(ROOT) + 1 :].split("."))
    expected = check_character(parts.type_code, parts.issuer, parts.serial, parts.version)
    return None if expected == parts.check else "LICENCE_ID_CHECKSUM"


@lru_cache
def failures(headings: tuple[str, ...] = ()) -> tuple[Failure, ...]:
    """Return the ways in which a text that has not the form of a licence identifier fails, in order."""
    return (
        *damage("LICENCE_ID", (*HEADINGS, *headings)),
        Failure(r"\A1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9]{6}\.[0-9A-Z]+\.[0-9]{3}\.[0-9A-Z]\z", "LICENCE_ID_ISSUER"),
        Failure(r"\A1\.2\.156\.3005\.2\.", "LICENCE_ID_PARTS"),
        Failure(r"", "LICENCE_ID_FORMAT"),
    )


def is_valid_licence_id(value: str) -> bool:
    """Return whether ``value`` is a licence identifier.

    >>> is_valid_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U")
    True
    """
    return explain_licence_id(value) is None


def mask_licence_id(value: str) -> str:
    """Return ``value`` with the serial hidden, which alone tells one licence from another.

    >>> mask_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U")
    '1.2.156.3005.2.11100000000013338W011.11430000006122244L.***********.001.*'
    """
    if not matches(PATTERN, value):
        return value[:4] + "*" * max(len(value) - 4, 0)
    head, serial, version, _ = value.rsplit(".", 3)
    return f"{head}.{'*' * len(serial)}.{version}.*"
