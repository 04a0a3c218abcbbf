"""CSV files (文本文件): decoded strictly, quoted strictly, mapped by header name."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from catalog.model.contract import Contract
from jobs.extract.delivery import STRUCTURAL, DeliveryHeldError, Note, Reading, Rejection
from jobs.extract.header import HeaderMatch, check_header, match_header, names_of, positional_header
from jobs.extract.readers.decoding import prove_encoding
from jobs.extract.readers.layout import OTHER_HEADER, HeaderRows, is_note, other_header
from jobs.extract.rows import CHUNK, RowSink

FIELD_LIMIT = 131_072
"""Characters in one field; a field that is larger is an unclosed quote."""
_LINE_END = re.compile(r"\r\n|\n|\r")
FIELD_LINES = 200
"""Lines in one row; a row of more is an unclosed quote."""
RAGGED_SHARE = 0.05
"""Share of rows with too many or too few cells above which the file itself is taken for broken."""

SEPARATORS = "\t;|"
"""What may stand in place of the comma, where the header proves it."""

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Sheet:
    """How one file is to be read: its name in messages, its separator, how many lines it has."""

    place: str
    separator: str
    lines: int


def read_csv(path: Path, encoding: str, sink: RowSink, place: str) -> Reading:
    """Read a CSV file with a header row; row numbers are the file's line numbers.

    Raises:
        DeliveryHeldError: ENCODING_INVALID, STRUCTURE_INVALID, or what the header is held for.
    """
    decodable = prove_encoding(path, encoding, place, names_of(sink.contract))
    reading = Reading(notes=list(decodable.notes))
    with path.open(encoding=decodable.codec, errors="strict", newline="") as text:
        separator = _separator(text, sink.contract)
        text.seek(0)
        sheet = Sheet(place, separator, max(decodable.lines - 1, 0))
        rows = _rows(text, sheet)
        first = _first_filled(rows, reading)
        if first is None:
            return reading
        match, body = _header_of(first, rows, sink)
        reading.header = list(match.cells)
        reading.notes += check_header(match, sink.contract, place, sheet.lines)
        if separator != ",":
            reading.notes.append(Note("SEPARATOR_DIFFERS", place, {"declared": ",", "found": separator}))
        width = len(first[1]) if body is rows else len(match.cells)
        _read_body(_swallowing_nothing(body, width, sheet), match, width, sink, reading, sheet)
    refuse_if_broken(reading, place)
    return reading


def _separator(text: TextIO, contract: Contract) -> str:
    """Return the comma, or another separator with which alone the first line is the contract's header."""
    line = next((line for line in iter(lambda: text.readline(FIELD_LIMIT), "") if line.strip()), "")
    for separator in f",{SEPARATORS}":
        try:
            match = match_header(_trimmed(next(csv.reader([line], delimiter=separator), [])), contract)
        except csv.Error:
            continue
        if match.positions and not match.missing:
            return separator
    return ","


def _first_filled(rows: Iterator[Row], reading: Reading) -> Row | None:
    """Return the first row that is not blank; those before it are rejected."""
    for number, cells in rows:
        if any(cell.strip() for cell in cells):
            return number, cells
        reading.rejected.append(Rejection(number, "BLANK_ROW"))
    return None


def _trimmed(cells: list[str]) -> list[str]:
    """Return the cells without the empty ones that separators at the end of the line make."""
    filled = [index for index, cell in enumerate(cells) if cell.strip()]
    return cells[: filled[-1] + 1] if filled else []


def _header_of(first: Row, rows: Iterator[Row], sink: RowSink) -> tuple[HeaderMatch, Iterator[Row]]:
    match = match_header(_trimmed(first[1]), sink.contract)
    required = getattr(sink.contract.source, "header_required", True)
    if required or match.positions:
        return match, rows
    return positional_header(sink.contract), itertools.chain([first], rows)


