"""The rows themselves (待处置行), read from the lake without Spark: place, reasons, and the row as it was sent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from catalog import lake
from catalog.model.contract import Contract
from catalog.model.layers import closed_of, set_aside_of
from catalog.worklist.scope import Scope, require_resource

_COLUMNS = "a._batch_id, a._record_key, a._source_file, a._row_number, a._set_aside_at, a.places, a._row"
_NOT_CLOSED = (
    "LEFT ANTI JOIN c ON a._batch_id = c._aside_batch_id AND a._record_key = c._record_key "
    "AND coalesce(a._row_id, a._row_number) IS NOT DISTINCT FROM coalesce(c._row_id, c._row_number)"
)
_ORDER = "ORDER BY _batch_id, _row_number"
_RANKED = "row_number() OVER (PARTITION BY array_to_string(a.reasons, ',') ORDER BY a._batch_id DESC, a._row_number) n"


@dataclass(frozen=True)
class WaitingRow:
    """One row that waits, with values as the reader may see them."""

    resource: str
    batch_id: str
    source_file: str
    row_number: int | None
    record_key: str
    places: tuple[tuple[str, str], ...]
    """Column and reason; an empty column stands for the whole row."""
    values: dict[str, str]
    """Column → what was sent."""
    since: datetime


def waiting_rows(
    contract: Contract,
    scope: Scope,
    *,
    limit: int,
    per_reason: int | None = None,
    dismissed: Collection[tuple[str, str, str]] = (),
) -> list[WaitingRow]:
    """Return the rows of a resource that wait, oldest batch first.

    Args:
        contract: the resource.
        scope: who reads.
        limit: rows at most.
        per_reason: examples instead of all: so many of each combination of reasons, the newest first.
        dismissed: batch, column and reason that a person dismissed; a row with nothing else does not wait.

    Raises:
        ScopeRefusedError: when the resource is beyond the scope.
    """
    require_resource(scope, contract)
    tables = {"a": set_aside_of(contract)}
    anti = ""
    if lake.exists(closed_of(contract)):
        tables["c"], anti = closed_of(contract), _NOT_CLOSED
    if per_reason is None:
        sql = f"SELECT {_COLUMNS} FROM a {anti} {_ORDER} LIMIT {int(limit)}"  # noqa: S608 - numbers only
    else:
        inner = f"SELECT {_COLUMNS}, {_RANKED} FROM a {anti}"  # noqa: S608
        sql = f"SELECT * FROM ({inner}) WHERE n <= {int(per_reason)} LIMIT {int(limit)}"  # noqa: S608
    found = lake.query(sql, **tables) or []
    rows = [_row(contract, scope, row) for row in found]
    return [row for row in rows if not all((row.batch_id, *place) in dismissed for place in row.places)]


def _row(contract: Contract, scope: Scope, row: dict[str, object]) -> WaitingRow:
    raw: list[tuple[str, str | None]] = list(row["_row"] or [])  # type: ignore[call-overload]
    places: list[dict[str, str]] = list(row["places"] or [])  # type: ignore[call-overload]
    key = contract.source.key
    key_is_personal = any(p.name in key and p.classification in ("personal", "sensitive") for p in contract.properties)
    shown_key = scope.shown(contract, key[0] if key_is_personal else "", str(row["_record_key"] or ""))
    number = row["_row_number"]
    return WaitingRow(
        resource=contract.id,
        batch_id=str(row["_batch_id"]),
        source_file=str(row["_source_file"] or ""),
        row_number=number if isinstance(number, int) else None,
        record_key=shown_key,
        places=tuple((place["column"], place["reason"]) for place in places),
        values={column: scope.shown(contract, column, value) for column, value in raw},
        since=cast(datetime, row["_set_aside_at"]),
    )
