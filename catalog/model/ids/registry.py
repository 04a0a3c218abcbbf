"""What a number could be (标识识别): every identifier's explanation, parts and mask in one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from catalog.model.codes import load_code_list
from catalog.model.ids import citizen_id, division, licence_id, organisation_code, registration_number, uscc
from catalog.model.ids.cleaning import clean_identifier, without_dashes
from catalog.model.ids.failures import has_no_shape

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True)
class Identifier:
    """One kind of identifier and the functions that know it."""

    name: str
    """Its ``standard`` in contracts."""
    business_name: str
    source: str
    """The standard that defines it."""
    lengths: tuple[int, ...]
    """Lengths in clean form; empty where they vary."""
    explain: Callable[[str], str | None]
    parse: Callable[[str], Any]
    mask: Callable[[str], str]


IDENTIFIERS = (
    Identifier(
        "citizen_id", "公民身份号码", "GB 11643-1999", (15, 18),
        citizen_id.explain_citizen_id, citizen_id.parse_citizen_id, citizen_id.mask_citizen_id,
    ),
    Identifier(
        "uscc", "统一社会信用代码", "GB 32100-2015", (18,), uscc.explain_uscc, uscc.parse_uscc, uscc.mask_uscc
    ),
    Identifier(
        "organisation_code", "组织机构代码", "GB 11714-1997", (9,),
        lambda value: organisation_code.explain_organisation_code(without_dashes(value)),
        organisation_code.parse_organisation_code, organisation_code.mask_organisation_code,
    ),
    Identifier(
        "registration_number", "工商注册号", "GS 15-2006", (15,),
        registration_number.explain_registration_number, registration_number.parse_registration_number,
        registration_number.mask_registration_number,
    ),
    Identifier(
        "licence_id", "电子证照标识", "GB/T 36904-2018", (),
        licence_id.explain_licence_id, licence_id.parse_licence_id, licence_id.mask_licence_id,
    ),
    Identifier(
        "division", "行政区划代码", "GB/T 2260", (6,),
        division.explain_division, division.parse_division, division.mask_division,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One identifier that a value is, or was perhaps meant to be."""

    identifier: Identifier
    value: str
    """The clean form that was judged."""
    reason: str | None
    """Why it is not that identifier; None when it is."""
    parts: dict[str, str]
    """The parts in words; empty when it is not that identifier."""


def identify(raw: str) -> list[Reading]:
    """Return what ``raw`` could be: all identifiers that it is; where it is none, those it was perhaps meant to be.

    What resembles none is compared with all of them, so the answer is never empty.

    >>> [(reading.identifier.name, reading.reason) for reading in identify("91350100m000100y43.")]
    [('uscc', None)]
    >>> [(reading.identifier.name, reading.reason) for reading in identify("73513098-2")]
    [('organisation_code', 'ORGANISATION_CODE_CHECKSUM')]
    """
    value = clean_identifier(raw)
    readings = [_read(identifier, value) for identifier in IDENTIFIERS]
    valid = [reading for reading in readings if reading.reason is None]
    length = len(without_dashes(value))
    near = [] if has_no_shape(value) else [reading for reading in readings if _is_near(reading, length)]
    return valid or [reading for reading in near if not _is_hopeless(reading)] or readings


def _read(identifier: Identifier, value: str) -> Reading:
    reason = identifier.explain(value)
    return Reading(identifier, value, reason, {} if reason else _in_words(identifier.parse(value)))


def _is_near(reading: Reading, length: int) -> bool:
    """Return whether the value's length is at most one off, or it starts as a licence identifier does."""
    is_licence = reading.identifier.name == "licence_id" and reading.value.startswith(f"{licence_id.ROOT}.")
    return is_licence or any(abs(length - known) <= 1 for known in reading.identifier.lengths)


def _is_hopeless(reading: Reading) -> bool:
    """Return whether nothing but its length speaks for a reading."""
    if reading.reason == "DATE_IMPOSSIBLE":
        return not division.is_valid_division(reading.value[:6])
    return bool(reading.reason and re.search(r"_(FORMAT|IS_[A-Z_]+)\Z", reading.reason))


def _in_words(parts: DataclassInstance) -> dict[str, str]:
    """Return the parts of an identifier as text, codes with their names."""
    words = {field.name: _text(asdict(parts)[field.name]) for field in fields(parts)}
    for name in ("division", "authority"):
        if division.is_valid_division(words.get(name, "")):
            words[name] = f"{words[name]} {division.parse_division(words[name]).name}"
    if isinstance(parts, citizen_id.CitizenId):
        words["sex"] = {"1": "1 男", "2": "2 女"}[parts.sex]
        if parts.is_residence_permit:
            words["division"] = f"{parts.division} {citizen_id.PERMITS[parts.division]}"
    if isinstance(parts, uscc.Uscc):
        kinds = {code.code: code.name for code in load_code_list("uscc_kind").codes}
        words["kind"] = f"{parts.kind} {kinds.get(parts.authority + parts.kind, '')}".strip()
        sound = organisation_code.is_valid_organisation_code(parts.organisation_code)
        words["organisation_code"] += "" if sound else "（其自身校验位不符 GB 11714）"
    return words


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value or "")
