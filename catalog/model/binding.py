"""Binding of columns to data elements (数据元绑定): a contract as written becomes the contract as it holds.

Invariant: whoever reads a ``Contract`` sees the inherited values as if the file had said them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from typing import Any

from pydantic.alias_generators import to_camel

from catalog.model.element import Element
from catalog.model.elements import Elements
from catalog.model.errors import ContractError

FINER = {"current_name": "name", "address": "text"}
"""Reading rule → the rule that it refines: a contract may read a column more closely than its element asks."""
REMEDY = "leave the key out, since it follows from the element; or bind to another element, or mend the element"


def bind(document: object, elements: Elements, day: date, *, place: str) -> object:
    """Return a contract's document with what its columns inherit from their elements.

    Args:
        document: the contract as YAML gives it; parts that are malformed are left to the contract's own validation.
        elements: the registry of elements.
        day: which versions of the elements are in force.
        place: the contract's file, for messages.

    Raises:
        ContractError: naming file, column and element, when a column says something else than its element, names one
            that does not exist, is retired or not in force; when a shared table has a column without element, or with
            one that is a draft.
    """
    bound = deepcopy(document)
    items, properties = _items(bound), _properties(bound)
    problems: list[str] = []
    for column, item in items.items():
        if "element" in item and column in properties:
            element = _element(elements, str(item["element"]), day, column, place)
            problems += [f"column {column}: {problem}" for problem in _inherit(properties[column], item, element)]
    if _government(bound).get("layer") == "gold":
        problems += _unfit_for_sharing(properties, items, elements, day)
    if problems:
        raise ContractError("\n".join(problems), place=place, remedy=REMEDY)
    return bound


def _element(elements: Elements, element_id: str, day: date, column: str, place: str) -> Element:
    try:
        return elements.on(element_id, day)
    except ContractError as error:
        raise ContractError(f"column {column}: {error.args[0]}", place=place, remedy=error.remedy) from error


def _inherit(declared: dict[str, Any], item: dict[str, Any], element: Element) -> Iterator[str]:
    """Write what ``element`` says into the column's property and item; yield each contradiction.

    What a derived column is read by stands in the contract: it depends on the column that it comes from.
    """
    if element.status == "retired":
        yield f"data element {element.id} {element.version} is retired"
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
                yield (
                    f"{key}: the contract says {block[key]}, "
                    f"data element {element.id} {element.version} says {value if value is not None else 'nothing'}"
                )
        elif value is not None and (name != "physical_type" or element.physical_type):
            block[to_camel(name) if block is declared else name] = value


def _unfit_for_sharing(
    properties: dict[str, dict[str, Any]], items: dict[str, dict[str, Any]], elements: Elements, day: date
) -> Iterator[str]:
    """Yield what keeps columns from being shared: the catalogue takes type and length from the element."""
    for column in properties:
        element_id = items.get(column, {}).get("element")
        if element_id is None:
            yield f"column {column}: no government.items.{column}.element; a shared table binds every column to one"
        elif elements.on(element_id, day).status == "draft":
            yield f"column {column}: data element {element_id} is a draft; a shared table needs a standard one"


def _government(document: object) -> dict[str, Any]:
    return _mapping(_mapping(document).get("government"))


def _items(document: object) -> dict[str, dict[str, Any]]:
    items = _mapping(_government(document).get("items"))
    return {column: item for column, item in items.items() if isinstance(item, dict)}


def _properties(document: object) -> dict[str, dict[str, Any]]:
    schema = _mapping(document).get("schema")
    table = _mapping(schema[0]) if isinstance(schema, list) and schema else {}
    properties = table.get("properties")
    listed = properties if isinstance(properties, list) else []
    return {p["name"]: p for p in listed if isinstance(p, dict) and isinstance(p.get("name"), str)}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
