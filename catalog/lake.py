"""Tables of the lake read without Spark (湖表直读): worklists and reports ask small questions of small parts.

Deletion vectors are honoured, which a test holds; ``DeltaTable.to_pyarrow_table`` refuses such tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError

from catalog.delta_log import newest_version
from catalog.model.layers import Table


@dataclass(frozen=True)
class TableAt:
    """A table as it was at one version."""

    table: Table
    version: int


def query(sql: str, **tables: Table | TableAt) -> list[dict[str, Any]] | None:
    """Return the rows of a query over ``tables``, or None when one of them was never created.

    Args:
        sql: a query whose only variable parts are the names of ``tables``; values are compared by the caller, or are
            columns of a table, never part of the text.
        tables: name in the query → table, as it is or as it was.

    Raises:
        TableDamagedError: when the log of one of them is not whole.
    """
    builder = QueryBuilder()
    for name, table in tables.items():
        try:
            found = open_table(table) if isinstance(table, Table) else open_table(table.table, table.version)
        except TableNotFoundError:
            return None
        builder = builder.register(name, found)
    return list(pa.table(builder.execute(sql)).to_pylist())


def open_table(table: Table, version: int | None = None) -> DeltaTable:
    """Return ``table`` at its newest version, or at ``version``.

    Raises:
        TableNotFoundError: when it was never created.
        TableDamagedError: when its log is not whole.
    """
    if not table.uri.startswith("file:"):
        return DeltaTable(table.uri, version)
    if newest_version(Path(table.local_path), table.name) is None:
        raise TableNotFoundError(f"{table.name} was never created")
    return DeltaTable(table.local_path, version)


def exists(table: Table) -> bool:
    """Tell whether ``table`` was ever created."""
    return bool(DeltaTable.is_deltatable(table.local_path if table.uri.startswith("file:") else table.uri))
