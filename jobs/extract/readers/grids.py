"""Sheets of a workbook as grids of text (工作表): opened safely, so that what cannot be read is held and named."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from catalog.formats.package import Faults, check_workbook
from catalog.formats.sheet_area import UnsafePackageError
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.readers.cells import Grid, MergedRange, cell_text

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DAMAGED = (
    CalamineError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, NotImplementedError,
)  # fmt: skip
"""What the libraries raise on damaged bytes; ``NotImplementedError`` on a compression that they do not know."""
_MARKUP = (b"<html", b"<table", b"<!doctype html", b"<meta", b"<head")


@dataclass
class SheetGrid:
    """One worksheet: its cells as text, row by row."""

    name: str
    grid: Grid
    is_hidden: bool = False
    merged: Sequence[MergedRange] = ()
    faults: Faults = field(default_factory=dict)
    """Cells that would come out empty though they are not."""


def read_grids(path: Path, place: str) -> list[SheetGrid]:
    """Return the worksheets of a workbook; none for a file of no bytes.

    Raises:
        DeliveryHeldError: STRUCTURE_INVALID.
    """
    data = path.read_bytes()
    if not data:
        return []
    try:
        faults = check_workbook(data)
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            return [
                _sheet(workbook.get_sheet_by_name(about.name), about.visible != SheetVisibleEnum.Visible, faults)
                for about in workbook.sheets_metadata
                if about.typ == SheetTypeEnum.WorkSheet
            ]
    except UnsafePackageError as error:
        raise _unreadable(str(error), place) from error
    except _DAMAGED as error:
        message = f"{_kind_of(data)} ({type(error).__name__}: {error})"
        raise _unreadable(message, place) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(f"{_kind_of(data)} (the reader gave up: {error})", place) from error


def _sheet(sheet: CalamineSheet, is_hidden: bool, faults: dict[str, Faults]) -> SheetGrid:
    rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    found = faults.get(sheet.name, {})
    width = max(map(len, rows), default=0)
    rows += [[None] * width for _ in range(len(rows), max(found, default=-1) + 1)]
    while rows and not any(rows[-1]) and len(rows) - 1 not in found:
        rows.pop()
    return SheetGrid(sheet.name, rows, is_hidden, sheet.merged_cell_ranges or (), found)


def _kind_of(data: bytes) -> str:
    """Return what a file that is no readable workbook seems to be."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data.startswith(_COMPOUND):
        is_encrypted = _ENCRYPTED in data
        return "a workbook protected by a password" if is_encrypted else "a damaged or protected XLS workbook"
    if data.startswith(b"PK"):
        return "a damaged XLSX workbook"
    if start.startswith(_MARKUP):
        return "an HTML page under the name of a workbook"
    if start.startswith(b"<?xml"):
        return "an XML document under the name of a workbook"
    if 0 not in data[:4096]:
        return "text under the name of a workbook"
    return "not a readable workbook"


def _unreadable(message: str, place: str) -> DeliveryHeldError:
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        message,
        place=place,
        remedy="ask the department to save it as a plain workbook without a password and to send it again",
    )
