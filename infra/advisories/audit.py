"""Pins against advisories (漏洞核对): which version has a published hole, and from which on it is mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from catalog.model.errors import GuantongError
from infra.advisories.pins import Pin

LIST = Path(__file__).with_name("advisories.yml")
STALE_DAYS = 30
"""A list that was checked so long ago is told to be old."""


class AdvisoryListError(GuantongError):
    """The list of advisories cannot be used."""

    code = "ADVISORY_LIST_INVALID"


class Advisory(BaseModel):
    """One published hole of one package."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^(CVE-\d{4}-\d{4,}|GHSA(-[23456789cfghjmpqrvwx]{4}){3}|PYSEC-\d{4}-\d+)$")
    affected: str
    """Versions that have it, as a PEP 440 specifier."""
    severity: Literal["low", "moderate", "high", "critical", "unrated"]
    fixed: str
    what: str = Field(min_length=4)

    @field_validator("affected")
    @classmethod
    def _is_specifier(cls, value: str) -> str:
        try:
            found = SpecifierSet(value)
        except InvalidSpecifier as error:
            raise ValueError("no specifier") from error
        if not len(found):
            raise ValueError("it names no version")
        return value

    @field_validator("fixed", mode="before")
    @classmethod
    def _is_version(cls, value: object) -> str:
        try:
            return str(Version(str(value)))
        except InvalidVersion as error:
            raise ValueError("no version") from error

    @model_validator(mode="after")
    def _mends(self) -> Advisory:
        if self.hits(Version(self.fixed)):
            raise ValueError(f"{self.id}: the version that mends it is affected itself")
        return self

    def hits(self, version: Version) -> bool:
        """Tell whether a version has the hole; a preview of the mended version counts as affected."""
        is_preview = version.is_prerelease and version.base_version == Version(self.fixed).base_version
        return is_preview or SpecifierSet(self.affected).contains(version, prereleases=True)


class Accepted(BaseModel):
    """A package that one file may hold though it has holes, for a time (暂缓)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    package: str
    until: date
    why: str = Field(min_length=20)


class AdvisoryList(BaseModel):
    """The list in the repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checked_on: date
    sources: list[str] = Field(min_length=1)
    accepted: list[Accepted]
    python: dict[str, list[Advisory]] = Field(min_length=1)
    maven: dict[str, list[Advisory]] = Field(min_length=1)

    def of(self, pin: Pin) -> list[Advisory]:
        """Return the advisories of the package of a pin."""
        if pin.ecosystem == "maven":
            return self.maven.get(pin.package, [])
        return next((found for name, found in self.python.items() if canonicalize_name(name) == pin.package), [])

    def is_accepted(self, pin: Pin, day: date) -> bool:
        """Tell whether a pin may stay as it is on a day."""
        return any(one.file == pin.file and one.package == pin.package and day <= one.until for one in self.accepted)


@dataclass(frozen=True)
class Hit:
    """One pin that an advisory concerns."""

    pin: Pin
    advisory: Advisory
    is_accepted: bool


def read_list(path: Path = LIST) -> AdvisoryList:
    """Return the list of advisories.

    Raises:
        AdvisoryListError: when it is missing or an entry is not whole.
    """
    try:
        return AdvisoryList.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AdvisoryListError(
            f"the list of advisories cannot be used: {error}", place=str(path), remedy="mend the entry that is named"
        ) from error


def find_hits(pins: Iterable[Pin], known: AdvisoryList, day: date) -> list[Hit]:
    """Return what is concerned, in the order of the files."""
    return [
        Hit(pin, advisory, known.is_accepted(pin, day))
        for pin in pins
        for advisory in known.of(pin)
        if advisory.hits(pin.version)
    ]


def age_of(known: AdvisoryList, day: date) -> int:
    """Return the days since the list was checked.

    Raises:
        AdvisoryListError: when that day has not come yet.
    """
    days = (day - known.checked_on).days
    if days < 0:
        raise AdvisoryListError(
            f"the list was checked on {known.checked_on}, which has not come yet", place=str(LIST),
            remedy="set checked_on to the day on which the sources were looked through",
        )  # fmt: skip
    return days


def mended_in(hits: Iterable[Hit]) -> dict[str, Version]:
    """Return by package the lowest version that has none of its holes."""
    found: dict[str, Version] = {}
    for hit in hits:
        fixed = Version(hit.advisory.fixed)
        found[hit.pin.package] = max(found.get(hit.pin.package, fixed), fixed)
    return found
