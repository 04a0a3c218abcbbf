"""One row of a served version (服务版本中的一行), looked up by its key in the files that recipients get.

Invariant: a row that was taken back is shown to nobody, by whichever key it is asked for.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.dataset as ds
from sqlalchemy.orm import Session

from catalog.control.tables import ShareVersion
from catalog.control.withdrawal import rows_withdrawn
from catalog.service.problems import SharingError
from catalog.service.snapshots import DataFile, published_snapshot

RowKeys: TypeAlias = Mapping[str, Collection[str]]
"""Key column → keys."""


def find_row(
    session: Session,
    version: ShareVersion,
    key: str,
    value: str,
    columns: Sequence[str],
    is_covered: Callable[[Mapping[str, Any]], bool],
) -> dict[str, Any] | None:
    """Return some columns of the row under a key, or None where the version has no such row, or who asks may not know.

    Args:
        session: an open session.
        version: a served version.
        key: column of the key.
        value: the key.
        columns: wanted.
        is_covered: whether who asks may know of a row, by the columns wanted; else it is as if there were none.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served; 410 when the row was taken
            back.
    """
    withdrawn = rows_withdrawn(session, version)
    found = find_rows(version, key, [value], [*columns, *withdrawn]).get(value)
    if found is None or not is_covered(found):
        return None
    _require_not_taken_back(version, found, withdrawn)
    return {name: held for name, held in found.items() if name == key or name in columns}


def _require_not_taken_back(version: ShareVersion, row: Mapping[str, Any], withdrawn: RowKeys) -> None:
    if _is_taken_back(row, withdrawn):
        message = f"This row of {version.share}.{version.schema_name}.{version.table_name} was taken back (该行已撤回)."
        raise SharingError(410, "ROW_WITHDRAWN", message)


def _is_taken_back(row: Mapping[str, Any], withdrawn: RowKeys) -> bool:
    return any(column not in row or str(row[column]) in keys for column, keys in withdrawn.items())


def taken_back(version: ShareVersion, key: str, values: Collection[str], withdrawn: RowKeys) -> set[str]:
    """Return which of some rows of a version were taken back, by whichever key.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served.
    """
    found = find_rows(version, key, values, list(withdrawn)) if withdrawn else {}
    return {value for value, row in found.items() if _is_taken_back(row, withdrawn)}


def find_rows(
    version: ShareVersion, key: str, values: Collection[str], columns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return key → some columns of its row, for those of some keys that the version has.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in published_snapshot(version).files:
        if wanted := [value for value in values if value not in found]:
            found |= _find_in(file, key, wanted, columns)
    return found


def rows_with(
    version: ShareVersion, values: Collection[str], columns: Sequence[str]
) -> list[tuple[frozenset[str], dict[str, Any]]]:
    """Return every row that has one of some values in any column of text: which it has, and some of its columns.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served.
    """
    wanted, found = set(values), []
    for file in published_snapshot(version).files:
        data = _opened(str(file.path))
        texts = [field.name for field in data.schema if pa.types.is_string(field.type)]
        stored = [*texts, *(column for column in columns if column in data.schema.names and column not in texts)]
        has_one = ds.scalar(not wanted.isdisjoint(file.partition_values.values()))
        for name in texts:
            has_one = has_one | ds.field(name).isin(sorted(wanted))
        for row in data.to_table(columns=stored, filter=has_one).to_pylist():
            whole = {**file.partition_values, **row}
            has = frozenset(value for value in whole.values() if isinstance(value, str) and value in wanted)
            found.append((has, {column: whole.get(column) for column in columns}))
    return found


def _find_in(file: DataFile, key: str, values: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    data = _opened(str(file.path))
    if key not in data.schema.names:
        return {}
    stored = [column for column in dict.fromkeys(columns) if column in data.schema.names and column != key]
    wanted = ds.field(key) == values[0] if len(values) == 1 else ds.field(key).isin(values)
    rows = data.head(len(values), columns=[key, *stored], filter=wanted).to_pylist()
    return {row[key]: {**file.partition_values, **row} for row in rows}


@lru_cache(maxsize=256)
def _opened(path: str) -> ds.Dataset:
    """Return a data file, whose head is read once: files never change."""
    return ds.dataset(path, format="parquet")
