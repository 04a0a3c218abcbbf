"""The lines of a table answer (响应行): protocol, metadata and files, in parquet or in delta form."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.control.tables import ShareVersion
from catalog.service.snapshots import DataFile, Snapshot


@dataclass(frozen=True)
class TableAnswer:
    """What is needed to write the lines of one answer."""

    version: ShareVersion
    snapshot: Snapshot
    form: str
    """`parquet` or `delta`."""

    def head(self) -> list[str]:
        """Return the lines for protocol and metadata."""
        protocol, metadata = (
            (self._delta_protocol(), self._delta_metadata())
            if self.form == "delta"
            else ({"minReaderVersion": 1}, self._parquet_metadata())
        )
        return [_line({"protocol": protocol}), _line({"metaData": metadata})]

    def files(self, files: Sequence[DataFile], address: Callable[[DataFile], str], expires: int) -> list[str]:
        """Return a line for each file, under its signed address, with its row count as the only statistic."""
        render = self._delta_file if self.form == "delta" else self._parquet_file
        return [_line({"file": render(file, address(file), expires * 1000)}) for file in files]

    @property
    def _published_ms(self) -> int:
        return int(self.version.published_at.timestamp() * 1000)

    @property
    def _counts(self) -> dict[str, int]:
        return {
            "version": self.version.version,
            "size": self.snapshot.size,
            "numFiles": len(self.snapshot.files),
        }

    @property
    def _description(self) -> dict[str, Any]:
        return {
            "id": self.snapshot.table_id,
            "name": self.version.table_name,
            "format": {"provider": "parquet"},
            "schemaString": self.snapshot.schema_string,
            "partitionColumns": self.snapshot.partition_columns,
            "configuration": {},
        }

    def _parquet_metadata(self) -> dict[str, Any]:
        return {**self._description, **self._counts}

    def _delta_metadata(self) -> dict[str, Any]:
        description = {**self._description, "format": {"provider": "parquet", "options": {}}}
        return {**self._counts, "deltaMetadata": {**description, "createdTime": self._published_ms}}

    def _delta_protocol(self) -> dict[str, Any]:
        features = self.snapshot.reader_features
        if not features:
            return {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
        return {
            "deltaProtocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": features,
                "writerFeatures": features,
            }
        }

    def _parquet_file(self, file: DataFile, address: str, expires_ms: int) -> dict[str, Any]:
        return {
            "url": address,
            "id": file.id,
            "partitionValues": file.partition_values,
            "size": file.size,
            **_statistics(file),
            "version": self.version.version,
            "timestamp": self._published_ms,
            "expirationTimestamp": expires_ms,
        }

    def _delta_file(self, file: DataFile, address: str, expires_ms: int) -> dict[str, Any]:
        add = {
            "path": address,
            "partitionValues": file.partition_values,
            "size": file.size,
            "modificationTime": self._published_ms,
            "dataChange": True,
            **_statistics(file),
        }
        return {
            "id": file.id,
            "version": self.version.version,
            "timestamp": self._published_ms,
            "expirationTimestamp": expires_ms,
            "deltaSingleAction": {"add": add},
        }


def _statistics(file: DataFile) -> dict[str, str]:
    return {} if file.rows is None else {"stats": _line({"numRecords": file.rows})}


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
