"""What a published version consists of (发布快照): files and schema, read from the Delta log at the pinned version.

A snapshot never changes once published, so it is kept. Statistics, history and the table's own settings stay inside.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import deltalake
import pyarrow as pa
from deltalake.exceptions import DeltaError

from catalog.control.tables import ShareVersion
from catalog.delta_log import TableDamagedError, newest_version
from catalog.model.layers import absolute_uri
from catalog.service.problems import SharingError

logger = logging.getLogger(__name__)

_READABLE_FEATURES = {"timestampNtz"}
"""Reader features that recipients' readers cope with; deletion vectors and column mapping are not among them."""

_LOG_FEATURES = {"v2Checkpoint", "vacuumProtocolCheck"}
"""Reader features that concern only who reads the Delta log, which recipients never do."""


@dataclass(frozen=True)
class DataFile:
    """One data file of a snapshot."""

    id: str
    path: Path
    size: int
    rows: int | None
    partition_values: dict[str, str | None]


@dataclass(frozen=True)
class Snapshot:
    """One version of one table, as recipients may see it."""

    table_id: str
    schema_string: str
    partition_columns: list[str]
    reader_features: list[str]
    files: tuple[DataFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def rows(self) -> int | None:
        """Rows of all files; None where a file does not tell."""
        counts = [file.rows for file in self.files]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [str(field["name"]) for field in json.loads(self.schema_string)["fields"]]

    def file(self, file_id: str) -> DataFile | None:
        """Return one file by its id."""
        return next((file for file in self.files if file.id == file_id), None)

    def enough_for(self, limit: int | None) -> tuple[DataFile, ...]:
        """Return as many files as hold a number of rows; all of them when that cannot be told."""
        if limit is None:
            return self.files
        chosen: list[DataFile] = []
        rows = 0
        for file in self.files:
            if file.rows is None:
                return self.files
            if rows >= limit:
                break
            chosen.append(file)
            rows += file.rows
        return tuple(chosen)


def published_snapshot(version: ShareVersion) -> Snapshot:
    """Read what was published from where it lies now, and hold it against what was recorded of it.

    Raises:
        SharingError: as of :func:`read_snapshot`, or when another table or other rows lie there.
    """
    snapshot = read_snapshot(absolute_uri(version.table_uri), version.delta_version)
    if version.table_id is not None and version.table_id != snapshot.table_id:
        raise _unservable("another table than the published one lies in its place")
    if snapshot.rows is not None and snapshot.rows != version.rows:
        raise _unservable("it holds another number of rows than was published")
    return snapshot


@lru_cache(maxsize=128)
def read_snapshot(table_uri: str, delta_version: int) -> Snapshot:
    """Read one version of a table from its Delta log.

    Raises:
        SharingError: When the table is away, damaged, or uses features that recipients' readers would read wrongly.
    """
    root = local_folder(table_uri)
    try:
        newest_version(root, root.name, upto=delta_version)
        table = deltalake.DeltaTable(str(root), version=delta_version)
    except TableDamagedError as error:
        logger.error("%s", error)
        raise _unservable("its Delta log is damaged") from error
    except (DeltaError, OSError) as error:
        raise _unservable("its Delta log cannot be read at the published version") from error
    features = sorted(_reader_features(table))
    metadata = table.metadata()
    actions = pa.table(table.get_add_actions(flatten=False)).to_pylist()
    files = sorted((_data_file(root, action) for action in actions), key=lambda file: file.id)
    return Snapshot(
        table_id=str(metadata.id),
        schema_string=_plain_schema(table.schema().to_json()),
        partition_columns=list(metadata.partition_columns),
        reader_features=features,
        files=tuple(files),
    )


def local_folder(table_uri: str) -> Path:
    """Return the folder of a table on this machine.

    Raises:
        SharingError: When the table does not lie on a local disk.

    >>> local_folder("file:/lake/gold/t"), local_folder("file:///lake/gold/t")
    (PosixPath('/lake/gold/t'), PosixPath('/lake/gold/t'))
    """
    parts = urlsplit(table_uri)
    if parts.scheme not in ("", "file") or parts.netloc:
        raise _unservable("it does not lie on a disk of this machine")
    return Path(parts.path).resolve()


def _reader_features(table: deltalake.DeltaTable) -> set[str]:
    """Return the reader features a table needs, refusing those that would be read wrongly."""
    protocol = table.protocol()
    features = set(protocol.reader_features or []) - _LOG_FEATURES
    configuration = table.metadata().configuration or {}
    if protocol.min_reader_version == 2 or configuration.get("delta.columnMapping.mode", "none") != "none":
        features.add("columnMapping")
    refused = sorted(features - _READABLE_FEATURES)
    if refused:
        raise _unservable(
            f"it uses {', '.join(refused)}, with which recipients would read wrong rows; "
            "the provider must publish a version without"
        )
    return features


def _data_file(root: Path, action: dict[str, Any]) -> DataFile:
    """Turn an entry of the log into a data file, refusing one that lies outside the table's folder."""
    name = str(action["path"])
    path = (root / unquote(name)).resolve()
    if urlsplit(name).scheme or not path.is_relative_to(root):
        raise _unservable("its Delta log names a file outside the table")
    if not path.is_file() or path.stat().st_size != action["size_bytes"]:
        raise _unservable("a data file is missing or has another size than its Delta log says")
    return DataFile(
        id=hashlib.sha256(name.encode()).hexdigest()[:32],
        path=path,
        size=action["size_bytes"],
        rows=action.get("num_records"),
        partition_values={key: _serialise(value) for key, value in (action.get("partition") or {}).items()},
    )


def _serialise(value: object) -> str | None:
    """Return a partition value in Delta's text form.

    >>> _serialise(date(2026, 1, 2)), _serialise(True), _serialise(None), _serialise(7)
    ('2026-01-02', 'true', None, '7')
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _plain_schema(text: str) -> str:
    """Return a schema with names, types and comments, without what else the lake keeps on its columns."""
    schema = json.loads(text)
    for field in schema["fields"]:
        comment = (field.get("metadata") or {}).get("comment")
        field["metadata"] = {"comment": comment} if comment else {}
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def _unservable(reason: str) -> SharingError:
    return SharingError(409, "TABLE_NOT_SERVABLE", f"This table cannot be served: {reason}.")
