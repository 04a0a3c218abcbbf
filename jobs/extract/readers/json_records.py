"""JSON documents (自描述格式): a list of records, an object that wraps one, or one record per line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jobs.extract.delivery import DeliveryHeldError, Reading, Rejection
from jobs.extract.header import check_header, match_header, names_of
from jobs.extract.readers.csv_text import refuse_if_broken
from jobs.extract.readers.decoding import prove_encoding
from jobs.extract.rows import CHUNK, RowSink

Record = dict[str, Any]


class RepeatedNameError(ValueError):
    """An object has the same name twice, so that one of two values would be lost."""


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
    except RepeatedNameError as error:
        raise _invalid(str(error), place) from error
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if records_path is None and len(lines) > 1 and lines[0].lstrip().startswith("{"):
            return list(_json_lines(text, place))
        message = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _invalid(message, place, text.count("\n")) from error
    for name in records_path.split(".") if records_path else ():
        if not isinstance(document, dict) or name not in document:
            raise _invalid(f"there is no {records_path!r} in the document", place)
        document = document[name]
    if isinstance(document, dict) and records_path is None:
        document = [document]
    if not isinstance(document, list):
        raise _invalid(f"{records_path or 'the document'} is not a list of records", place)
    return document


def parse_json(text: str) -> object:
    """Parse JSON so that nothing is rounded or lost: numbers as text, no name twice in an object.

    >>> parse_json('{"code": 915101070549352000, "score": 80.20}')
    {'code': '915101070549352000', 'score': '80.20'}
    """
    return json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_unique_names)


def _unique_names(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise RepeatedNameError(f"a record names {', '.join(repeated)} twice")
    return record


def _json_lines(text: str, place: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield parse_json(line)
            except ValueError as error:
                raise _invalid(f"line {number}: {error}", f"{place}, line {number}", text.count("\n")) from error


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
        DeliveryHeldError: when names are missing, unknown or repeated.
    """
    reading = Reading()
    objects: list[tuple[int, Record]] = []
    for number, record in enumerate(records, first_number):
        if not isinstance(record, dict):
            reading.rejected.append(Rejection(number, "ROW_RAGGED", f"a {type(record).__name__}, not an object"))
        elif not record:
            reading.rejected.append(Rejection(number, "BLANK_ROW"))
        else:
            objects.append((number, record))
    if objects:
        names = list(dict.fromkeys(name for _, record in objects for name in record))
        known = match_header(names, sink.contract)
        extra = [n for n in names if n == changed_at and n in known.unknown]
        match = match_header([n for n in names if n not in extra], sink.contract)
        reading.header = names
        reading.notes += check_header(match, sink.contract, place, len(records), is_ordered=False)
        named = {column: match.cells[index] for column, index in match.positions.items()}
        for chunk in _chunks(objects):
            _add(chunk, named, sink, changed_at, place)
    reading.accepted = sink.rows
    refuse_if_broken(reading, place)
    return reading


def _add(
    chunk: Sequence[tuple[int, Record]], named: dict[str, str], sink: RowSink, changed_at: str | None, place: str
) -> None:
    columns = {column: [as_text(record.get(name)) for _, record in chunk] for column, name in named.items()}
    if changed_at:
        columns["_changed_at"] = [as_text(record.get(changed_at)) for _, record in chunk]
    try:
        sink.add([number for number, _ in chunk], columns)
    except UnicodeEncodeError as error:
        raise DeliveryHeldError(
            "ENCODING_INVALID",
            "a text holds half of a character (an unpaired surrogate)",
            place=place,
            remedy="ask the department to write the document as UTF-8",
            rows=len(chunk),
        ) from error


def _chunks(objects: Sequence[tuple[int, Record]]) -> Iterable[Sequence[tuple[int, Record]]]:
    return (objects[start : start + CHUNK] for start in range(0, len(objects), CHUNK))


def as_text(value: object) -> str | None:
    """Return a JSON value as text; nothing stays nothing.

    >>> as_text(True), as_text(None), as_text(["甲", "乙"])
    ('true', None, '["甲", "乙"]')
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _invalid(message: str, place: str, rows: int = 0) -> DeliveryHeldError:
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        message,
        place=place,
        remedy="the document is cut off or not of the agreed shape: ask the department for it again",
        rows=rows,
    )
