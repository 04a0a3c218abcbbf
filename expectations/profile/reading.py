"""The head of a source that no contract knows yet (画像取样): CSV, workbook, JSON, or a resource's own bronze rows."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from catalog import lake
from catalog.formats.package import check_workbook
from catalog.model.errors import GuantongError
from catalog.model.layers import bronze_of
from catalog.model.registry import get_registry

SEPARATORS = ",\t;|"
HEADER_ROWS = 20
"""Rows in which the header is looked for: official workbooks begin with titles."""


@dataclass(frozen=True)
class Sample:
    """Rows of a source as text."""

    name: str
    headings: list[str]
    rows: list[list[str]]
    """As many cells as headings; empty text where a cell is empty."""
    format: str
    encoding: str | None
    separator: str | None = None


def read_sample(source: str, limit: int) -> Sample:
    """Return up to ``limit`` rows of a file, or of a resource's bronze table.

    Raises:
        GuantongError: when there is no such file or resource, it is no text, table or JSON list, or it has no rows.
    """
    path = Path(source)
    if not path.is_file():
        return _of_resource(source, limit)
    suffix = path.suffix.lower()
    if suffix in (".xls", ".xlsx", ".xlsm"):
        found = _tabular(path.stem, _cells_of_workbook(path), limit, "xlsx" if suffix != ".xls" else "xls", None)
    elif suffix == ".json":
        found = _of_json(path, limit)
    else:
        found = _of_csv(path, limit)
    if not found.rows:
        raise GuantongError("no rows to learn from", place=path.name, remedy="name a file with a header and rows")
    return found


def _of_csv(path: Path, limit: int) -> Sample:
    raw = path.read_bytes()
    encoding = next((e for e in ("utf-8-sig", "gb18030") if _decodes(raw, e)), None)
    if encoding is None or b"\0" in raw[:4096]:
        raise GuantongError("no text in UTF-8 or GB18030", place=path.name, remedy="export it in one of the two")
    text = raw.decode(encoding)
    head = "\n".join(islice(text.splitlines(), HEADER_ROWS))
    separator = max(SEPARATORS, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    found = _tabular(path.stem, rows, limit, "csv", "utf-8" if encoding == "utf-8-sig" else encoding)
    return Sample(found.name, found.headings, found.rows, "csv", found.encoding, separator)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _cells_of_workbook(path: Path) -> Iterator[list[str]]:
    try:
        check_workbook(path.read_bytes())
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise GuantongError(f"no workbook that can be read: {error}", place=path.name) from error
    for row in sheet.to_python(skip_empty_area=True):
        yield [_text(cell) for cell in row]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()


def _tabular(name: str, cells: Iterable[list[str]], limit: int, kind: str, encoding: str | None) -> Sample:
    """Return the sample of a table whose header is the fullest of its first rows; titles before it are left out."""
    rows = [[cell.strip() for cell in row] for row in islice(cells, limit + HEADER_ROWS)]
    rows = [row for row in rows if any(row)]
    if not rows:
        return Sample(name, [], [], kind, encoding)
    head = max(range(min(len(rows), HEADER_ROWS)), key=lambda n: (sum(map(bool, rows[n])), -n))
    headings = [heading or f"column_{n}" for n, heading in enumerate(rows[head], start=1)]
    width = len(headings)
    body = [(row + [""] * width)[:width] for row in rows[head + 1 :] if sum(map(bool, row)) > 1 or width == 1]
    return Sample(name, headings, body[:limit], kind, encoding)


def _of_json(path: Path, limit: int) -> Sample:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise GuantongError(f"no JSON: {error}", place=path.name, remedy="name a UTF-8 JSON file") from error
    if isinstance(document, dict):
        document = next((part for part in document.values() if isinstance(part, list)), [])
    records = [record for record in islice(document, limit) if isinstance(record, dict)]
    headings = list(dict.fromkeys(name for record in records for name in record))
    rows = [[_text(record.get(name)) for name in headings] for record in records]
    return Sample(path.stem, headings, rows, "json", "utf-8")


def _of_resource(resource: str, limit: int) -> Sample:
    registry = get_registry()
    contract = registry.get(resource) if registry.has(resource) else None
    if contract is None or contract.government.source is None:
        raise GuantongError(f"neither a file nor a source resource: {resource}", remedy="name one of the two")
    found = lake.query(f"SELECT * FROM b LIMIT {int(limit)}", b=bronze_of(contract))  # noqa: S608 - a number
    if not found:
        raise GuantongError(f"{resource} has no rows yet", remedy=f"python -m jobs extract --resource {resource}")
    columns = contract.raw_columns
    rows = [[str(row.get(column) or "") for column in columns] for row in found]
    return Sample(contract.name, columns, rows, contract.source.kind, None)
