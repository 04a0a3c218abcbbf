"""Readers (读取器): one file of one format into text rows, strictly; what is not understood is held, never guessed."""

from __future__ import annotations

from pathlib import Path

from catalog.model.source import FileSource
from jobs.extract.delivery import DeliveryHeldError, Reading
from jobs.extract.readers.csv_text import RAGGED_SHARE, read_csv
from jobs.extract.readers.json_records import read_json
from jobs.extract.readers.workbook import read_workbook
from jobs.extract.rows import RowSink


def read_file(path: Path, source: FileSource, sink: RowSink, place: str) -> Reading:
    """Read one file in the format its contract names.

    Args:
        path: the file in landing.
        source: how the contract describes it.
        sink: where its rows go.
        place: the sender's name of the file, for messages.

    Raises:
        DeliveryHeldError: when the file cannot be read whole.
    """
    reading = _read(path, source, sink, place)
    garbled = sink.garbled.garbled
    if len(garbled) > RAGGED_SHARE * reading.read:
        number, column = next(iter(garbled.items()))
        raise DeliveryHeldError(
            "ENCODING_INVALID",
            f"{len(garbled)} of {reading.read} rows hold text that was decoded wrongly before the file was written, "
            f"first row {number}, column {column}",
            place=f"{place}, row {number} first",
            remedy="the department's export reads UTF-8 as another encoding: ask for the file again",
            rows=reading.read,
            detail={"rows": [f"row {n}: {name}" for n, name in list(garbled.items())[:20]]},
        )
    reading.notes += sink.garbled.notes(place)
    return reading


def _read(path: Path, source: FileSource, sink: RowSink, place: str) -> Reading:
    if source.format == "csv":
        return read_csv(path, source.encoding, sink, place)
    if source.format == "json":
        return read_json(path, source.records_path, sink, place)
    return read_workbook(path, source.section_column, sink, place)
