"""The headings of a delivery that no contract knows yet (表头读取)."""

from __future__ import annotations

import codecs
import csv
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from catalog.formats.package import check_workbook
from catalog.model.errors import GuantongError

_ENOUGH = 1 << 20
"""Bytes read in search of the first row."""
_JSON_LIMIT = 1 << 26
"""Further bytes read of JSON, of which only a whole value can be read."""
_SEPARATORS = ",\t;|"
_TOP = 50
"""Rows of a sheet in which its headings are looked for, below titles."""
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_GIVE_THEM = "give the headings with --heading"


def read_headings(path: Path, encoding: str | None = None) -> list[str]:
    """Return the headings of a CSV file, a workbook's first filled sheet, or the names of a JSON file's first record.

    Args:
        path: the file.
        encoding: of text; default UTF-8 where the bytes are, else GB18030; decoded strictly either way.

    Raises:
        GuantongError: when the file is missing, not to be read, or has no headings.
    """
    if not path.is_file():
        raise GuantongError(f"no file {path}", remedy=f"name a CSV, XLS, XLSX or JSON file, or {_GIVE_THEM}")
    with path.open("rb") as file:
        raw = file.read(_ENOUGH)
        if raw.lstrip(codecs.BOM_UTF8 + b" \r\n\t").startswith((b"{", b"[")):
            raw += file.read(_JSON_LIMIT)
    found = _of_workbook(path) if raw.startswith(_WORKBOOKS) else _of_text(raw, path, encoding)
    if not found:
        raise GuantongError("no row with headings", place=str(path), remedy=_GIVE_THEM)
    return found


def _of_workbook(path: Path) -> list[str]:
    """Return the first of the fullest rows at the top of the first sheet that has any: titles fill few cells."""
    try:
        check_workbook(path.read_bytes())
        with CalamineWorkbook.from_path(path) as workbook:
            sheets = [workbook.get_sheet_by_name(name).to_python(nrows=_TOP) for name in workbook.sheet_names]
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise GuantongError(f"no workbook that can be read: {error}", place=str(path), remedy=_GIVE_THEM) from error
    for sheet in sheets:
        rows = [[str(cell).strip() for cell in row if str(cell).strip()] for row in sheet]
        if fullest := max(map(len, rows), default=0):
            return next(row for row in rows if len(row) > fullest * 3 // 4)
    return []


def _of_text(raw: bytes, path: Path, encoding: str | None) -> list[str]:
    text = _decoded(raw, path, [encoding] if encoding else ["utf-8-sig", "gb18030"]).lstrip()
    if text.startswith(("{", "[")):
        return _first_record(path, text)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        cells = [cell.strip() for cell in row if cell.strip()]
        if cells:
            return cells
    return []


def _first_record(path: Path, text: str) -> list[str]:
    """Return the names of the first record: of lines, of a list, or of the first list inside a wrapper."""
    try:
        first, end = json.JSONDecoder().raw_decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise GuantongError(f"no JSON that can be read: {error}", place=str(path), remedy=_GIVE_THEM) from error
    are_lines = text[end:].lstrip().startswith("{")
    record = first if are_lines else _listed(first) or first
    return list(record) if isinstance(record, dict) else []


def _listed(found: object) -> dict[str, Any] | None:
    """Return the first object of the first list of objects inside ``found``."""
    inner = found if isinstance(found, list) else found.values() if isinstance(found, dict) else []
    if isinstance(found, list) and (record := next((each for each in found if isinstance(each, dict)), None)):
        return record
    return next((record for each in inner if (record := _listed(each))), None)


def _decoded(raw: bytes, path: Path, encodings: list[str]) -> str:
    """Return the text; a character cut off at the end of what was read does no harm."""
    if b"\0" not in raw:
        for encoding in encodings:
            try:
                return codecs.getincrementaldecoder(encoding)("strict").decode(raw, final=len(raw) < _ENOUGH)
            except (UnicodeDecodeError, LookupError):
                continue
    raise GuantongError(
        f"no text in {' or '.join(encodings)}",
        place=str(path),
        remedy=f"name its encoding with --encoding, or {_GIVE_THEM}",
    )
