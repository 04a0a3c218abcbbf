"""XLS workbooks made byte by byte: a compound document with one stream of BIFF8 records ([MS-CFB], [MS-XLS])."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SECTOR = 512
SMALLEST_STREAM = 4096
"""Shorter streams would lie in the mini stream, which is not made here."""
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NONE = 0xFFFFFFFF
BOF, EOF, FILEPASS, BOUNDSHEET, LABEL, NUMBER, MERGED, ERROR = 0x809, 0x0A, 0x2F, 0x85, 0x204, 0x203, 0xE5, 0x205


def compound(streams: dict[str, bytes]) -> bytes:
    """Return a compound document with these streams."""
    padded = {
        name: data.ljust(-(-max(len(data), SMALLEST_STREAM) // SECTOR) * SECTOR, b"\0")
        for name, data in streams.items()
    }
    fat, body, entries = [_FAT, _END], b"", []
    for name, data in padded.items():
        first, count = len(fat), len(data) // SECTOR
        fat += [*range(first + 1, first + count), _END]
        body += data
        entries.append(_entry(name, 2, first, len(data)))
    entries = [_entry("Root Entry", 5, _END, 0, child=1), *entries]
    for number in range(1, len(entries) - 1):
        entries[number] = entries[number][:72] + struct.pack("<I", number + 1) + entries[number][76:]
    directory = b"".join(entries).ljust(SECTOR, b"\0")
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(SECTOR, b"\xff")
    if len(directory) > SECTOR or len(table) > SECTOR:
        raise ValueError("more than one sector of directory or table")
    return _header() + table + directory + body


def _header() -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, SMALLEST_STREAM, _END, 0, _END, 0, 0)
    return head + struct.pack("<108I", *[_FREE] * 108)


def _entry(name: str, kind: int, start: int, size: int, child: int = _NONE) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
    return head + struct.pack("<III", _NONE, _NONE, child) + bytes(36) + struct.pack("<IQ", start, size)


def record(kind: int, data: bytes = b"") -> bytes:
    """Return one BIFF record."""
    return struct.pack("<HH", kind, len(data)) + data


def _text(value: str, width: str) -> bytes:
    units = value.encode("utf-16-le")
    return struct.pack(width, len(units) // 2) + b"\1" + units


def _cell(row: int, column: int, value: str | float) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    return (
        record(LABEL, place + _text(value, "<H"))
        if isinstance(value, str)
        else record(NUMBER, place + struct.pack("<d", value))
    )


def xls(
    rows: Sequence[Sequence[str | float | None]],
    *,
    merged: Sequence[tuple[int, int, int, int]] = (),
    is_encrypted: bool = False,
) -> bytes:
    """Return an XLS workbook of one sheet.

    Args:
        rows: cells; None leaves one out.
        merged: blocks as first row, last row, first column, last column, from 0.
        is_encrypted: whether to say that what follows is encrypted.
    """
    start = record(BOF, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    start += record(FILEPASS, struct.pack("<HHH", 1, 1, 1) + bytes(48)) if is_encrypted else b""
    name = _text("表1", "<B")
    offset = len(start) + 4 + 6 + len(name) + len(record(EOF))
    start += record(BOUNDSHEET, struct.pack("<IBB", offset, 0, 0) + name) + record(EOF)
    sheet = record(BOF, struct.pack("<HHHHII", 0x600, 16, 0, 0, 0, 0))
    for number, row in enumerate(rows):
        sheet += b"".join(_cell(number, column, value) for column, value in enumerate(row) if value is not None)
    if merged:
        sheet += record(MERGED, struct.pack("<H", len(merged)) + b"".join(struct.pack("<HHHH", *m) for m in merged))
    return compound({"Workbook": start + sheet + record(EOF)})
