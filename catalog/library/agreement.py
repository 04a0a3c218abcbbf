"""How far sources agree (多源校核): every element two sources share, counted over all entities that both know.

Counted from the lake's statements by DuckDB, without Spark. Of a pair the first is the one that authority puts first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from catalog.library.statements import statement_rows
from catalog.model.authority import carriers, decided_elements, get_authority
from catalog.model.contract import Contract
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

_PREPARED = """
    CREATE TEMP TABLE version AS
    SELECT entity_id, source, is_withdrawn, record_key, statements,
           row_number() OVER (PARTITION BY entity_id, source
                              ORDER BY {sequence} DESC NULLS LAST, input_version DESC, is_withdrawn) AS age
    FROM statement_rows;
    CREATE TEMP TABLE knows AS SELECT entity_id, source, record_key FROM version WHERE age = 1 AND NOT is_withdrawn;
    CREATE TEMP TABLE said AS
    SELECT entity_id, source, age, said.element AS element, said.value AS value
    FROM (SELECT entity_id, source, age, unnest(statements) AS said FROM version
          WHERE age > 1 OR NOT is_withdrawn);
"""
_COMPARED = """
    CREATE TEMP VIEW compared AS
    SELECT pair.element, pair.first, pair.second, f.entity_id, a.value AS first_value, b.value AS second_value,
           f.record_key AS first_record_key, g.record_key AS second_record_key,
           CASE WHEN a.value = b.value THEN 'agree'
                WHEN a.value IS NULL OR b.value IS NULL THEN 'missing'
                WHEN EXISTS (SELECT 1 FROM said AS e WHERE e.entity_id = f.entity_id AND e.element = pair.element
                             AND e.age > 1 AND ((e.source = pair.first AND e.value = b.value)
                                             OR (e.source = pair.second AND e.value = a.value))) THEN 'stale'
                ELSE 'conflict' END AS verdict
    FROM pair
    JOIN knows AS f ON f.source = pair.first
    JOIN knows AS g ON g.source = pair.second AND g.entity_id = f.entity_id
    LEFT JOIN said AS a
           ON a.age = 1 AND a.source = pair.first AND a.element = pair.element AND a.entity_id = f.entity_id
    LEFT JOIN said AS b
           ON b.age = 1 AND b.source = pair.second AND b.element = pair.element AND b.entity_id = f.entity_id
    WHERE a.value IS NOT NULL OR b.value IS NOT NULL
"""


@dataclass(frozen=True)
class Agreement:
    """One element between two sources, over the entities that both know."""

    resource: str
    element: str
    first: str
    second: str
    first_department: str
    second_department: str
    agree: int
    conflict: int
    stale: int
    """They differ, and the one says what the other said earlier."""
    missing: int
    """One of them knows the entity without this value."""

    @property
    def compared(self) -> int:
        """Entities of which at least one of the two states the element."""
        return self.agree + self.conflict + self.stale + self.missing

    def rate(self, count: int) -> float:
        """Return a count as a share of what was compared."""
        return count / self.compared if self.compared else 0.0


@dataclass(frozen=True)
class Difference:
    """One cell on which two sources differ now."""

    resource: str
    entity_id: str
    element: str
    verdict: str
    first: str
    first_record_key: str
    first_value: str
    second: str
    second_record_key: str
    second_value: str


def agreements(contract: Contract, department: str | None = None) -> list[Agreement]:
    """Return how far each pair of sources agrees on each element they share.

    Args:
        contract: the base library.
        department: only pairs in which this department takes part.

    Raises:
        NoStatementsError: when the library was never reconciled.
    """
    pairs = _pairs(contract, department)
    if not pairs:
        return []
    counted = "SELECT element, first, second, verdict, count(*) FROM compared GROUP BY ALL"
    counts = {(e, a, b, verdict): n for e, a, b, verdict, n in _asked(contract, pairs, counted)}
    return [
        Agreement(
            contract.id,
            element,
            first,
            second,
            _department(first),
            _department(second),
            *[counts.get((element, first, second, v), 0) for v in ("agree", "conflict", "stale", "missing")],
        )
        for element, first, second in pairs
    ]


def differences(contract: Contract, department: str | None = None, limit: int = 100) -> list[Difference]:
    """Return cells on which sources differ now, in order of entity; values are whole, the caller masks them."""
    pairs = _pairs(contract, department)
    if not pairs:
        return []
    chosen = """
        SELECT entity_id, element, verdict,
               first, first_record_key, first_value, second, second_record_key, second_value
        FROM compared WHERE verdict IN ('conflict', 'stale') ORDER BY entity_id, element, first, second LIMIT ?"""
    return [Difference(contract.id, *row) for row in _asked(contract, pairs, chosen, [limit])]


def _pairs(contract: Contract, department: str | None) -> list[tuple[str, str, str]]:
    """Return element, and two of its sources in order of authority."""
    library, registry, day = get_authority().of(contract), get_registry(), get_settings().business_date
    found = []
    for element in decided_elements(contract):
        having = carriers(element, contract, registry)
        order = library.orders(element, day)[""]
        ranked = sorted(having, key=lambda r: order.index(r) if r in order else len(order))
        found += [(element, a, b) for a, b in combinations(ranked, 2) if element not in library.unchecked]
    return [(e, a, b) for e, a, b in found if department is None or department in (_department(a), _department(b))]


def _asked(
    contract: Contract, pairs: Sequence[tuple[str, str, str]], query: str, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    import duckdb

    statement_table = statement_rows(contract)
    sequence = "sequence" if "sequence" in statement_table.schema.names else "NULL::BIGINT"
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register("statement_rows", statement_table)
        connection.execute("CREATE TEMP TABLE pair (element TEXT, first TEXT, second TEXT)")
        connection.executemany("INSERT INTO pair VALUES (?, ?, ?)", [list(pair) for pair in pairs])
        connection.execute(_PREPARED.format(sequence=sequence))
        connection.execute(_COMPARED)
        return connection.execute(query, list(parameters)).fetchall()


def _department(resource: str) -> str:
    return get_registry().get(resource).government.department
