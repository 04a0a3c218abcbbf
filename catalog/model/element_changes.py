"""What a change of the elements means for the contracts (数据元变更影响): key, before, after, columns touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.model.elements import Elements
from catalog.model.registry import Registry


@dataclass(frozen=True)
class ElementChange:
    """One key of one element that says something else than before."""

    element_id: str
    key: str
    """Key of the entry; ``element`` where it came or went as a whole."""
    before: Any
    after: Any
    columns: tuple[str, ...]
    """``domain.resource.column`` of everything that is bound to it."""


def changes_between(before: Elements, after: Elements, day: date, registry: Registry) -> list[ElementChange]:
    """Return how the elements in force on ``day`` differ, by id and key, each with the columns it touches.

    Args:
        before: the registry of elements as it was.
        after: the registry of elements as it is.
        day: whose versions are compared.
        registry: the contracts, bound to the elements as they are.
    """
    old = {element.id: element.model_dump(mode="json", by_alias=True) for element in before.in_force(day)}
    new = {element.id: element.model_dump(mode="json", by_alias=True) for element in after.in_force(day)}
    found = []
    for element_id in sorted(old.keys() | new.keys()):
        columns = tuple(f"{contract.id}.{column}" for contract, column in registry.bindings_of(element_id))
        if element_id not in old or element_id not in new:
            gone, came = (None, new[element_id]["version"]) if element_id in new else (old[element_id]["version"], None)
            found.append(ElementChange(element_id, "element", gone, came, columns))
            continue
        was, is_now = old[element_id], new[element_id]
        found += [
            ElementChange(element_id, key, was[key], is_now[key], columns) for key in is_now if was[key] != is_now[key]
        ]
    return found
