"""One row of a served version (服务版本中的一行), looked up by its key in the files that recipients get."""

from collections.abc import Sequence
from typing import Any

import pyarrow.dataset as ds

from catalog.control.tables import ShareVersion
from catalog.service.snapshots import DataFile, published_snapshot


def find_row(version: ShareVersion, key: str, value: str, columns: Sequence[str]) -> dict[str, Any] | None:
    """Return some columns of the row under a key, or None where the version has no such row.

    Raises:
        SharingError: as of :func:`published_snapshot`, when the version cannot be served.
    """
    for file in published_snapshot(version).files:
        found = _find_in(file, key, value, columns)
        if found is not None:
            return found
    return None


def _find_in(file: DataFile, key: str, value: str, columns: Sequence[str]) -> dict[str, Any] | None:
    data = ds.dataset(str(file.path), format="parquet")
    if key not in data.schema.names:
        return None
    stored = [column for column in columns if column in data.schema.names]
    rows = data.head(1, columns=[key, *stored], filter=ds.field(key) == value).to_pylist()
    return {**file.partition_values, **rows[0]} if rows else None
