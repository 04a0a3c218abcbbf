"""Data elements (数据元, "data genes"): ``catalog/elements/*.yml``, a versioned registry after GB/T 19488.1.

A column of a contract that binds to an element inherits its type, rule, code list, classification and mask: what a
citizen number is stands in one place. Invariant: of one element at most one version is in force on a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from catalog.model.codes import CODES
from catalog.model.contract_document import LOADER
from catalog.model.element import Element
from catalog.model.errors import ContractError
from catalog.model.headings import normalise_heading
from catalog.model.settings import CHECKOUT

ELEMENTS = CHECKOUT / "catalog" / "elements"


class Elements:
    """All versions of all elements, by id; made once and never changed."""

    def __init__(self, found: Iterable[tuple[Element, Path]]) -> None:
        self._versions: dict[str, list[Element]] = {}
        self._paths: dict[tuple[str, str], Path] = {}
        for element, path in found:
            self._add(element, path)
        self._refuse_ambiguous_synonyms()

    def ids(self) -> list[str]:
        """Return the ids of all elements, in order."""
        return sorted(self._versions)

    def versions(self, element_id: str) -> list[Element]:
        """Return all versions of an element, oldest first.

        Raises:
            ContractError: when there is no such element.
        """
        if element_id not in self._versions:
            raise ContractError(
                f"no data element {element_id!r}",
                place=str(ELEMENTS),
                remedy="`python -m catalog elements list` shows those there are; add it to a file of that folder",
            )
        return sorted(self._versions[element_id], key=lambda e: e.valid_from or date.min)

    def on(self, element_id: str, day: date) -> Element:
        """Return the version of an element in force on ``day``.

        Raises:
            ContractError: when there is no such element, or none of its versions holds on that day.
        """
        versions = self.versions(element_id)
        for element in versions:
            if element.is_in_force(day):
                return element
        spans = "; ".join(f"{e.version}: {e.valid_from or '…'} – {e.valid_to or '…'}" for e in versions)
        raise ContractError(
            f"no version of data element {element_id} is in force on {day} ({spans})",
            place=str(self.path_of(versions[-1])),
            remedy="mend valid_from and valid_to, or bind to the element that replaced it",
        )

    def in_force(self, day: date) -> list[Element]:
        """Return the version in force on ``day`` of every element that has one, by id."""
        return [e for element_id in self.ids() for e in self._versions[element_id] if e.is_in_force(day)]

    def path_of(self, element: Element) -> Path:
        """Return the file in which this version stands."""
        return self._paths[element.id, element.version]

    def _add(self, element: Element, path: Path) -> None:
        others = self._versions.setdefault(element.id, [])
        for other in others:
            twice = other.version == element.version
            start, end = other.valid_from or date.min, other.valid_to or date.max
            if twice or ((element.valid_from or date.min) <= end and start <= (element.valid_to or date.max)):
                what = "stands twice" if twice else f"overlaps version {other.version}"
                raise ContractError(
                    f"element {element.id} {element.version}: {'version' if twice else 'valid_from, valid_to'}: {what}",
                    place=str(path),
                    remedy="end the older version (valid_to) on the day before the newer begins (valid_from)",
                )
        others.append(element)
        self._paths[element.id, element.version] = path

    def _refuse_ambiguous_synonyms(self) -> None:
        """A heading means one element of an object class, or a binding would be a guess."""
        owner: dict[tuple[str, str], str] = {}
        for element in (e for element_id in self.ids() for e in self._versions[element_id]):
            for heading in element.headings:
                known = owner.setdefault((element.object_class, normalise_heading(heading)), element.id)
                if known != element.id:
                    raise ContractError(
                        f"element {element.id}: synonyms: {heading!r} is also a name of {known}",
                        place=str(self.path_of(element)),
                        remedy=f"a heading means one element of {element.object_class}; keep it with one of the two",
                    )


def read_elements(path: Path) -> list[Element]:
    """Return the elements of one file, a list.

    Raises:
        ContractError: naming the file, the element and every key that is wrong.
    """
    remedy = "catalog/elements/README.md explains every key"
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - the safe one, in C
    except yaml.YAMLError as error:
        raise ContractError(str(error), place=str(path), remedy=remedy) from error
    if not isinstance(entries, list):
        raise ContractError("a file of elements is a list", place=str(path), remedy=remedy)
    return [_read_one(entry, path, position, remedy) for position, entry in enumerate(entries, start=1)]


def _read_one(entry: object, path: Path, position: int, remedy: str) -> Element:
    name = entry.get("id", f"number {position}") if isinstance(entry, dict) else f"number {position}"
    try:
        element = Element.model_validate(entry)
    except ValidationError as error:
        wrong = "\n".join(
            ": ".join([f"element {name}", *map(str, each["loc"]), each["msg"].removeprefix("Value error, ")])
            for each in error.errors()
        )
        raise ContractError(wrong, place=str(path), remedy=remedy) from error
    if element.value_domain.code_list and not (CODES / f"{element.value_domain.code_list}.csv").is_file():
        raise ContractError(
            f"element {name}: value_domain.code_list: no code list {element.value_domain.code_list!r}",
            place=str(path),
            remedy=f"add it to {CODES.name}/, or mend the name",
        )
    return element


def read_folder(folder: Path) -> Elements:
    """Return the elements of all files of ``folder``.

    Raises:
        ContractError: when a file is malformed, versions overlap, or a heading is ambiguous.
    """
    return Elements((element, path) for path in sorted(folder.glob("*.yml")) for element in read_elements(path))


@lru_cache(maxsize=1)
def load_elements() -> Elements:
    """Return the project's elements, read once."""
    return read_folder(ELEMENTS)
