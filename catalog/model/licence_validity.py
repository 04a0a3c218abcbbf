"""Validity of licences (证照有效性), computed when read: from dates, status, and what took a licence's place.

Nothing of it is stored, so nothing of it can be out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter

from catalog.model.contract import Strict
from catalog.model.settings import CHECKOUT

LICENCE_TYPES = CHECKOUT / "catalog" / "licence_types.yml"
Validity = Literal[
    "valid", "not_yet_valid", "expired", "void", "cancelled", "withdrawn", "revoked", "transferred", "superseded"
]
OF_STATUS: dict[str, Validity] = {
    "1": "valid",
    "2": "void",
    "3": "cancelled",
    "4": "withdrawn",
    "5": "revoked",
    "6": "transferred",
}
"""Code of ``licence_status`` (有效, 失效, 注销, 撤销, 吊销, 转出) → validity, dates aside."""


class LicenceType(Strict):
    """What a type of licence says of its instances."""

    one_per_holder: bool = False
    basis: str = Field(min_length=1)


@lru_cache(maxsize=1)
def load_licence_types() -> Mapping[str, LicenceType]:
    """Return type code → its rules."""
    document = yaml.safe_load(LICENCE_TYPES.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, LicenceType]).validate_python(document)


@dataclass(frozen=True)
class Licence:
    """One licence as the library has it; dates absent where the issuer gave none (长期)."""

    licence_id: str
    type_code: str
    licence_no: str
    holder_code: str
    status_code: str | None
    issued_date: date | None = None
    valid_from_date: date | None = None
    valid_to_date: date | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """What versions of one licence have in common: the identifier without its version and check character."""
        return tuple(self.licence_id.split(".")[:-2])

    @property
    def version(self) -> str:
        """The version part of the identifier; empty where it is none."""
        parts = self.licence_id.split(".")
        return parts[-2] if len(parts) > 2 else ""


@dataclass(frozen=True)
class Judged:
    """A licence with its validity on a day, and the licence that took its place."""

    licence: Licence
    validity: Validity
    superseded_by: str | None


def on_its_own(licence: Licence, day: date) -> Validity:
    """Return the validity by status and dates alone; the last day of validity counts.

    >>> on_its_own(Licence("1", "t", "n", "h", "1", valid_to_date=date(2026, 3, 2)), date(2026, 3, 2))
    'valid'
    >>> on_its_own(Licence("1", "t", "n", "h", "1", valid_to_date=date(2026, 3, 1)), date(2026, 3, 2))
    'expired'
    """
    stated = OF_STATUS.get(licence.status_code or "", "void")
    if stated != "valid":
        return stated
    if licence.valid_from_date and day < licence.valid_from_date:
        return "not_yet_valid"
    if licence.valid_to_date and day > licence.valid_to_date:
        return "expired"
    return "valid"


def judge(licences: Iterable[Licence], day: date, types: Mapping[str, LicenceType] | None = None) -> list[Judged]:
    """Return all ``licences`` of some holders with their validity on ``day``, each with what superseded it.

    A higher version of the same identifier supersedes a lower one; where the type says one per holder, the valid
    licence issued last supersedes the valid ones before it. What is not yet valid supersedes nothing.

    Args:
        licences: every licence of each holder concerned.
        day: the day of use.
        types: rules of the types; default ``catalog/licence_types.yml``.
    """
    rules = load_licence_types() if types is None else types
    own = {licence.licence_id: (licence, on_its_own(licence, day)) for licence in licences}
    begun = [licence for licence, validity in own.values() if validity != "not_yet_valid"]
    heirs: dict[str, str] = {}
    for line in _lines(begun, lambda x: x.series):
        _inherit(heirs, sorted(line, key=lambda x: x.version))
    valid = [x for x in begun if own[x.licence_id][1] == "valid" and x.licence_id not in heirs]
    single = [x for x in valid if x.type_code in rules and rules[x.type_code].one_per_holder]
    for line in _lines(single, lambda x: (x.type_code, x.holder_code)):
        _inherit(heirs, sorted(line, key=lambda x: (x.issued_date or date.min, x.licence_id)))
    return [
        Judged(licence, "superseded" if validity == "valid" and name in heirs else validity, heirs.get(name))
        for name, (licence, validity) in own.items()
    ]


def chain(judged: Iterable[Judged], licence_id: str) -> list[str]:
    """Return a licence and, in order, what took its place (接续链)."""
    heirs = {j.licence.licence_id: j.superseded_by for j in judged}
    found = [licence_id]
    while (heir := heirs.get(found[-1])) and heir not in found:
        found.append(heir)
    return found


def _lines(licences: Iterable[Licence], of: Callable[[Licence], tuple[str, ...]]) -> Iterable[list[Licence]]:
    found: dict[tuple[str, ...], list[Licence]] = {}
    for licence in licences:
        found.setdefault(of(licence), []).append(licence)
    return found.values()


def _inherit(heirs: dict[str, str], line: list[Licence]) -> None:
    """Note that each licence of ``line`` is superseded by the next."""
    for earlier, later in pairwise(line):
        heirs[earlier.licence_id] = later.licence_id
