"""The package of an XLSX workbook (工作簿包): checked as a whole before any library reads it, whoever reads it.

Invariant: nothing is unpacked to disk, and no more than one block of a part is in memory.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from posixpath import join, normpath
from xml.parsers import expat

from catalog.formats.sheet_area import Area, UnsafePackageError, column_number, measure


@dataclass(frozen=True)
class Limits:
    """How much a workbook may hold, all sheets together; blank rows and cells between filled ones count."""

    unpacked: int = 1 << 30
    """Bytes."""
    rows: int = 1 << 20
    """The last row of a sheet."""
    cells: int = 60_000_000
    """A library lays out all of them."""


DELIVERY = Limits()
"""What a department delivers (报送)."""
BLOCK = 1 << 20
WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_WORKBOOKS = {WORKBOOK, "xl/workbook.bin", "content.xml"}
"""By what libraries know a workbook in a package; only the first is read here."""
_OVERLAP = 1 << 12
_REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)")
_CELL = rb"<(?:\w+:)?c\s([^>]*[^>/])>"
_FORMULA = rb"<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
_NO_VALUE = rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
_UNCALCULATED = re.compile(_CELL + _FORMULA + _NO_VALUE)
_ERROR = re.compile(_CELL + b"(?:" + _FORMULA + rb")?<(?:\w+:)?v>(#[^<]*)</")
_SIGNS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/", b"<v>#", b":v>#")
"""What a block with such a cell must hold; most have none."""

Faults = dict[int, dict[int, str]]
"""Row → column → what is wrong with the cell; both from 0."""


def check_package(data: bytes, limits: Limits = DELIVERY) -> dict[str, Faults]:
    """Read every part of a package once and return the cells without a value: sheet name → row → what.

    A cell whose formula was never calculated, or whose value is an error such as ``#N/A``, would come out empty.

    Raises:
        UnsafePackageError: a bomb, entities, a part that comes twice, cells too far apart, or no XLSX workbook.
        zipfile.BadZipFile: when the package is damaged or a part is larger than it says.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entries = package.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.unpacked:
            raise UnsafePackageError(f"the workbook unpacks to {unpacked:,} bytes, the limit is {limits.unpacked:,}")
        names = [entry.filename for entry in entries]
        folded = [name.lower() for name in names]
        if len(set(folded)) < len(names):
            twice = next(name for name in names if folded.count(name.lower()) > 1)
            raise UnsafePackageError(f"the part {twice} comes twice")
        if any(entry.flag_bits & 1 for entry in entries):
            raise UnsafePackageError("the workbook is encrypted")
        if WORKBOOK not in folded:
            raise UnsafePackageError("it is no XLSX workbook")
        declared = _sheets(package)
        parts = {name for name in names if _is_sheet(name)}.union(*declared.values())
        found = {entry.filename: _check_part(package, entry, entry.filename in parts) for entry in entries}
        _check_areas(package, sorted(parts), limits)
        return {name: found[part] for name, of in declared.items() for part in of if found[part]}


def check_workbook(data: bytes) -> dict[str, Faults]:
    """Check what a library may take for a package, whatever stands before it; return the cells without a value.

    A workbook of the older form (XLS) has no package, and its sheets end at row 65,536 and column 256.

    Raises:
        UnsafePackageError, zipfile.BadZipFile: as of :func:`check_package`.
    """
    if data.startswith(b"PK"):
        return check_package(data)
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        is_workbook = not _WORKBOOKS.isdisjoint(name.lower() for name in package.namelist())
    return check_package(data) if is_workbook else {}


def _check_part(package: zipfile.ZipFile, entry: zipfile.ZipInfo, is_sheet: bool) -> Faults:
    """Read one part to its end, which proves its size and checksum; return the faulty cells of a sheet."""
    faults: Faults = defaultdict(dict)
    for block in _blocks(package, entry):
        is_xml = is_sheet or entry.filename.lower().endswith((".xml", ".rels"))
        declared = _DECLARATION.search(block) if is_xml else None
        if declared:
            raise UnsafePackageError(f"the part {entry.filename} declares entities ({declared[0].decode()})")
        if not is_sheet:
            continue
        for attributes, what in _faulty_cells(block):
            at = _REFERENCE.search(b" " + attributes)
            if at:
                cell = f"{at[1].decode()}{int(at[2])}"
                faults[int(at[2]) - 1][column_number(at[1].decode()) - 1] = f"{cell} holds {what}"
    return dict(faults)


def _is_sheet(part: str) -> bool:
    return "/worksheets/" in part.lower() and part.lower().endswith(".xml")


def _check_areas(package: zipfile.ZipFile, parts: list[str], limits: Limits) -> None:
    """Measure every sheet, and refuse those that lay out more rows or cells than the limits."""
    cells = 0
    for part in parts:
        area: Area = measure(part, partial(_plain_blocks, package, part), limits.cells)
        cells += area.cells
        if area.rows > limits.rows:
            raise UnsafePackageError(f"the sheet {part} has {area.rows:,} rows, the limit is {limits.rows:,}")
        if cells > limits.cells:
            raise UnsafePackageError(f"the workbook spans {cells:,} cells, the limit is {limits.cells:,}")


def _faulty_cells(block: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the attributes of each cell that would come out empty though it is not, and what it holds."""
    if not any(sign in block for sign in _SIGNS):
        return
    for attributes in _UNCALCULATED.findall(block):
        yield attributes, "a formula that was never calculated"
    for attributes, error in _ERROR.findall(block):
        if b't="e"' in attributes or b"t='e'" in attributes:
            yield attributes, error.decode("utf-8", "replace")


def _blocks(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a part, each block with the end of the one before, so that nothing is cut apart."""
    before = b""
    with package.open(entry) as stream:
        while block := stream.read(BLOCK):
            yield before + block
            before = (before + block)[-_OVERLAP:]


def _plain_blocks(package: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with package.open(part) as stream:
        while block := stream.read(BLOCK):
            yield block


def _sheets(package: zipfile.ZipFile) -> dict[str, set[str]]:
    """Return sheet name → the parts that a library may take for it, by the workbook's own relations."""
    names = {name.lower(): name for name in package.namelist()}
    targets: dict[str, set[str]] = defaultdict(set)
    for relation in _elements(package, names.get(RELATIONS), "Relationship"):
        target = relation.get("Target", "")
        paths = (target.lstrip("/"), normpath(join("xl", target)))
        targets[relation.get("Id", "")] |= {names[path.lower()] for path in paths if path.lower() in names}
    sheets: dict[str, set[str]] = defaultdict(set)
    for sheet in _elements(package, names[WORKBOOK], "sheet"):
        ids = {value for key, value in sheet.items() if key.endswith(":id")}
        sheets[sheet.get("name", "")] |= {part for one in ids for part in targets.get(one, ())}
    return sheets


def _elements(package: zipfile.ZipFile, part: str | None, wanted: str) -> list[dict[str, str]]:
    """Return the attributes of the elements of a name in a part; none where the part is not there."""
    found: list[dict[str, str]] = []

    def element(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == wanted:
            found.append(attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    try:
        parser.Parse(package.read(part) if part else b"<nothing/>", True)
    except expat.ExpatError as error:
        raise UnsafePackageError(f"the part {part} is no whole XML ({error})") from error
    return found
