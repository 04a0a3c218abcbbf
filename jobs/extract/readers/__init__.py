"""Readers (读取器): one file of one format into text rows, strictly; what is not understood is held, never guessed."""

from __future__ import annotations

from pathlib import Path

from catalog.model.source import FileSource
from jobs.extract.delivery import Reading
from jobs.extract.readers.csv_text import read_csv
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
    if source.format == "csv":
        return read_csv(path, source.encoding, sink, place)
    if source.format == "json":
        return read_json(path, source.records_path, sink, place)
    return read_workbook(path, source.section_column, sink, place)
