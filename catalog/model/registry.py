"""The registry of contracts (资源目录): knows all files, reads each when it is asked for, remembers what is wrong.

Invariant: one bad contract stops one contract. Who asks for it is refused, and whoever is built from it; nobody else.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

from catalog.model.codes import CODES
from catalog.model.contract import Contract
from catalog.model.contract_files import (
    UNREADABLE,
    ContractFile,
    content_of,
    files_named,
    files_of,
    only,
    stamp_of,
)  # fmt: skip
from catalog.model.contract_outline import Outline, OutlineIndex, building_problem, outline_of, terms_of
from catalog.model.contract_problem import InvalidContractError, Key, Problem, nearest, unknown
from catalog.model.contract_reading import contract_of, with_lines
from catalog.model.departments import DEPARTMENTS
from catalog.model.element import Element
from catalog.model.elements import ELEMENTS, Elements, load_elements
from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT, get_settings

RESOURCES = CHECKOUT / "catalog" / "resources"
LOOK_SECONDS = 1.0
"""How often a service that follows its contracts looks at their files."""


def read_contract(path: Path, elements: Elements | None = None, day: date | None = None) -> Contract:
    """Return the contract in ``path``, its columns with what they inherit from their data elements.

    Args:
        path: the contract's file.
        elements: default the project's, with those of the site.
        day: which versions of the elements hold; default the business date.

    Raises:
        InvalidContractError: naming the file and everything that is wrong with it, each with its line.
    """
    content, _ = content_of(ContractFile(path, stamp_of(path) or UNREADABLE))
    return contract_of(content, path, elements or load_elements(), day or get_settings().business_date)


class Registry:
    """The contracts below one or more folders, by id; each is read once, and stays as it was then.

    One that follows its folders (:meth:`follow`) reads what has changed anew.
    """

    def __init__(self, *folders: Path, elements: Elements | None = None, day: date | None = None) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self._elements = elements or load_elements()
        self._day = day or get_settings().business_date
        self._contracts: dict[str, Contract] = {}
        self._invalid: dict[str, InvalidContractError] = {}
        self._read_from: dict[str, tuple[ContractFile, str]] = {}
        """Resource → the file as it was read, and the hash of its content."""
        self._files: dict[str, list[ContractFile]] | None = None
        self._seconds: float | None = None
        self._looked = 0.0
        self._pending: dict[str, list[ContractFile]] = {}
        self._lock = threading.RLock()
        self._edition = 0

    @property
    def edition(self) -> int:
        """A number that grows when a contract has changed: what was made of the contracts before is out of date."""
        self._look()
        return self._edition

    def get(self, resource: str) -> Contract:
        """Return the contract of ``resource``.

        Raises:
            ContractError: there is none; with the nearest id.
            InvalidContractError: there is one, and it cannot be used; with what is wrong, each with file and line.
        """
        self._look()
        contract = self._contract(resource)
        self._check_inputs(contract)
        return contract

    def has(self, resource: str) -> bool:
        """Return whether there is a contract of ``resource``, good or bad."""
        self._look()
        return bool(self._files_of(resource))

    def ids(self) -> list[str]:
        """Return the ids of all contracts, good and bad, in order."""
        self._look()
        return [*self._listing()]

    def all(self, layer: str | None = None, *, real: bool | None = None) -> list[Contract]:
        """Return the good contracts in order of id, of one layer, and of the demonstration or real lists if asked.

        What is wrong with the others says :meth:`invalid`.
        """
        return [
            contract
            for contract in self._good()
            if (layer is None or contract.government.layer == layer)
            and (real is None or contract.government.demonstration is not real)
        ]

    def invalid(self, kept_in: Path | None = None) -> dict[str, InvalidContractError]:
        """Return what is wrong with the contracts that cannot be used, by the id that their path gives them.

        Args:
            kept_in: as :meth:`outlines`: what has an outline there need not be read.
        """
        good = {each.id for each in (self.outlines(kept_in) if kept_in else self._good())}
        found = {}
        for resource in self._listing():
            if resource not in good:
                try:
                    self.get(resource)
                except InvalidContractError as error:
                    found[resource] = error
        return found

    def invalid_with(self, word: str) -> list[InvalidContractError]:
        """Return what is wrong with those contracts whose file has ``word`` in it, or cannot be read at all.

        Of a contract that cannot be used this is all that is known about whom it concerns.
        """
        return [error for error in self.invalid().values() if _has(error.path, word)]

    def sha256(self, resource: str) -> str:
        """Return the hash of the contract's file and its elements: two runs under one hash read the same rules."""
        contract = self.get(resource)
        digest = hashlib.sha256(bytes.fromhex(self._read_from[resource][1]))
        for element in self.elements_of(contract).values():
            digest.update(element.model_dump_json().encode())
        return digest.hexdigest()

    def elements_of(self, contract: Contract) -> dict[str, Element]:
        """Return the data element of each bound column, in the version in force."""
        bound = {column: contract.item(column).element for column in contract.columns}
        return {column: self._elements.on(element, self._day) for column, element in bound.items() if element}

    def bindings_of(self, element_id: str) -> list[tuple[Contract, str]]:
        """Return every contract and column that a change of the element touches."""
        return [(c, column) for c in self.all() for column in c.columns if c.item(column).element == element_id]

    def inputs_of(self, contract: Contract) -> list[Contract]:
        """Return the contracts whose tables ``contract`` is built from.

        Raises:
            ContractError: one of them is not there, or cannot be used.
        """
        return [self.get(resource) for resource, _ in named_inputs(contract)]

    def sources_of(self, contract: Contract) -> list[Contract]:
        """Return the extracted contracts from which ``contract`` comes in the end: itself, if it is one."""
        if contract.government.source is not None:
            return [contract]
        found = {source.id: source for below in self.inputs_of(contract) for source in self.sources_of(below)}
        return list(found.values())

    def outlines(self, kept_in: Path | None = None) -> list[Outline]:
        """Return the outlines of the good contracts, in order of id.

        Args:
            kept_in: a file with outlines made before, which spares reading the contracts that have not changed; it is
                brought up to date.
        """
        index = OutlineIndex(kept_in, self._terms()) if kept_in else None
        found = {}
        for resource, files in self._listing().items():
            outline = index.of(files[0]) if index and len(files) == 1 else None
            outline = outline or self._outline(resource, index)
            if outline is not None:
                found[resource] = outline
        if index:
            index.save()
        return [outline for outline in found.values() if self._is_built_well(outline, found)]

    def _is_built_well(self, outline: Outline, known: dict[str, Outline]) -> bool:
        for resource in outline.inputs:
            source = known.get(resource)
            if building_problem(outline, source) if source else not self._files_of(resource):
                return False
        return True

    def follow(self, seconds: float = LOOK_SECONDS) -> Registry:
        """Look at the files again, at most every ``seconds``, whenever something is asked, and return the registry.

        For services, which outlive their contracts. A file that is being written is taken when it has come to rest.
        """
        self._seconds = seconds
        return self

    def _good(self) -> Iterator[Contract]:
        self._look()
        for resource in [*self._listing()]:
            try:
                contract = self._contract(resource)
                self._check_inputs(contract)
            except ContractError:
                continue
            yield contract

    def _outline(self, resource: str, index: OutlineIndex | None) -> Outline | None:
        try:
            outline = _outline(self._contract(resource))
        except ContractError:
            return None
        if index:
            index.add(*self._read_from[resource], outline)
        return outline

    def _terms(self) -> str:
        """Return a digest of all that contracts rest on beside their own files."""
        beside = [*ELEMENTS.glob("*.yml"), *CODES.glob("*.csv"), DEPARTMENTS, *Path(__file__).parent.glob("*.py")]
        in_force = (f"{element.id} {element.version}" for element in self._elements.in_force(self._day))
        return terms_of(beside, *in_force, *map(str, self.folders))

    def _contract(self, resource: str) -> Contract:
        """Return one contract, whatever may be wrong with those from which it is built."""
        known = self._contracts.get(resource)
        if known is not None:
            return known
        with self._lock:
            return self._contracts.get(resource) or self._read(resource)

    def _read(self, resource: str) -> Contract:
        if resource in self._invalid:
            raise self._invalid[resource]
        files = self._files_of(resource)
        if not files:
            near = nearest(resource, self._listing())
            remedy = f"did you mean {near}? " if near else ""
            raise ContractError(
                f"no resource {resource!r}", remedy=f"{remedy}`python -m catalog resources list` shows those there are"
            )
        try:
            content, file = content_of(only(files))
            if self._seconds is not None and not file.is_quiet():
                raise ContractError(
                    f"{resource} is being written", place=str(file.path), remedy="ask again in a second"
                )
            self._read_from[resource] = (file, hashlib.sha256(content).hexdigest())
            contract = contract_of(content, file.path, self._elements, self._day)
        except InvalidContractError as error:
            self._invalid[resource] = error
            raise
        self._contracts[resource] = contract
        return contract

    def _files_of(self, resource: str) -> list[ContractFile]:
        return files_named(self.folders, resource) if self._files is None else self._files.get(resource, [])

    def _listing(self) -> dict[str, list[ContractFile]]:
        with self._lock:
            if self._files is None:
                self._files = files_of(self.folders)
            return self._files

    def _look(self) -> None:
        """Look at the files again if it is time to, and forget what was read of those that have changed and rest."""
        if self._seconds is None or time.monotonic() - self._looked < self._seconds:
            return
        with self._lock:
            if time.monotonic() - self._looked < self._seconds:
                return
            now, known = files_of(self.folders), self._listing()
            changed = {resource for resource in now.keys() | known.keys() if now.get(resource) != known.get(resource)}
            settled = {r for r in changed if self._rests(now.get(r, []), self._pending.get(r))}
            kept = {r: files for r, files in known.items() if r in changed - settled}
            taken = {r: files for r, files in now.items() if r not in changed - settled}
            self._pending = {resource: now.get(resource, []) for resource in changed - settled}
            self._files = dict(sorted({**taken, **kept}.items()))
            if settled:
                self._forget(settled)
                self._edition += 1
            self._looked = time.monotonic()

    @staticmethod
    def _rests(files: list[ContractFile], before: list[ContractFile] | None) -> bool:
        return files == before or all(file.is_quiet() for file in files)

    def _forget(self, resources: set[str]) -> None:
        for resource in resources:
            for kept in (self._contracts, self._invalid, self._read_from):
                kept.pop(resource, None)
        self._invalid = {r: error for r, error in self._invalid.items() if not isinstance(error, _InputError)}

    def _check_inputs(self, contract: Contract) -> None:
        """Refuse a contract that cannot be built from what it names; what is wrong with that is its own affair."""
        if contract.id in self._invalid:
            raise self._invalid[contract.id]
        if problems := [*self._input_problems(contract)]:
            path = self._read_from[contract.id][0].path
            raise self._invalid.setdefault(contract.id, _InputError(path, [*with_lines(path, problems)]))

    def _input_problems(self, contract: Contract) -> Iterator[Problem]:
        for resource, key in named_inputs(contract):
            try:
                source = self._contract(resource)
            except InvalidContractError:
                continue
            except ContractError:
                remedy = "`python -m catalog resources list` shows those there are"
                yield unknown("resource", resource, self.ids(), key, remedy)
                continue
            if problem := building_problem(_outline(contract), _outline(source)):
                yield Problem(problem[0], key, remedy=problem[1])


