"""What a version of a shared table is published with (发布时约定), and in what a later one is narrower (收窄).

Kept with the version, because the contract goes on: a version is judged by what it was published with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.model.contract import Contract

WIDEST = "true"
"""The condition on rows that admits all of them."""


def published_with(contract: Contract) -> dict[str, Any]:
    """Return what a contract says of the table that is published: who shares it, which rows, and its columns.

    Each column has its data element, its mask, and the expression by which it is cut from the library.
    """
    curate = contract.government.curate
    return {
        "department": contract.government.department,
        "where": _plain(curate.where) if curate else WIDEST,
        "columns": {
            column.name: {
                "element": contract.item(column.name).element,
                "mask": contract.item(column.name).mask,
                "transform": _plain(column.transform_logic or ""),
            }
            for column in contract.properties
        },
    }


def elements_published(said: Mapping[str, Any] | None) -> dict[str, str]:
    """Return column → data element of what a version was published with, of those columns for which it says one.

    >>> elements_published({"columns": {"name": {"element": "person_name"}, "note": {"element": None}}})
    {'name': 'person_name'}
    """
    columns: Mapping[str, Mapping[str, str | None]] = (said or {}).get("columns", {})
    return {name: element for name, column in columns.items() if (element := column.get("element"))}


def narrowings(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[str]:
    """Return in what a later version is narrower than an earlier one; empty when it is not.

    A column that went, a mask that was added or hides more, another way of cutting a column, another condition on rows:
    of two conditions or expressions nobody can tell which admits more, so another one counts as narrower unless it is
    none at all. An earlier version of which all this is not known counts as wider than one of which it is.

    >>> wide = {"where": "true", "columns": {"name": {"element": "a", "mask": None, "transform": ""}}}
    >>> narrowings(wide, {**wide, "where": "is_alive"}), narrowings(wide, {**wide, "columns": {}})
    (['the condition on its rows changed'], ['column name went'])
    >>> narrowings(wide, wide), narrowings(None, wide), narrowings(wide, None)
    ([], ['it is not known what it was published with'], [])
    """
    if now is None:
        return []
    if before is None or "where" not in before:
        return ["it is not known what it was published with"]
    found = [f"column {name} went" for name in before["columns"] if name not in now["columns"]]
    for name, column in now["columns"].items():
        found += _harder(name, before["columns"].get(name), column)
    if now["where"] not in (before["where"], WIDEST):
        found.append("the condition on its rows changed")
    return found


def _harder(name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    if before is None:
        return []
    if _hidden(now["mask"]) > _hidden(before["mask"]):
        return [f"the mask of {name} became harder"]
    if now["transform"] not in (before["transform"], ""):
        return [f"{name} is cut in another way"]
    return []


def _hidden(mask: str | None) -> int:
    """Return how much a mask hides, from 0 for nothing to 10 for all.

    >>> [_hidden(mask) for mask in (None, "none", "first_9", "first_1", "all")]
    [0, 0, 1, 9, 10]
    """
    if mask in (None, "none"):
        return 0
    return 10 if mask == "all" else 10 - int(str(mask).removeprefix("first_"))


def _plain(expression: str) -> str:
    return " ".join(expression.split())
