"""Duplicate collection (重复采集): a department asks again for what another one is the source of (一数一源).

The regulation on sharing (国务院令第 809 号) forbids to collect again what is already shared. A number that names a
person or an entity is no such fact: every source needs it as a key or reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.model.contract import Contract
from catalog.model.element import Element
from catalog.model.registry import Registry


@dataclass(frozen=True)
class DuplicateCollection:
    """One column of a source that repeats another department's fact."""

    element: Element
    source: str
    column: str
    department: str
    """Who collects it again."""
    resources: tuple[str, ...]
    """Resources of the element's own department that have it; lists that run only with ``REAL_DATA`` if none else."""

    def __str__(self) -> str:
        """Return the warning as a sentence."""
        what, authority = f"{self.element.name} ({self.element.id})", self.element.submitted_by
        return (
            f"DUPLICATE_COLLECTION: {self.source}.{self.column} collects {what} again; its source is {authority}: "
            f"use {' or '.join(self.resources)}"
        )


def duplicate_collections(registry: Registry, resource: str | None = None) -> list[DuplicateCollection]:
    """Return what sources collect although another department provides it, of one resource or all.

    Exempt are keys, identifiers, and elements that the authoritative department delivers in no resource yet.
    """
    contracts = [registry.get(resource)] if resource else registry.all("silver")
    return [found for contract in contracts if contract.government.source for found in _repeated(contract, registry)]


def _repeated(contract: Contract, registry: Registry) -> Iterator[DuplicateCollection]:
    department = contract.government.department
    keys = {*contract.key, *contract.source.key}
    for column, element in registry.elements_of(contract).items():
        if element.is_identifier or column in keys or element.submitted_by == department:
            continue
        resources = _provided_by(element, registry)
        if resources:
            yield DuplicateCollection(element, contract.id, column, department, resources)


def _provided_by(element: Element, registry: Registry) -> tuple[str, ...]:
    bound = {contract.id: contract for contract, _ in registry.bindings_of(element.id)}
    own = [
        contract
        for contract in bound.values()
        if contract.government.source and contract.government.department == element.submitted_by
    ]
    always = [contract for contract in own if contract.government.demonstration]
    return tuple(contract.id for contract in always or own)
