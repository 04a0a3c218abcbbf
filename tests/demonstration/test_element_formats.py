"""What the departments deliver fits the lengths that the catalogue states: the formats of the data elements."""

from collections import Counter
from collections.abc import Iterator
from datetime import date

import pandas as pd

from catalog.model.codes import load_code_list
from catalog.model.element import Element
from catalog.model.registry import RESOURCES, Registry
from infra.demonstration.world import Deliveries, World

FIRST_DATE = date(2026, 3, 2)


def delivered(days: list[Deliveries]) -> Iterator[tuple[str, pd.DataFrame]]:
    for day in days:
        yield "population.resident", day.population.residents
        yield "population.household", day.population.households
        yield from ((f"legal_entity.{name}", change.written) for name, change in day.market.items())
        yield from ((delivery.kind.resource, delivery.rows) for delivery in day.files)
        yield "population.insured_person", day.insured_persons
        yield "legal_entity.insured_employer", day.insured_employers


def conformed(value: str, element: Element) -> str:
    """Return the value as conform leaves it, as far as its length may change."""
    if element.value_domain.code_list:
        return load_code_list(element.value_domain.code_list).fixes.get(value, value)
    return f"{value[:6]}19{value[6:]}X" if element.standard == "citizen_id" and len(value) == 15 else value


def test_delivered_texts_have_the_form_of_their_element(small_world: tuple[World, list[Deliveries]]):
    registry, seen = Registry(RESOURCES, day=FIRST_DATE), Counter[str]()
    for resource, rows in delivered(small_world[1]):
        contract = registry.get(resource)
        texts = {c: e for c, e in registry.elements_of(contract).items() if e.logical_type == "string"}
        for column, element in texts.items():
            heading = next(name for name in (column, *contract.item(column).source_names) if name in rows)
            values = {conformed(str(value), element) for value in rows[heading] if value is not None}
            assert {value for value in values if not element.form.accepts(value)} == set(), (resource, column)
            seen[element.id] += len(values)
    assert len(seen) >= 25
    assert min(seen["citizen_id"], seen["uscc"], seen["licence_id"], seen["entity_name"]) > 300
