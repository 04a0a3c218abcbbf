"""A small workbook that declares a large sheet is refused before a library lays it out, by whoever reads it."""

import io
import re
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from catalog.cli.delivered_headings import read_headings
from catalog.formats.package import check_workbook
from catalog.formats.sheet_area import UnsafePackageError
from catalog.formats.workbook import HEADINGS, LIMITS, SHEET, WorkbookError, read_workbook
from catalog.model.errors import GuantongError
from expectations.profile.reading import read_sample
from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.readers.grids import read_grids

PART = "xl/worksheets/sheet1.xml"
FAR = '<c r="XFD1048576"><v>1</v></c>'
LAYOUTS = {
    "a cell far away": lambda xml: xml.replace("</sheetData>", f'<row r="1048576">{FAR}</row></sheetData>'),
    "cells without a place": lambda xml: xml.replace(
        "</row></sheetData>", '<c r="XFD1"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row></sheetData>'
    ),
    "single quotes": lambda xml: xml.replace(
        "</sheetData>", f"<row r='1048576'>{FAR}</row></sheetData>".replace('"', "'")
    ),
    "blanks around the sign": lambda xml: xml.replace(
        "</sheetData>", '<row r="1048576"><c r = "XFD1048576"><v>1</v></c></row></sheetData>'
    ),
    "a place in a quoted text": lambda xml: xml.replace(
        "</sheetData>", """<row r="1048576"><c x=' r="A1"' r="XFD1048576"><v>1</v></c></row></sheetData>"""
    ),
    "a letter as a number": lambda xml: xml.replace(
        "</sheetData>", '<row r="1048576"><c r="&#88;FD1048576"><v>1</v></c></row></sheetData>'
    ),
    "a prefix": lambda xml: re.sub(
        r"(</?)(?=\w)", r"\1x-y:", xml.replace("</sheetData>", f'<row r="1048576">{FAR}</row></sheetData>')
    ).replace("xmlns=", "xmlns:x-y="),
}


def a_book() -> bytes:
    made = Workbook()
    made.active.title = SHEET
    made.active.append(list(HEADINGS))
    made.active.append(["x"] * len(HEADINGS))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def changed(*, sheet=None, names=lambda name: name, parts=None) -> bytes:
    """Return the workbook with its sheet, the names of its parts, or whole parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(a_book())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            text = old.read(entry)
            if entry.filename == PART and sheet:
                text = sheet(text.decode()).encode()
            if parts and entry.filename in parts:
                text = parts[entry.filename](text.decode()).encode()
            new.writestr(names(entry.filename), text)
    return out.getvalue()


def elsewhere(target: str, name: str) -> bytes:
    """Return a workbook with a far cell whose sheet is a part of another name."""
    relations = "xl/_rels/workbook.xml.rels"
    return changed(
        sheet=LAYOUTS["a cell far away"],
        names=lambda one: name if one == PART else one,
        parts={relations: lambda xml: xml.replace("/xl/worksheets/sheet1.xml", target)},
    )


BOMBS = {
    **{name: changed(sheet=layout) for name, layout in LAYOUTS.items()},
    "a sheet of another name": elsewhere("/xl/media/picture.png", "xl/media/picture.png"),
    "a sheet under a path of its own": elsewhere("xl/odd/one.dat", "xl/odd/one.dat"),
    "letters in capitals": elsewhere("/xl/PARTS/SHEET.XML", "xl/parts/sheet.xml"),
    "something before the package": b"\xd0\xcf\x11\xe0 or anything" + changed(sheet=LAYOUTS["a cell far away"]),
}
READERS = {
    "catalogue": lambda path: read_workbook(path.read_bytes()),
    "delivery": lambda path: read_grids(path, path.name),
    "headings": read_headings,
    "profile": lambda path: read_sample(str(path), 10),
}


def test_the_plain_workbook_is_read_by_all(tmp_path):
    path = tmp_path / "plain.xlsx"
    path.write_bytes(a_book())
    assert [type(read(path)).__name__ for read in READERS.values()] == ["Imported", "list", "list", "Sample"]
    path.write_bytes(changed(sheet=lambda xml: re.sub(r' r="[A-Z]*[0-9]+"', "", xml)))
    grid = read_grids(path, path.name)[0].grid
    assert (len(grid), len(grid[0])) == (2, len(HEADINGS))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_workbook_costs_little_whoever_reads_it(tmp_path, bomb):
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(BOMBS[bomb])
    assert path.stat().st_size < 20_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    for read in READERS.values():
        with pytest.raises((WorkbookError, DeliveryHeldError, GuantongError)):
            read(path)
    assert time.process_time() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_blank_rows_count(tmp_path):
    rows = "".join(f'<row r="{number}"/>' for number in range(3, 9))
    last = f'<row r="{LIMITS.rows + 1}"><c r="A{LIMITS.rows + 1}" t="inlineStr"><is><t>x</t></is></c></row>'
    content = changed(sheet=lambda xml: xml.replace("</sheetData>", f"{rows}{last}</sheetData>"))
    with pytest.raises(WorkbookError, match="100,001 rows"):
        read_workbook(content)


def test_sheets_are_bounded_together():
    """Each of them is small enough by itself."""
    out = io.BytesIO()
    wide = '<row r="1"><c r="GR1"><v>1</v></c></row><row r="150000"><c r="A150000"><v>1</v></c></row></sheetData>'
    made = Workbook()
    for number in range(3):
        made.create_sheet(f"表{number}")
    made.save(out)
    bomb = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            text = old.read(entry).decode() if entry.filename.endswith(".xml") else old.read(entry)
            if "/worksheets/" in entry.filename:
                text = text.replace("<sheetData />", "<sheetData></sheetData>").replace("</sheetData>", wide)
            new.writestr(entry.filename, text)
    with pytest.raises(UnsafePackageError, match="the workbook spans"):
        check_workbook(bomb.getvalue())


def test_other_packages_are_no_workbooks(tmp_path):
    path = tmp_path / "open.ods"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("content.xml", "<x/>")
    with pytest.raises(UnsafePackageError, match="no XLSX workbook"):
        check_workbook(path.read_bytes())


@pytest.mark.parametrize("layout", ["a cell far away", "cells without a place"])
def test_without_the_check_the_library_would_lay_it_out(tmp_path, layout):
    """A bomb that no longer works proves nothing, so it is shown to be one: with a memory limit, in its own process."""
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(BOMBS[layout])
    code = (
        "import resource, sys; from python_calamine import CalamineWorkbook as W\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "W.from_path(sys.argv[1]).get_sheet_by_index(0).to_python()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(Path(path))], capture_output=True, timeout=120)
    assert done.returncode != 0
