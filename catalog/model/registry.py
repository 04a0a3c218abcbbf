"""The registry of contracts (资源目录): reads ``catalog/resources``, refuses what does not fit together."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from catalog.model.binding import bind
from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.elements import Elements, load_elements
from catalog.model.errors import ContractError
from catalog.model.keyless import key_problem
from catalog.model.settings import CHECKOUT, get_settings

RESOURCES = CHECKOUT / "catalog" / "resources"


def read_contract(path: Path, elements: Elements | None = None, day: date | None = None) -> Contract:
    """Return the contract in ``path``, its columns with what they inherit from their data elements.

    Args:
        path: the contract's file.
        elements: default ``catalog/elements``.
        day: which versions of the elements hold; default the business date.

    Raises:
        ContractError: naming the file and every key that is wrong.
    """
    day = day or get_settings().business_date
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        contract = Contract.model_validate(bind(document, elements or load_elements(), day, place=str(path)))
    except (ValidationError, yaml.YAMLError) as error:
        raise ContractError(str(error), place=str(path), remedy="CONTRIBUTING.md shows a whole contract") from error
    if (path.parent.name, path.stem) != (contract.domain, contract.name):
        raise ContractError(
            f"contract {contract.id} lies in the wrong place",
            place=str(path),
            remedy=f"move it to {contract.domain}/{contract.name}.yml",
        )
    return contract


class Registry:
    """All contracts below one or more folders, by id; made once and never changed."""

    def __init__(self, *folders: Path, elements: Elements | None = None, day: date | None = None) -> None:
        self._elements = elements or load_elements()
        self._day = day or get_settings().business_date
        paths = sorted(path for folder in folders for path in folder.glob("*/*.yml"))
        contracts = [read_contract(path, self._elements, self._day) for path in paths]
        self._contracts = {contract.id: contract for contract in contracts}
        self._paths = {contract.id: path for contract, path in zip(contracts, paths, strict=True)}
        for contract in contracts:
            self._check_inputs(contract)

    def get(self, resource: str) -> Contract:
        """Return the contract of ``resource``.

        Raises:
            ContractError: when there is none, with the ids that exist.
        """
        if resource not in self._contracts:
            known = ", ".join(self._contracts)
            raise ContractError(f"no resource {resource!r}", remedy=f"one of: {known}")
        return self._contracts[resource]

    def all(self, layer: str | None = None, *, real: bool | None = None) -> list[Contract]:
        """Return the contracts in order of id, of one layer, and of the demonstration or real lists only if asked."""
        return [
            contract
            for contract in self._contracts.values()
            if (layer is None or contract.government.layer == layer)
            and (real is None or contract.government.demonstration is not real)
        ]

    def sha256(self, resource: str) -> str:
        """Return the hash of the contract's file and its elements: two runs under one hash read the same rules."""
        contract = self.get(resource)
        digest = hashlib.sha256(self._paths[resource].read_bytes())
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
        """Return the contracts whose tables ``contract`` is built from."""
        government = contract.government
        ids: list[str] = []
        if government.reconcile:
            ids = list(government.reconcile.inputs)
            ids += [t for link in government.reconcile.links for t in link.targets if t not in ids]
        elif government.curate:
            ids = [government.curate.input]
        return [self.get(resource) for resource in ids]

    def sources_of(self, contract: Contract) -> list[Contract]:
        """Return the extracted contracts from which ``contract`` comes in the end: itself, if it is one."""
        if contract.government.source is not None:
            return [contract]
        found = {source.id: source for below in self.inputs_of(contract) for source in self.sources_of(below)}
        return list(found.values())

    def _check_inputs(self, contract: Contract) -> None:
        below = {"silver": set[str](), "base": {"silver", "base"}, "gold": {"base"}}
        for source in self.inputs_of(contract):
            if source.government.layer not in below[contract.government.layer]:
                raise ContractError(
                    f"{contract.id} ({contract.government.layer}) cannot be built from {source.id} "
                    f"({source.government.layer})",
                    place=str(self._paths[contract.id]),
                    remedy="data flows silver → base → gold",
                )
            if problem := key_problem(contract, source):
                raise ContractError(
                    problem,
                    place=str(self._paths[contract.id]),
                    remedy="give the source the column, or say `linked: true` in reconcile, with a model in "
                    "catalog/linkage, or `keyed_by: own_logic`",
                )


@lru_cache(maxsize=1)
def get_registry() -> Registry:
    """Return the project's registry, with the folders of ``RESOURCE_PATH`` (colon-separated) beside its own."""
    extra = [Path(p) for p in get_settings().resource_path.split(":") if p]
    return Registry(RESOURCES, *extra)
