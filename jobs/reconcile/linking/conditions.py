"""The few conditions that comparisons are made of, as SQL of either engine (比对条件).

``same x`` · ``alike x`` (same, or both lack it) · ``shares x`` (two lists have something in common) · ``dice x 0.7``
(two lists have so much in common) · ``x among y`` (one's x is in the other's list y) · ``lacks x`` · ``else``, joined
by ``&``.
All are equality, membership and whole numbers, which DuckDB and Spark compute alike; none measures a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from catalog.model.errors import ContractError

DIALECTS = ("duckdb", "spark")
_COLUMN = r"([a-z_]+)"
_OVERLAP = {"duckdb": "list_has_any", "spark": "arrays_overlap"}
_CONTAINS = {"duckdb": "list_contains", "spark": "array_contains"}
_SHARED = {"duckdb": "len(list_intersect({0}_l, {0}_r))", "spark": "size(array_intersect({0}_l, {0}_r))"}
_SIZE = {"duckdb": "len", "spark": "size"}
_FORMS: tuple[tuple[str, Callable[[re.Match[str], str], str]], ...] = (
    (rf"same {_COLUMN}", lambda m, _: f"{m[1]}_l = {m[1]}_r"),
    (rf"alike {_COLUMN}", lambda m, _: f"coalesce({m[1]}_l, '') = coalesce({m[1]}_r, '')"),
    (rf"lacks {_COLUMN}", lambda m, _: f"({m[1]}_l IS NULL OR {m[1]}_r IS NULL)"),
    (rf"shares {_COLUMN}", lambda m, d: f"{_OVERLAP[d]}({m[1]}_l, {m[1]}_r)"),
    (rf"dice {_COLUMN} ([01]\.[0-9]+)", lambda m, d: _dice(m[1], m[2], d)),
    (
        rf"{_COLUMN} among {_COLUMN}",
        lambda m, d: f"({_CONTAINS[d]}({m[2]}_l, {m[1]}_r) OR {_CONTAINS[d]}({m[2]}_r, {m[1]}_l))",
    ),
)


def condition_sql(when: str, dialect: str) -> str:
    """Return a condition as SQL over columns ``<feature>_l`` and ``<feature>_r``; ``else`` is ELSE.

    Raises:
        ContractError: when it is of no known form.

    >>> condition_sql("same core & shares industry", "duckdb")
    'core_l = core_r AND list_has_any(industry_l, industry_r)'
    >>> condition_sql("dice name_grams 0.5", "spark")
    '10 * 2 * size(array_intersect(name_grams_l, name_grams_r)) >= 5 * (size(name_grams_l) + size(name_grams_r))'
    """
    if when == "else":
        return "ELSE"
    return " AND ".join(_part(part.strip(), dialect) for part in when.split("&"))


def is_null_level(when: str) -> bool:
    """Tell whether a condition says that there is nothing to compare."""
    return when.startswith("lacks ")


def _part(part: str, dialect: str) -> str:
    for form, sql in _FORMS:
        if match := re.fullmatch(form, part):
            return sql(match, dialect)
    raise ContractError(f"{part!r} is no condition of a comparison", remedy="see jobs/reconcile/linking/conditions.py")


def _dice(column: str, least: str, dialect: str) -> str:
    """Return twice the shared part against the whole, in whole numbers."""
    digits = len(least.split(".")[1])
    shared, size = _SHARED[dialect].format(column), _SIZE[dialect]
    return (
        f"{10**digits} * 2 * {shared} >= {round(float(least) * 10**digits)} * ({size}({column}_l) + {size}({column}_r))"
    )
