"""Which rows a version of a shared table holds (版本所含数据行), looked up by key in the lake without Spark."""

from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError, TableNotFoundError
from sqlalchemy.orm import Session

from catalog.control.kept_back import contract_of
from catalog.control.shares import Place, rows_taken_back
from catalog.control.tables import ShareVersion
from catalog.control.withdrawal import RowsTaken, standing_versions
from catalog.model.errors import GuantongError
from catalog.model.layers import absolute_uri


class RowsUnknownError(GuantongError):
    """Rows are named that no version of a table holds, or that have no key."""

    code = "ROWS_UNKNOWN"


def keys_held(uri: str, delta_version: int, column: str, keys: Collection[str]) -> set[str]:
    """Return which of some keys a version of a table has in a column.

    Args:
        uri: where the table lies: ``file:`` or ``s3a:``.
        delta_version: its version.
        column: the key column, as a contract names it; a version without it counts as having them all.
        keys: values, compared as text.
    """
    address = str(Path(unquote(urlsplit(uri).path))) if uri.startswith("file:") else uri
    table = DeltaTable(address, version=delta_version)
    if column not in {field.name for field in table.schema().fields}:
        return set(keys)
    builder = QueryBuilder().register("published", table)
    rows = pa.table(builder.execute(f'SELECT DISTINCT "{column}" AS key FROM published'))  # noqa: S608 - a Name
    return {str(key) for key in rows.column("key").to_pylist()} & set(keys)


def rows_to_take(session: Session, place: Place, keys: Collection[str]) -> RowsTaken:
    """Return rows that are to be taken back, with the standing versions that hold one of them.

    Keys are values of the contract's primary key. A version that cannot be looked into counts as holding them.

    Raises:
        RowsUnknownError: the table has no contract with a key of one column, or no version holds one of the keys.
    """
    versions = standing_versions(session, place)
    contract = contract_of(versions[-1].resource) if versions else None
    if contract is None or len(contract.key) != 1:
        raise RowsUnknownError(
            f"rows of {'.'.join(place)} are known by no key", remedy="withdraw the versions as a whole"
        )
    wanted, seen, holding = set(keys), set[str](), []
    for version in versions:
        held = _held(version, contract.key[0], wanted)
        if held is None or held:
            holding.append(version.id)
        seen |= wanted if held is None else held
    if missing := len(wanted - seen):
        raise RowsUnknownError(
            f"{missing} of {len(wanted)} keys are in no version of {'.'.join(place)}",
            remedy=f"name rows by their {contract.key[0]}; nothing was taken back",
        )
    return RowsTaken(contract.key[0], tuple(sorted(wanted)), holding)


def _held(version: ShareVersion, column: str, keys: Collection[str]) -> set[str] | None:
    """Return which keys a published version has; None when nobody can tell."""
    try:
        return keys_held(absolute_uri(version.table_uri), version.delta_version, column, keys)
    except (DeltaError, TableNotFoundError, pa.ArrowException, OSError):
        return None


def withdrawals_gone(session: Session, place: Place, uri: str, delta_version: int) -> list[str]:
    """Return the numbers of the withdrawals in force none of whose rows a version of the table holds."""
    return [
        one.number
        for one in rows_taken_back(session, *place)
        if one.key_column and not keys_held(uri, delta_version, one.key_column, one.row_keys)
    ]
