"""Who is the source of each element of a base library (一数一源): ``authority.yml``, held against the contracts.

A rule names the one source of some elements, the fallbacks in order, and the days on which it holds. Invariant: on
every day each element has exactly one source in each segment; a file that says less or more is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from catalog.model.contract import Contract, Name, Reconcile, ResourceId, Strict
from catalog.model.errors import GuantongError
from catalog.model.registry import Registry, get_registry
from catalog.model.settings import CHECKOUT, get_settings

AUTHORITY = CHECKOUT / "catalog" / "authority.yml"
EVERYTHING_ELSE = ""
"""The segment of entities that no named segment takes."""
_OPEN = date.max


class AuthorityError(GuantongError):
    """The file of authorities (数源目录) is malformed, or leaves an element without a source."""

    code = "AUTHORITY_INVALID"


class Segment(Strict):
    """A kind of entities with sources of its own (分段), told by the national key alone."""

    name: str
    """Chinese name."""
    key: Annotated[str, Field(min_length=1)]
    """Regular expression on the national key, anchored: Java's, RE2's and Python's common part."""


class Rule(Strict):
    """Which source decides some elements, and who stands in for it."""

    elements: list[Name] = Field(min_length=1)
    segment: Name | None = None
    """Absent: every entity that no other rule of the element takes by its segment."""
    source: ResourceId
    """The one source (数源)."""
    fallbacks: list[ResourceId] = Field(default_factory=list)
    """Who supplies the value while the source has none, in order."""
    valid_from: date | None = None
    valid_to: date | None = None
    """Last day in force."""
    basis: str = Field(min_length=1)
    """What makes it the source (依据)."""

    @property
    def order(self) -> list[str]:
        """The source, then the fallbacks."""
        return [self.source, *self.fallbacks]

    def is_in_force(self, day: date) -> bool:
        """Return whether the rule holds on ``day``."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or _OPEN)


class LibraryAuthority(Strict):
    """The rules of one base library."""

    segments: dict[Name, Segment] = Field(default_factory=dict)
    rules: list[Rule] = Field(min_length=1)
    unchecked: dict[Name, str] = Field(default_factory=dict)
    """Elements on which sources are not checked against one another, each with the reason."""

    def orders(self, element: str, day: date) -> dict[str, list[str]]:
        """Return segment → resources in order, the source first, as of ``day``; the last entry is for all others."""
        rules = [rule for rule in self.rules if element in rule.elements and rule.is_in_force(day)]
        found = {rule.segment or EVERYTHING_ELSE: rule.order for rule in rules}
        return {segment: found[segment] for segment in (*self.segments, EVERYTHING_ELSE) if segment in found}

    def segment_of(self, element: str, key: str, day: date) -> str:
        """Return the segment by which an entity's ``element`` is decided: the first whose pattern the key meets."""
        for segment in self.orders(element, day):
            if segment and re.search(self.segments[segment].key, key):
                return segment
        return EVERYTHING_ELSE

    def order_for(self, element: str, key: str, day: date) -> list[str]:
        """Return the resources that may decide ``element`` of the entity with ``key``, the source first."""
        return self.orders(element, day)[self.segment_of(element, key, day)]

    def rule_for(self, element: str, key: str, day: date) -> Rule:
        """Return the rule that decides ``element`` of the entity with ``key``."""
        segment = self.segment_of(element, key, day) or None
        matching = (r for r in self.rules if element in r.elements and r.segment == segment and r.is_in_force(day))
        return next(matching)

    def digest(self, day: date) -> str:
        """Return a hash of what decides on ``day``: when it moves, every entity is decided anew."""
        elements = sorted({element for rule in self.rules for element in rule.elements})
        keys = {name: segment.key for name, segment in self.segments.items()}
        decides = [[(e, list(self.orders(e, day).items())) for e in elements], keys, sorted(self.unchecked)]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


@dataclass(frozen=True)
class Authority:
    """All base libraries' rules, by resource."""

    libraries: dict[str, LibraryAuthority]
    registry: Registry | None = None
    """The contracts against which the rules of a library are held when it asks; None: they were before."""

    def of(self, contract: Contract) -> LibraryAuthority:
        """Return the rules of a base library, held against its own contract and its inputs'.

        Raises:
            AuthorityError: when the file does not name it, or leaves one of its elements without a source.
            ContractError: when one of its inputs cannot be used.
        """
        if contract.id not in self.libraries:
            raise AuthorityError(
                f"no source is named for any element of {contract.id}",
                place=str(AUTHORITY),
                remedy=f"add a block {contract.id}: with a rule for each of its elements",
            )
        library = self.libraries[contract.id]
        if self.registry is not None:
            _refuse(_library_problems(library, contract, self.registry), authority_files())
        return library


def decided_elements(contract: Contract) -> list[str]:
    """Return the columns of a base library that sources decide: all but its key, its id and what follows from links."""
    spec = reconcile_of(contract)
    derived = {spec.key, spec.entity_id, *(link.column for link in spec.links)}
    return [column for column in contract.columns if column not in derived]


def reconcile_of(contract: Contract) -> Reconcile:
    """Return how a base library is built; asking another layer's contract is a programming error."""
    if contract.government.reconcile is None:
        raise LookupError(f"{contract.id} is not a base library")
    return contract.government.reconcile