class _InputError(InvalidContractError):
    """A contract is good by itself and cannot be built from what it names."""


def _outline(contract: Contract) -> Outline:
    return outline_of(contract, (resource for resource, _ in named_inputs(contract)))


def _has(path: Path, word: str) -> bool:
    try:
        return word.encode() in path.read_bytes()
    except OSError:
        return True


def named_inputs(contract: Contract) -> list[tuple[str, Key]]:
    """Return the resources from whose tables ``contract`` is built, each with the key under which it names it."""
    government = contract.government
    if government.curate:
        return [(government.curate.input, ("government", "curate", "input"))]
    if not government.reconcile:
        return []
    at = ("government", "reconcile")
    named: list[tuple[str, Key]] = [(i, (*at, "inputs", n)) for n, i in enumerate(government.reconcile.inputs)]
    for number, link in enumerate(government.reconcile.links):
        named += [(target, (*at, "links", number, "targets", n)) for n, target in enumerate(link.targets)]
    return list({resource: (resource, key) for resource, key in reversed(named)}.values())[::-1]


@lru_cache(maxsize=1)
def get_registry() -> Registry:
    """Return the project's registry, with the folders of ``RESOURCE_PATH`` (colon-separated) beside its own."""
    extra = [Path(p) for p in get_settings().resource_path.split(":") if p]
    return Registry(RESOURCES, *extra)
