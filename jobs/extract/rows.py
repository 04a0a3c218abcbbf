"""Rows on their way into landing (落地行): text columns of the contract, written chunk by chunk as Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.model.contract import Contract
from catalog.model.source import FileSource
from jobs.extract.garbled import GarbledText
from jobs.extract.header import ROW_NUMBER, SOURCE_FILE, origin_of

CHUNK = 50_000
INSTANT = pa.timestamp("us", tz="UTC")


class RowSink:
    """Writes the rows of one batch to ``rows.parquet``, filling what the file itself does not carry."""

    def __init__(
        self,
        path: Path,
        contract: Contract,
        *,
        batch_id: str,
        source_file: str,
        received_at: datetime,
        source_at: datetime | None,
        changed_at: bool = False,
    ) -> None:
        self.contract = contract
        self.source_file = source_file
        self.rows = 0
        self.garbled = GarbledText()
        self._stamps = {
            "_batch_id": (batch_id, pa.string()),
            "_source": (contract.source.server, pa.string()),
            "_received_at": (received_at, INSTANT),
            "_source_file": (source_file, pa.string()),
            "_operation": ("U", pa.string()),
            "_source_at": (source_at, INSTANT),
        }
        self._changed_at = changed_at
        self._constants = contract.source.constants if isinstance(contract.source, FileSource) else {}
        self._writer = pq.ParquetWriter(path, self._schema(), compression="zstd")
        path.chmod(0o600)

    def _schema(self) -> pa.Schema:
        fields = [(name, kind) for name, (_, kind) in self._stamps.items()]
        fields.append((ROW_NUMBER, pa.int64()))
        fields += [("_changed_at", pa.string())] if self._changed_at else []
        return pa.schema(fields + [(column, pa.string()) for column in self.contract.raw_columns])

    def add(
        self,
        numbers: Sequence[int],
        columns: Mapping[str, Iterable[str | None]],
    ) -> None:
        """Append rows given as columns; a contract column that is not among them is filled or stays null."""
        count = len(numbers)
        if not count:
            return
        columns = {name: list(values) for name, values in columns.items()}
        for name, values in columns.items():
            self.garbled.look(numbers, name, values)
        arrays = [pa.repeat(pa.scalar(value, type=kind), count) for value, kind in self._stamps.values()]
        numbered = pa.array(numbers, type=pa.int64())
        arrays.append(numbered)
        if self._changed_at:
            arrays.append(pa.array(columns["_changed_at"], type=pa.string()))
        arrays += [self._column(name, columns, numbered, count) for name in self.contract.raw_columns]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema()))
        self.rows += count

    def _column(
        self, name: str, columns: Mapping[str, Iterable[str | None]], numbered: pa.Array, count: int
    ) -> pa.Array:
        if name in columns:
            return pa.array(columns[name], type=pa.string())
        if name in self._constants:
            return pa.repeat(pa.scalar(self._constants[name]), count)
        origin = origin_of(self.contract, name)
        if origin == ROW_NUMBER:
            return numbered.cast(pa.string())
        if origin == SOURCE_FILE:
            return pa.repeat(pa.scalar(self.source_file), count)
        return pa.nulls(count, type=pa.string())

    def __enter__(self) -> RowSink:
        """Return the sink itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what a broken delivery left in it is never read."""
        self._writer.close()
