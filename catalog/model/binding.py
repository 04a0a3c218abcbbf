"""Binding of columns to data elements (数据元绑定): a contract as written becomes the contract as it holds.

Invariant: whoever reads a ``Contract`` sees the inherited values as if the file had said them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic.alias_generators import to_camel

from catalog.model.contract_problem import Key, Problem, nearest
from catalog.model.element import Element
from catalog.model.elements import Elements
from catalog.model.errors import ContractError

FINER = {"current_name": "name", "address": "text"}
"""Reading rule → the rule that it refines: a contract may read a column more closely than its element asks."""
REMEDY = "leave the key out, since it follows from the element; or bind to another element, or mend the element"


def bind(document: object, elements: Elements, day: date) -> tuple[object, list[Problem]]:
    """Return a contract's document with what its columns inherit from their elements, and what does not fit.

    Wrong is a column that says something else than its element, names one that does not exist, is retired or not in
    force; in a shared table also one without element, or with one that is a draft.

    Args:
        document: the contract as YAML gives it; parts that are malformed are left to the contract's own validation.
        elements: the registry of elements.
        day: which versions of the elements are in force.
    """
    bound = deepcopy(document)
    items, properties = _items(bound), _properties(bound)
    problems: list[Problem] = []
    for column, item in items.items():
        if "element" not in item or column not in properties:
            continue
        element = _element(elements, str(item["element"]), day, column)
        if isinstance(element, Problem):
            problems.append(element)
        else:
            problems += _inherit(column, properties[column], item, element)
    if _government(bound).get("layer") == "gold":
        problems += _unfit_for_sharing(properties, items, elements, day)
    position = {p["name"]: number for number, p in enumerate(_listed(bound)) if _is_named(p)}
    return bound, [_placed(problem, position) for problem in problems]


def _key_of(column: str) -> Key:
    return ("government", "items", column)


def _placed(problem: Problem, position: dict[str, int]) -> Problem:
    """Return a problem with a column's property under the key that the property has in the document."""
    if problem.key[0] != "properties":
        return problem
    return replace(problem, key=("schema", 0, "properties", position[str(problem.key[1])], *problem.key[2:]))


def _element(elements: Elements, element_id: str, day: date, column: str) -> Element | Problem:
    try:
        return elements.on(element_id, day)
    except ContractError as error:
        known = elements.ids()
        near = None if element_id in known else nearest(element_id, known)
        remedy = f"did you mean {near}? {error.remedy}" if near else error.remedy
        allowed = () if element_id in known else tuple(known)
        return Problem(f"column {column}: {error.args[0]}", (*_key_of(column), "element"), allowed, remedy)


def _inherit(column: str, declared: dict[str, Any], item: dict[str, Any], element: Element) -> Iterator[Problem]:
    """Write what ``element`` says into the column's property and item; yield each contradiction.

    What a derived column is read by stands in the contract: it depends on the column that it comes from.
    """
    if element.status == "retired":
        said = f"column {column}: data element {element.id} {element.version} is retired"
        yield Problem(said, (*_key_of(column), "element"), remedy="bind to the element that replaced it")
    inherited: list[tuple[dict[str, Any], str, Any]] = [
        (declared, "logical_type", element.logical_type),
        (declared, "physical_type", element.spark_type),
        (declared, "classification", element.classification),
        (item, "mask", element.mask),
    ]
    if "of" not in item and FINER.get(str(item.get("standard")), "") != (element.standard or "text"):
        inherited += [(item, "standard", element.standard), (item, "code_list", element.value_domain.code_list)]
    for block, name, value in inherited:
        key = next((spelling for spelling in (name, to_camel(name)) if spelling in block), None)
        if key is not None:
            if block[key] != value:
                said = (
                    f"column {column}: {key}: the contract says {block[key]}, "
                    f"data element {element.id} {element.version} says {value if value is not None else 'nothing'}"
                )
                place: Key = ("properties", column) if block is declared else _key_of(column)
                yield Problem(said, (*place, key), remedy=REMEDY)
        elif value is not None and (name != "physical_type" or element.physical_type):
            block[to_camel(name) if block is declared else name] = value


def _unfit_for_sharing(
    properties: dict[str, dict[str, Any]], items: dict[str, dict[str, Any]], elements: Elements, day: date
) -> Iterator[Problem]:
    """Yield what keeps columns from being shared: the catalogue takes type and length from the element."""
    for column in properties:
        element_id = items.get(column, {}).get("element")
        if element_id is None:
            said = f"column {column}: no government.items.{column}.element; a shared table binds every column to one"
            yield Problem(said, _key_of(column), remedy=f"add `{column}: {{element: …}}` to government.items")
            continue
        element = _element(elements, str(element_id), day, column)
        if isinstance(element, Element) and element.status == "draft":
            said = f"column {column}: data element {element_id} is a draft; a shared table needs a standard one"
            yield Problem(said, (*_key_of(column), "element"), remedy=REMEDY)


def _government(document: object) -> dict[str, Any]:
    return _mapping(_mapping(document).get("government"))


def _items(document: object) -> dict[str, dict[str, Any]]:
    items = _mapping(_government(document).get("items"))
    return {column: item for column, item in items.items() if isinstance(item, dict)}


def _properties(document: object) -> dict[str, dict[str, Any]]:
    return {p["name"]: p for p in _listed(document) if _is_named(p)}


def _listed(document: object) -> list[Any]:
    schema = _mapping(document).get("schema")
    table = _mapping(schema[0]) if isinstance(schema, list) and schema else {}
    properties = table.get("properties")
    return properties if isinstance(properties, list) else []


def _is_named(declared: object) -> bool:
    return isinstance(declared, dict) and isinstance(declared.get("name"), str)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
