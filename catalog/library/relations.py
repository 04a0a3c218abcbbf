"""Relations between entities (关联关系): who represents, employs, holds, lives with or belongs to whom.

They follow from what sources state now, or stated on a day, by ``catalog/relations.yml``, in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

import yaml
from pydantic import Field, TypeAdapter

from catalog.library.explain import id_of
from catalog.library.finding import Entity, entities, entities_with, ids_beginning
from catalog.library.statements import NoStatementsError
from catalog.model.authority import reconcile_of
from catalog.model.branches import parent_name
from catalog.model.contract import Contract, Name, ResourceId, Strict
from catalog.model.registry import get_registry
from catalog.model.settings import CHECKOUT

RELATIONS = CHECKOUT / "catalog" / "relations.yml"


class RelationKind(Strict):
    """One kind of relation, as the file declares it."""

    id: Name
    name: str
    inverse: str
    of: ResourceId
    by: Name
    to: list[ResourceId] = Field(default_factory=list)
    to_element: Name | None = None
    derive: Literal["parent_name"] | None = None
    shared: bool = False


@dataclass(frozen=True)
class Relation:
    """One relation of an entity to another, seen from the one that was asked about."""

    kind: str
    name: str
    """Chinese name in this direction."""
    direction: Literal["out", "in", "shared"]
    resource: str
    """Base library of the other."""
    other: Entity


@lru_cache(maxsize=1)
def load_relations() -> Sequence[RelationKind]:
    """Return the kinds of relations."""
    document = yaml.safe_load(RELATIONS.read_text(encoding="utf-8"))
    return TypeAdapter(list[RelationKind]).validate_python(document)


def relations_of(
    resource: str, identifier: str, *, recorded_on: date | None = None, valid_on: date | None = None
) -> list[Relation]:
    """Return every relation of an entity, its own first, then those of others to it.

    Args:
        resource: base resource.
        identifier: entity id, or national key.
        recorded_on: as the libraries knew it on this business date; default now.
        valid_on: of what was so on this day; default now.

    Raises:
        NoStatementsError: the entity is not in the library, or was not on that day.
    """
    contract = get_registry().get(resource)
    times = _Times(recorded_on, valid_on)
    found = entities(contract, [id_of(contract, identifier)], recorded_on=recorded_on, valid_on=valid_on)
    if not found:
        raise NoStatementsError(
            "no living entity of this id or key", place=resource, remedy="`python -m catalog explain` tells its history"
        )
    [entity] = found
    own = [r for kind in load_relations() if kind.of == resource for r in _own(kind, contract, entity, times)]
    return own + [r for kind in load_relations() if resource in kind.to for r in _others(kind, contract, entity, times)]


@dataclass(frozen=True)
class _Times:
    recorded_on: date | None
    valid_on: date | None

    def with_value(self, resource: str, element: str, value: str) -> list[Entity]:
        """Return the entities of a library that have a value; none where the library was never reconciled."""
        try:
            contract = get_registry().get(resource)
            return entities_with(contract, element, [value], recorded_on=self.recorded_on, valid_on=self.valid_on)
        except NoStatementsError:
            return []


def _own(kind: RelationKind, contract: Contract, entity: Entity, times: _Times) -> list[Relation]:
    value = entity.values[kind.by]
    value = parent_name(value) if value and kind.derive else value
    if not value:
        return []
    if kind.shared:
        others = times.with_value(contract.id, kind.by, value)
        return [_relation(kind, "shared", contract.id, o) for o in others if o.entity_id != entity.entity_id]
    found = []
    for target in kind.to:
        element = kind.to_element or reconcile_of(get_registry().get(target)).key
        found += [_relation(kind, "out", target, other) for other in times.with_value(target, element, value)]
    return found


def _others(kind: RelationKind, contract: Contract, entity: Entity, times: _Times) -> list[Relation]:
    value = entity.values[kind.to_element] if kind.to_element else entity.entity_key
    if not value:
        return []
    if kind.derive:
        return [_relation(kind, "in", kind.of, o) for o in _branches(kind, value, times)]
    return [_relation(kind, "in", kind.of, other) for other in times.with_value(kind.of, kind.by, value)]


def _branches(kind: RelationKind, name: str, times: _Times) -> list[Entity]:
    """Return the entities whose name begins with ``name`` and reads as that of its branch."""
    try:
        contract = get_registry().get(kind.of)
        begun = ids_beginning(contract, kind.by, name)
        found = entities(contract, begun, recorded_on=times.recorded_on, valid_on=times.valid_on)
    except NoStatementsError:
        return []
    return [entity for entity in found if parent_name(entity.values[kind.by] or "") == name]


def _relation(kind: RelationKind, direction: Literal["out", "in", "shared"], resource: str, other: Entity) -> Relation:
    return Relation(kind.id, kind.inverse if direction == "in" else kind.name, direction, resource, other)
