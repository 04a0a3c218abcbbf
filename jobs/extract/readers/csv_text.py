"""CSV files (文本文件): decoded strictly, quoted strictly, mapped by header name."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from jobs.extract.delivery import DeliveryHeldError, Reading, Rejection
from jobs.extract.header import HeaderMatch, check_header, match_header, names_of, normalise, positional_header
from jobs.extract.readers.decoding import prove_encoding
from jobs.extract.rows import CHUNK, RowSink

FIELD_LIMIT = 131_072
"""Characters in one field; a field that is larger is an unclosed quote."""
FIELD_LINES = 200
"""Lines in one row; a row of more is an unclosed quote."""
RAGGED_SHARE = 0.05
"""Share of rows with too many or too few cells above which the file itself is taken for broken."""

Row = tuple[int, list[str]]


def read_csv(path: Path, encoding: str, sink: RowSink, place: str) -> Reading:
    """Read a CSV file with a header row; row numbers are the file's line numbers.

    Raises:
        DeliveryHeldError: ENCODING_INVALID, STRUCTURE_INVALID, or what the header is held for.
    """
    decodable = prove_encoding(path, encoding, place, names_of(sink.contract))
    lines = max(decodable.lines - 1, 0)
    reading = Reading(notes=list(decodable.notes))
    with path.open(encoding=decodable.codec, errors="strict", newline="") as text:
        rows = _rows(text, place, lines)
        first = next(rows, None)
        if first is None:
            return reading
        match, body = _header_of(first, rows, sink)
        reading.header = list(match.cells)
        reading.notes += check_header(match, sink.contract, place, lines)
        _read_body(body, match, sink, reading)
    refuse_if_broken(reading, place)
    return reading


def _header_of(first: Row, rows: Iterator[Row], sink: RowSink) -> tuple[HeaderMatch, Iterator[Row]]:
    match = match_header(first[1], sink.contract)
    required = getattr(sink.contract.source, "header_required", True)
    if required or match.positions:
        return match, rows
    return positional_header(sink.contract), itertools.chain([first], rows)


def _rows(text: TextIO, place: str, lines: int) -> Iterator[Row]:
    """Yield each row with the line it starts on."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(text, strict=True)
    before = 0
    try:
        for cells in reader:
            if reader.line_num - before > 1:
                _refuse_swallowed(cells, before + 1, reader.line_num - before, place, lines)
            yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise _broken(f"{error} in the row that starts on line {before + 1}", place, lines, before + 1) from error


def _refuse_swallowed(cells: list[str], line: int, spanned: int, place: str, lines: int) -> None:
    """Refuse a row that swallowed its neighbours: whole lines of it look like rows of their own."""
    commas = len(cells) - 1
    inner = [part for cell in cells if "\n" in cell for part in cell.split("\n")[1:-1]]
    if spanned > FIELD_LINES or any(commas and part.count(",") >= commas for part in inner):
        raise _broken(f"the row that starts on line {line} runs over {spanned} lines", place, lines, line)


def _broken(message: str, place: str, lines: int, line: int) -> DeliveryHeldError:
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        f"{message}: a quote is not closed or not doubled",
        place=f"{place}, line {line}",
        remedy='ask the department to write quotes inside a field twice ("") and to send the file again',
        rows=lines,
        detail={"line": line},
    )


def _read_body(rows: Iterator[Row], match: HeaderMatch, sink: RowSink, reading: Reading) -> None:
    width, header = len(match.cells), list(match.cells)
    first_name = header[0].strip() if header else ""
    compared = [normalise(cell) for cell in header]
    numbers: list[int] = []
    good: list[list[str]] = []
    for number, cells in rows:
        if len(cells) != width:
            code = "ROW_RAGGED" if any(c.strip() for c in cells) else "BLANK_ROW"
            detail = f"{len(cells)} cells, {width} expected" if code == "ROW_RAGGED" else ""
            reading.rejected.append(Rejection(number, code, detail))
            continue
        first = cells[0].strip()
        if not first and not any(c.strip() for c in cells):
            reading.rejected.append(Rejection(number, "BLANK_ROW"))
            continue
        if first == first_name and [normalise(c) for c in cells] == compared:
            reading.rejected.append(Rejection(number, "REPEATED_HEADER"))
            continue
        numbers.append(number)
        good.append(cells)
        if len(good) == CHUNK:
            _flush(numbers, good, match, sink)
            numbers, good = [], []
    _flush(numbers, good, match, sink)
    reading.accepted = sink.rows


def _flush(numbers: list[int], good: list[list[str]], match: HeaderMatch, sink: RowSink) -> None:
    if good:
        columns = list(zip(*good, strict=True))
        sink.add(numbers, {name: columns[index] for name, index in match.positions.items()})


def refuse_if_broken(reading: Reading, place: str) -> None:
    """Refuse a file of which so many rows are ragged that its columns cannot be trusted.

    Raises:
        DeliveryHeldError: STRUCTURE_INVALID.
    """
    ragged = [rejection for rejection in reading.rejected if rejection.code == "ROW_RAGGED"]
    if len(ragged) > RAGGED_SHARE * reading.read:
        raise DeliveryHeldError(
            "STRUCTURE_INVALID",
            f"{len(ragged)} of {reading.read} rows have another number of cells than the header",
            place=f"{place}, row {ragged[0].row_number} first",
            remedy="a separator inside unquoted text, or a cut-off export: ask the department for the file again",
            rows=reading.read,
            detail={"rows": [f"row {r.row_number}: {r.detail}" for r in ragged[:20]]},
        )