def carriers(element: str, contract: Contract, registry: Registry) -> list[str]:
    """Return the inputs of a base library that have ``element``, in the contract's order."""
    return [i for i in reconcile_of(contract).inputs if element in registry.get(i).columns]


def checked_elements(contract: Contract, registry: Registry, library: LibraryAuthority) -> list[str]:
    """Return the elements of a base library on which its sources are checked against one another (多源校核)."""
    return [
        element
        for element in decided_elements(contract)
        if element not in library.unchecked and len(carriers(element, contract, registry)) > 1
    ]


def read_authority(path: Path) -> dict[str, LibraryAuthority]:
    """Return the libraries of one file.

    Raises:
        AuthorityError: naming the file and every key that is wrong.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {name: LibraryAuthority.model_validate(block) for name, block in document.items()}
    except (ValidationError, yaml.YAMLError, AttributeError) as error:
        raise AuthorityError(
            str(error), place=str(path), remedy="the head of catalog/authority.yml shows the form"
        ) from error


def problems(authority: Authority, registry: Registry) -> list[str]:
    """Return what is wrong with ``authority`` against the contracts, as sentences; nothing when it is whole."""
    found = []
    for contract in registry.all("base"):
        if contract.id not in authority.libraries:
            found.append(f"{contract.id}: no source is named for any of its elements")
            continue
        found += _library_problems(authority.libraries[contract.id], contract, registry)
    bases = {contract.id for contract in registry.all("base")} | registry.invalid().keys()
    return found + [f"{name}: there is no such base library" for name in authority.libraries if name not in bases]


def _library_problems(library: LibraryAuthority, contract: Contract, registry: Registry) -> list[str]:
    elements = decided_elements(contract)
    found = []
    for element in elements:
        having = carriers(element, contract, registry)
        rules = [rule for rule in library.rules if element in rule.elements]
        found += [f"{contract.id}.{element}: {p}" for p in _coverage_problems(rules)]
        strange = {r for rule in rules for r in rule.order} - set(having)
        found += [f"{contract.id}.{element}: {r} is no input that has it" for r in sorted(strange)]
        found += [f"{contract.id}.{element}: a source stands twice" for r in rules if len(set(r.order)) < len(r.order)]
    named = {element for rule in library.rules for element in rule.elements} | set(library.unchecked)
    found += [f"{contract.id}.{name}: sources do not decide this column" for name in sorted(named - set(elements))]
    used = {rule.segment for rule in library.rules if rule.segment}
    found += [f"{contract.id}: segment {name} is not described" for name in sorted(used - set(library.segments))]
    for name, segment in library.segments.items():
        try:
            re.compile(segment.key)
        except re.error as error:
            found.append(f"{contract.id}: the pattern of segment {name} cannot be read: {error}")
    return found


def _coverage_problems(rules: list[Rule]) -> list[str]:
    """Return on which days an element has no source, or two, in a segment."""
    general = sorted((r for r in rules if r.segment is None), key=lambda r: r.valid_from or date.min)
    if not general:
        return ["it has no source"]
    found = []
    for segment in {rule.segment for rule in rules}:
        own = sorted((r for r in rules if r.segment == segment), key=lambda r: r.valid_from or date.min)
        for earlier, later in pairwise(own):
            if (later.valid_from or date.min) <= (earlier.valid_to or _OPEN):
                found.append(f"it has two sources on {later.valid_from}: {earlier.source} and {later.source}")
            elif segment is None and earlier.valid_to and later.valid_from != earlier.valid_to + timedelta(days=1):
                found.append(f"it has no source from {earlier.valid_to + timedelta(days=1)} to {later.valid_from}")
    if general[0].valid_from:
        found.append(f"it has no source before {general[0].valid_from}")
    if general[-1].valid_to:
        found.append(f"it has no source after {general[-1].valid_to}")
    return found


def load_authority(*paths: Path, registry: Registry) -> Authority:
    """Return the rules of ``paths`` together, held against the contracts.

    Raises:
        AuthorityError: with every element that has no source, or two, at once.
    """
    authority = _read(paths)
    _refuse(problems(authority, registry), paths)
    return authority


def _read(paths: tuple[Path, ...], registry: Registry | None = None) -> Authority:
    libraries: dict[str, LibraryAuthority] = {}
    for path in paths:
        libraries |= read_authority(path)
    return Authority(libraries, registry)


def _refuse(found: list[str], paths: tuple[Path, ...]) -> None:
    if found:
        raise AuthorityError(
            "; ".join(found),
            place=", ".join(str(path) for path in paths),
            remedy="give each element one source at all times; `python -m catalog authority show` lists them",
        )


@lru_cache(maxsize=4)
def _loaded(paths: tuple[Path, ...], registry: Registry) -> Authority:
    return _read(paths, registry)


def authority_files() -> tuple[Path, ...]:
    """Return the project's file, and ``authority.yml`` of each folder of ``RESOURCE_PATH`` that has one."""
    folders = [Path(folder) for folder in get_settings().resource_path.split(":") if folder]
    return (AUTHORITY, *(path for folder in folders if (path := folder / "authority.yml").is_file()))


def get_authority() -> Authority:
    """Return the rules in force for this process, read once; each library's are held against its contracts when asked.

    Raises:
        AuthorityError: when a file cannot be read.
    """
    return _loaded(authority_files(), get_registry())
