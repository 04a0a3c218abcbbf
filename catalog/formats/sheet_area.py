"""How far apart the cells of a worksheet lie (工作表范围): measured before a library lays them out.

A library makes room for every cell between the first and the last one, so a sheet with two cells can cost as much as
one with seventeen thousand million. Cells name their place in ordinary files, which are read by pattern; where one does
not, the sheet is read as XML, and its cells are counted as libraries count them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.parsers import expat

_CELL = re.compile(rb"<(?:[^\s<>/:]+:)?c[\s/>]")
_PLACED = re.compile(
    rb"""<(?:[^\s<>/:]+:)?c(?:\s+(?!r=)[\w:]+="[^"<>]*")*\s+r="([A-Z]{1,3})([0-9]{1,7})"(?:\s+[\w:]+="[^"<>]*")*\s*/?>"""
)
"""A cell all of whose attributes are plainly quoted, with its place."""
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_ROW = re.compile(r"[0-9]{1,7}", re.ASCII)
_LONGEST_TAG = 1 << 20
_ELEMENTS_A_CELL = 8
"""Elements that XML may have for each cell that is allowed."""


class UnsafePackageError(ValueError):
    """A workbook that must not be handed to a library."""


@dataclass
class Area:
    """Rows and columns of a sheet, up to the last cell."""

    rows: int = 0
    columns: int = 0

    @property
    def cells(self) -> int:
        """How many cells a library lays out."""
        return self.rows * self.columns

    def reach(self, row: int, column: int) -> None:
        """Take in a cell, both numbers from 1."""
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)


def measure(part: str, read: Callable[[], Iterable[bytes]], most_cells: int) -> Area:
    """Return the area of a sheet.

    Args:
        part: its name, for messages.
        read: gives its bytes, block by block, from the start.
        most_cells: how many cells the sheet may hold before it is given up.

    Raises:
        UnsafePackageError: it holds more than that, is not UTF-8, declares entities or is damaged.
    """
    return _by_pattern(part, read(), most_cells) or _by_xml(part, read(), most_cells)


def column_number(letters: str) -> int:
    """Return the number of a column, from 1.

    >>> column_number("A"), column_number("XFD")
    (1, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _by_pattern(part: str, blocks: Iterable[bytes], most_cells: int) -> Area | None:
    """Return the area of a sheet whose every cell plainly names its place; None when one does not."""
    area, left = Area(), most_cells
    for block in _whole_tags(part, blocks):
        placed = _PLACED.findall(block)
        if len(placed) != len(_CELL.findall(block)):
            return None
        left -= len(placed)
        if left < 0:
            raise UnsafePackageError(f"the part {part} holds more than {most_cells:,} cells")
        for letters in {letters for letters, _ in placed}:
            area.reach(0, column_number(letters.decode()))
        area.reach(max((int(row) for _, row in placed), default=0), 0)
    return area


def _whole_tags(part: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes cut after a tag, so that none is cut apart."""
    rest = b""
    for block in blocks:
        if b"\0" in block:
            raise UnsafePackageError(f"the part {part} is not UTF-8")
        end = (rest + block).rfind(b">") + 1
        whole, rest = (rest + block)[:end], (rest + block)[end:]
        if len(rest) > _LONGEST_TAG:
            raise UnsafePackageError(f"the part {part} has a text or tag of more than {_LONGEST_TAG:,} bytes")
        yield whole
    yield rest


def _by_xml(part: str, blocks: Iterable[bytes], most_cells: int) -> Area:
    """Return the area of a sheet by its elements: a row or cell without a place comes after the one before."""
    area, at, left = Area(), [0, 0], [most_cells * _ELEMENTS_A_CELL]

    def element(name: str, attributes: dict[str, str]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise UnsafePackageError(f"the part {part} holds more than {most_cells:,} cells")
        local = name.rpartition(":")[2]
        if local == "row":
            at[:] = [_row(part, attributes.get("r"), at[0] + 1), 0]
        elif local == "c":
            at[:] = _place(part, attributes.get("r"), at)
            area.reach(*at)

    def doctype(*_declared: object) -> None:
        raise UnsafePackageError(f"the part {part} declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = element, doctype
    try:
        for block in blocks:
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnsafePackageError(f"the part {part} is no whole XML ({error})") from error
    return area


def _row(part: str, given: str | None, following: int) -> int:
    if given is not None and not _ROW.fullmatch(given):
        raise UnsafePackageError(f"the part {part} has a row {given[:20]!r}")
    return int(given) if given is not None else following


def _place(part: str, given: str | None, before: list[int]) -> list[int]:
    if given is None:
        return [before[0], before[1] + 1]
    if found := _PLACE.fullmatch(given):
        return [int(found[2]), column_number(found[1])]
    raise UnsafePackageError(f"the part {part} has a cell {given[:20]!r}")
