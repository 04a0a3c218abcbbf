"""JSON documents (自描述格式): a list of records, an object that wraps one, or one record per line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.extract.delivery import DeliveryHeldError, Reading, Rejection
from jobs.extract.header import check_header, match_header, names_of
from jobs.extract.readers.csv_text import refuse_if_broken
from jobs.extract.readers.decoding import prove_encoding
from jobs.extract.readers.json_values import NestedTooDeepError, Record, RepeatingRecord, as_text, fault_of, parse_json
from jobs.extract.rows import CHUNK, RowSink

_SURROGATE = re.compile("[\ud800-\udfff]")
SIZE_LIMIT = 1 << 29
"""Bytes in a document: it is parsed as a whole."""


def read_json(path: Path, records_path: str | None, sink: RowSink, place: str) -> Reading:
    """Read a JSON document in UTF-8; row numbers count the records from 1.

    Args:
        path: the file.
        records_path: dotted names down to the list; nothing when the document is the list, or one record per line.
        sink: where the rows go.
        place: the file's name in messages.

    Raises:
        DeliveryHeldError: ENCODING_INVALID, STRUCTURE_INVALID, or what the names are held for.
    """
    size = path.stat().st_size
    if size > SIZE_LIMIT:
        raise _invalid(f"the document has {size:,} bytes, the limit is {SIZE_LIMIT:,}", place)
    decodable = prove_encoding(path, "utf-8", place, names_of(sink.contract))
    text = path.read_text(encoding=decodable.codec)
    if not text.strip():
        return Reading(notes=list(decodable.notes))
    records = parse_records(text, records_path, place)
    reading = read_records(records, sink, place)
    reading.notes = [*decodable.notes, *reading.notes]
    return reading


def parse_records(text: str, records_path: str | None, place: str) -> list[Any]:
    """Return the list of records in a document; numbers stay the text they were."""
    try:
        document = parse_json(text)
    except json.JSONDecodeError as error:
        lines = text.split("\n")
        if records_path is None and _is_object(next(line for line in lines if line.strip())):
            return list(_json_lines(lines, place))
        where = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"{where}: {error.msg}", f"{place}, {where}") from error
    except NestedTooDeepError as error:
        raise _invalid(str(error), place) from error
    for name in records_path.split(".") if records_path else ():
        if not isinstance(document, dict) or name not in document:
            raise _invalid(f"there is no {records_path!r} in the document", place)
        if isinstance(document, RepeatingRecord):
            raise _invalid(f"the object around the records names {', '.join(document.repeated)} twice", place)
        document = document[name]
    if isinstance(document, dict) and records_path is None:
        document = [document]
    if not isinstance(document, list):
        raise _invalid(f"{records_path or 'the document'} is not a list of records", place)
    return document


def _is_object(line: str) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _json_lines(lines: Sequence[str], place: str) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield parse_json(line)
            except ValueError as error:
                records = sum(1 for other in lines if other.strip())
                raise _invalid(f"line {number}: {error}", f"{place}, line {number}", records) from error


def read_records(
    records: Sequence[Any], sink: RowSink, place: str, *, changed_at: str | None = None, first_number: int = 1
) -> Reading:
    """Lay parsed records into the sink as text columns.

    Args:
        records: what a document or a page held; what is no object is rejected.
        sink: where the rows go.
        place: file or page, for messages.
        changed_at: name in the record of the time of its last change, kept aside for the pipeline.
        first_number: number of the first record.

    Raises:
        DeliveryHeldError: when names are missing, unknown or repeated, or too many records are no records.
    """
    reading = Reading()
    objects: list[tuple[int, Record]] = []
    for number, record in enumerate(records, first_number):
        code, detail = fault_of(record)
        if code:
            reading.rejected.append(Rejection(number, code, detail))
        else:
            objects.append((number, record))
    refuse_if_broken(reading, place, len(records))
    if objects:
        names = list(dict.fromkeys(name for _, record in objects for name in record))
        _refuse_unreadable(names, objects, place, len(records))
        known = match_header(names, sink.contract)
        extra = [n for n in names if n == changed_at and n in known.unknown]
        match = match_header([n for n in names if n not in extra], sink.contract)
        reading.header = names
        reading.notes += check_header(match, sink.contract, place, len(records), is_ordered=False)
        named = {column: match.cells[index] for column, index in match.positions.items()}
        for chunk in _chunks(objects):
            _add(chunk, named, sink, changed_at, place)
    reading.accepted = sink.rows
    return reading


def _refuse_unreadable(names: Sequence[str], objects: Sequence[tuple[int, Record]], place: str, rows: int) -> None:
    """Refuse names that no message, table or person could carry."""
    broken = [name for name in names if any(unicodedata.category(c) in ("Cc", "Cs") for c in name)]
    if broken:
        number = next(number for number, record in objects if broken[0] in record)
        raise DeliveryHeldError(
            "ENCODING_INVALID",
            f"the name {broken[0]!a} of record {number} holds a control character or half of a character",
            place=f"{place}, record {number}",
            remedy="ask the department to write the document as UTF-8",
            rows=rows,
        )


def _add(
    chunk: Sequence[tuple[int, Record]], named: dict[str, str], sink: RowSink, changed_at: str | None, place: str
) -> None:
    columns = {column: [as_text(record.get(name)) for _, record in chunk] for column, name in named.items()}
    if changed_at:
        columns["_changed_at"] = [as_text(record.get(changed_at)) for _, record in chunk]
    try:
        sink.add([number for number, _ in chunk], columns)
    except UnicodeEncodeError as error:
        raise _half_character(chunk, columns, place) from error


def _half_character(
    chunk: Sequence[tuple[int, Record]], columns: dict[str, list[str | None]], place: str
) -> DeliveryHeldError:
    number, column = next(
        (chunk[index][0], column)
        for column, values in columns.items()
        for index, value in enumerate(values)
        if value and _SURROGATE.search(value)
    )
    return DeliveryHeldError(
        "ENCODING_INVALID",
        f"the {column} of record {number} holds half of a character (an unpaired surrogate)",
        place=f"{place}, record {number}, column {column}",
        remedy="ask the department to write the document as UTF-8",
        rows=len(chunk),
    )


def _chunks(objects: Sequence[tuple[int, Record]]) -> Iterable[Sequence[tuple[int, Record]]]:
    return (objects[start : start + CHUNK] for start in range(0, len(objects), CHUNK))


def _invalid(message: str, place: str, rows: int = 0) -> DeliveryHeldError:
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        message,
        place=place,
        remedy="the document is cut off or not of the agreed shape: ask the department for it again",
        rows=rows,
    )