def _rows(text: TextIO, sheet: Sheet) -> Iterator[Row]:
    """Yield each row with the line it starts on."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(text, strict=True, delimiter=sheet.separator)
    before = 0
    try:
        for cells in reader:
            if reader.line_num - before > FIELD_LINES:
                raise _swallowed(before + 1, reader.line_num - before, sheet)
            yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise _broken(f"{error} in the row that starts on line {before + 1}", sheet, before + 1) from error


def _swallowing_nothing(rows: Iterator[Row], width: int, sheet: Sheet) -> Iterator[Row]:
    """Pass rows on; refuse one that swallowed its neighbours: whole lines inside it look like rows of their own.

    One such line is enough when it begins with the same kind of text as the row, else there must be two.
    """
    for number, cells in rows:
        if width > 1 and _is_broken_over_lines(cells):
            lines = _LINE_END.split(sheet.separator.join(cells))
            whole = [line.split(sheet.separator) for line in lines[1:]]
            whole = [parts for parts in whole if len(parts) == width]
            if len(whole) > 1 or any(_shape(parts[0]) == _shape(cells[0]) for parts in whole):
                raise _swallowed(number, len(lines), sheet)
        yield number, cells


def _is_broken_over_lines(cells: list[str]) -> bool:
    return any("\n" in cell or "\r" in cell for cell in cells)


def _shape(cell: str) -> str:
    """Return what kind of text a cell holds: digits as 9, letters as A, others as they are but for repetition."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^\W\dA-Za-z_]", "字", re.sub(r"[A-Za-z]", "A", re.sub(r"\d", "9", cell))))


def _swallowed(line: int, spanned: int, sheet: Sheet) -> DeliveryHeldError:
    return _broken(f"the row that starts on line {line} runs over {spanned} lines", sheet, line)


def _broken(message: str, sheet: Sheet, line: int) -> DeliveryHeldError:
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        f"{message}: a quote is not closed or not doubled",
        place=f"{sheet.place}, line {line}",
        remedy='ask the department to write quotes inside a field twice ("") and to send the file again',
        rows=sheet.lines,
        detail={"line": line},
    )


def _read_body(
    rows: Iterator[Row], match: HeaderMatch, width: int, sink: RowSink, reading: Reading, sheet: Sheet
) -> None:
    headers = HeaderRows(match, names_of(sink.contract))
    numbers: list[int] = []
    good: list[list[str]] = []
    for number, cells in rows:
        code, detail = _refusal(cells, len(match.cells), width, headers)
        if code == OTHER_HEADER:
            raise other_header(f"{sheet.place}, line {number}", sheet.lines)
        if code:
            reading.rejected.append(Rejection(number, code, detail))
            continue
        numbers.append(number)
        good.append(cells)
        if len(good) == CHUNK:
            _flush(numbers, good, match, sink)
            numbers, good = [], []
    _flush(numbers, good, match, sink)
    reading.accepted = sink.rows


def _refusal(cells: list[str], named: int, width: int, headers: HeaderRows) -> tuple[str, str]:
    """Return why a row is no record, with a detail; empty when it is one."""
    first = cells[0] if cells else ""
    if not first.strip():
        first = next((cell for cell in cells if cell.strip()), "")
        if not first:
            return "BLANK_ROW", ""
    kind = headers.judge(first, cells)
    if kind:
        return kind, ""
    if named > 1 and is_note(first):
        return "NOTE_ROW", ""
    if len(cells) != width:
        return "ROW_RAGGED", f"{len(cells)} cells, {width} expected"
    if width > named and any(cell.strip() for cell in cells[named:]):
        return "ROW_RAGGED", f"a value beside the {named} columns of the header"
    return "", ""


def _flush(numbers: list[int], good: list[list[str]], match: HeaderMatch, sink: RowSink) -> None:
    if good:
        columns = list(zip(*good, strict=True))
        sink.add(numbers, {name: columns[index] for name, index in match.positions.items()})


def refuse_if_broken(reading: Reading, place: str, rows: int | None = None) -> None:
    """Refuse a file of which so many rows are broken that the others cannot be trusted.

    Args:
        reading: what was read.
        place: the file's name in messages.
        rows: how many rows there are, when they have not all been read.

    Raises:
        DeliveryHeldError: STRUCTURE_INVALID.
    """
    rows = reading.read if rows is None else rows
    broken = [rejection for rejection in reading.rejected if rejection.code not in STRUCTURAL]
    if len(broken) > RAGGED_SHARE * rows:
        raise DeliveryHeldError(
            "STRUCTURE_INVALID",
            f"{len(broken)} of {rows} rows are broken, first row {broken[0].row_number}: {broken[0].detail}",
            place=f"{place}, row {broken[0].row_number} first",
            remedy="a separator inside unquoted text, or a cut-off export: ask the department for the file again",
            rows=rows,
            detail={"rows": [f"row {r.row_number}: {r.detail}" for r in broken[:20]]},
        )
