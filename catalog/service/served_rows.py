"""One row of a served version (服务版本中的一行), looked up by its key in the files that recipients get.

Invariant: a row that was taken back is shown to nobody, by whichever key it is asked for.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow.dataset as ds
from sqlalchemy.orm import Session

from catalog.control.tables import ShareVersion
from catalog.control.withdrawal import rows_withdrawn
from catalog.service.problems import SharingError
from catalog.service.snapshots import DataFile, published_snapshot


def find_row(
    session: Session, version: ShareVersion, key: str, value: str, columns: Sequence[str]
) -> dict[str, Any] | None:
    """Return some columns of the row under a key, or None where the version has no such row.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served; 410 when the row was taken
            back.
    """
    withdrawn = rows_withdrawn(session, version)
    for file in published_snapshot(version).files:
        found = _find_in(file, key, value, [*columns, *withdrawn])
        if found is not None:
            _require_not_taken_back(version, found, withdrawn)
            return {name: held for name, held in found.items() if name == key or name in columns}
    return None


def _require_not_taken_back(
    version: ShareVersion, row: Mapping[str, Any], withdrawn: Mapping[str, Collection[str]]
) -> None:
    for column, keys in withdrawn.items():
        if column not in row or str(row[column]) in keys:
            message = (
                f"This row of {version.share}.{version.schema_name}.{version.table_name} was taken back (该行已撤回)."
            )
            raise SharingError(410, "ROW_WITHDRAWN", message)


def _find_in(file: DataFile, key: str, value: str, columns: Sequence[str]) -> dict[str, Any] | None:
    data = ds.dataset(str(file.path), format="parquet")
    if key not in data.schema.names:
        return None
    stored = [column for column in dict.fromkeys(columns) if column in data.schema.names and column != key]
    rows = data.head(1, columns=[key, *stored], filter=ds.field(key) == value).to_pylist()
    return {**file.partition_values, **rows[0]} if rows else None
