"""The package of an XLSX workbook (工作簿包): checked as a whole before any library reads it.

Invariant: nothing is unpacked to disk, and no more than one block of a part is in memory.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from posixpath import join, normpath

UNPACKED_LIMIT = 1 << 30
"""Bytes that a workbook may unpack to."""
AREA_LIMIT = 60_000_000
"""Cells between the first and the last filled one of a sheet; a library lays out all of them."""
BLOCK = 1 << 20
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


class UnsafePackageError(ValueError):
    """A package that must not be handed to a library."""


def check_package(data: bytes) -> dict[str, Faults]:
    """Read every part of a package once and return the cells without a value: sheet name → row → what.

    A cell whose formula was never calculated, or whose value is an error such as ``#N/A``, would come out empty.

    Raises:
        UnsafePackageError: a bomb, entities, a part that comes twice, or cells too far apart.
        zipfile.BadZipFile: when the package is damaged or a part is larger than it says.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entries = package.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > UNPACKED_LIMIT:
            raise UnsafePackageError(f"the workbook unpacks to {unpacked:,} bytes, the limit is {UNPACKED_LIMIT:,}")
        names = [entry.filename for entry in entries]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnsafePackageError(f"the part {twice} comes twice")
        if any(entry.flag_bits & 1 for entry in entries):
            raise UnsafePackageError("the workbook is encrypted")
        found = {entry.filename: _check_part(package, entry) for entry in entries}
        return {name: found[part] for name, part in _sheets(package).items() if found.get(part)}


def _check_part(package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Faults:
    """Read one part to its end, which proves its size and checksum; return the faulty cells of a sheet."""
    is_sheet = "/worksheets/" in entry.filename and entry.filename.endswith(".xml")
    columns: set[bytes] = set()
    last = 0
    faults: Faults = defaultdict(dict)
    for block in _blocks(package, entry):
        declared = _DECLARATION.search(block) if entry.filename.endswith((".xml", ".rels")) else None
        if declared:
            raise UnsafePackageError(f"the part {entry.filename} declares entities ({declared[0].decode()})")
        if not is_sheet:
            continue
        found = _REFERENCE.findall(block)
        columns |= {column for column, _ in found}
        last = max([last, *{int(row) for _, row in found}])
        for attributes, what in _faulty_cells(block):
            at = _REFERENCE.search(b" " + attributes)
            if at:
                cell = f"{at[1].decode()}{int(at[2])}"
                faults[int(at[2]) - 1][_number(at[1]) - 1] = f"{cell} holds {what}"
    area = last * max((_number(column) for column in columns), default=0)
    if area > AREA_LIMIT:
        raise UnsafePackageError(f"the sheet {entry.filename} spans {area:,} cells, the limit is {AREA_LIMIT:,}")
    return dict(faults)


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


def _number(column: bytes) -> int:
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number


def _sheets(package: zipfile.ZipFile) -> dict[str, str]:
    """Return sheet name → name of its part, by the workbook's own relations."""
    try:
        workbook = package.read("xl/workbook.xml").decode("utf-8")
        relations = package.read("xl/_rels/workbook.xml.rels").decode("utf-8")
    except KeyError:
        return {}
    targets = {}
    for relation in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", relations):
        targets[_attribute(relation, "Id")] = _attribute(relation, "Target")
    sheets = {}
    for sheet in re.findall(r"<(?:\w+:)?sheet\s[^>]*>", workbook):
        target = targets.get(_attribute(sheet, r"\w+:id"), "")
        part = target[1:] if target.startswith("/") else normpath(join("xl", target))
        sheets[html.unescape(_attribute(sheet, "name"))] = part
    return sheets


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\s{name}=(["'])(.*?)\1""", tag)
    return found[2] if found else ""
