"""Entities by what they are (按值查找): whoever has a value now, or had it on a day, found among statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from catalog.library.explain import golden
from catalog.library.statements import Version, read_versions, standing, statement_rows
from catalog.model.authority import reconcile_of
from catalog.model.contract import Contract
from catalog.model.division_history import codes_within
from catalog.model.settings import get_settings

_SAID = """
    SELECT DISTINCT entity_id
    FROM (SELECT entity_id, unnest(statements) AS said FROM statement_rows WHERE NOT is_withdrawn)
    WHERE said.element = ? AND {condition}"""


@dataclass(frozen=True)
class Entity:
    """One entity of a base library as it stands, or stood."""

    entity_id: str
    entity_key: str
    values: dict[str, str | None]
    """Element → the value that authority chooses."""


def entities_with(
    contract: Contract,
    element: str,
    values: Collection[str],
    *,
    recorded_on: date | None = None,
    valid_on: date | None = None,
) -> list[Entity]:
    """Return the living entities whose ``element`` is one of ``values``, in order of id.

    Args:
        contract: the base library.
        element: one of its columns, or its key.
        values: standard values.
        recorded_on: as the library knew it on this business date; default now.
        valid_on: of what was so on this day; default now.
    """
    if element == reconcile_of(contract).key:
        ids = _asked(
            contract, "SELECT DISTINCT entity_id FROM statement_rows WHERE list_contains(?, entity_key)", [list(values)]
        )
        return entities(contract, ids, recorded_on=recorded_on, valid_on=valid_on)
    ids = _asked(contract, _SAID.format(condition="list_contains(?, said.value)"), [element, list(values)])
    found = entities(contract, ids, recorded_on=recorded_on, valid_on=valid_on)
    return [entity for entity in found if entity.values[element] in values]


def entities_between(contract: Contract, element: str, low: str, high: str) -> list[Entity]:
    """Return the living entities whose ``element`` lies between two values, both counted, compared as text."""
    ids = _asked(contract, _SAID.format(condition="said.value BETWEEN ? AND ?"), [element, low, high])
    return [e for e in entities(contract, ids) if low <= (e.values[element] or "") <= high]


def ids_beginning(contract: Contract, element: str, beginning: str) -> list[str]:
    """Return the ids of entities of which any source ever gave ``element`` a value with this beginning."""
    condition = "starts_with(said.value, ?)"
    return _asked(contract, _SAID.format(condition=condition), [element, beginning])


def entities_in_division(contract: Contract, column: str, code: str) -> list[Entity]:
    """Return who is in a division, under its code or one that went into it."""
    return entities_with(contract, column, codes_within(code))


def entities(
    contract: Contract,
    entity_ids: Collection[str],
    *,
    recorded_on: date | None = None,
    valid_on: date | None = None,
) -> list[Entity]:
    """Return the living ones among some entities, in order of id."""
    found = read_versions(contract, sorted(entity_ids)) if entity_ids else {}
    made = (_entity(contract, found[name], recorded_on, valid_on) for name in sorted(found))
    return [entity for entity in made if entity]


def _entity(
    contract: Contract, versions: list[Version], recorded_on: date | None, valid_on: date | None
) -> Entity | None:
    spec = reconcile_of(contract)
    now = standing(versions, recorded_on=recorded_on, valid_on=valid_on)
    if not any(source in (spec.members or spec.inputs) for source in now):
        return None
    first = versions[0]
    values = golden(contract, first.entity_key, now, recorded_on or get_settings().business_date)
    return Entity(first.entity_id, first.entity_key, {spec.key: first.entity_key, **values})


def _asked(contract: Contract, query: str, parameters: list[object]) -> list[str]:
    import duckdb

    table = statement_rows(contract)
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register("statement_rows", table)
        return [row[0] for row in connection.execute(query, parameters).fetchall()]
