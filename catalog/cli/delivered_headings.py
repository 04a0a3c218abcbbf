"""The headings of a delivery that no contract knows yet (表头读取)."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from catalog.model.errors import GuantongError

_ENOUGH = 1 << 20
"""Bytes read in search of the first row."""
_SEPARATORS = ",\t;|"


def read_headings(path: Path, encoding: str | None = None) -> list[str]:
    """Return the cells of the first row of a CSV file that is not blank; empty cells are left out.

    Args:
        path: the file.
        encoding: default UTF-8 where the bytes are, else GB18030; decoded strictly either way.

    Raises:
        GuantongError: when the file is missing, no text in that encoding, or has no row.
    """
    if not path.is_file():
        raise GuantongError(f"no file {path}", remedy="name a CSV file, or give the headings with --heading")
    with path.open("rb") as file:
        raw = file.read(_ENOUGH)
    text = _decoded(raw, path, [encoding] if encoding else ["utf-8-sig", "gb18030"])
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(_SEPARATORS, key=first.count)
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        cells = [cell.strip() for cell in row if cell.strip()]
        if cells:
            return cells
    raise GuantongError("no row with headings", place=str(path), remedy="give the headings with --heading")


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
        remedy="name its encoding with --encoding; of a workbook or JSON file give the headings with --heading",
    )
