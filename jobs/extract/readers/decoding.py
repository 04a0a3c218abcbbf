"""Bytes to text, strictly (严格解码): a byte that is not of the declared encoding is named, never replaced."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from jobs.extract.delivery import DeliveryHeldError, Note

BLOCK = 1 << 20
_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True)
class Decodable:
    """A file proven to decode: with which codec, and how many lines it has."""

    codec: str
    lines: int
    notes: tuple[Note, ...] = ()


def prove_encoding(path: Path, encoding: str, place: str) -> Decodable:
    """Decode a whole file once without keeping it, so that it can then be read as text without surprise.

    A UTF-8 byte order mark decides over the declared encoding and is noted.

    Args:
        path: the file.
        encoding: ``utf-8`` or ``gb18030`` (a superset of GBK and GB2312).
        place: the file's name in messages.

    Raises:
        DeliveryHeldError: ENCODING_INVALID, naming byte offset and line.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, name in _WIDE_BOMS.items():
        if start.startswith(mark):
            raise _invalid(f"the file is {name}, the contract says {encoding}", place, 0, _count_lines(path))
    notes: tuple[Note, ...] = ()
    codec = encoding
    if start.startswith(codecs.BOM_UTF8):
        codec = "utf-8-sig"
        if encoding != "utf-8":
            notes = (Note("ENCODING_DIFFERS", place, {"declared": encoding, "found": "utf-8 with byte order mark"}),)
    return Decodable(codec, _prove(path, codec, place), notes)


def _prove(path: Path, codec: str, place: str) -> int:
    """Return the number of lines, or raise at the first byte that does not fit."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    offset = lines = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                at = offset - pending + error.start
                byte = error.object[error.start]
                message = f"byte 0x{byte:02X} at offset {at} (line {_line_at(path, at)}) is not {codec}"
                raise _invalid(message, place, at, _count_lines(path)) from error
            nul = block.find(0)
            if nul >= 0:
                message = f"NUL byte at offset {offset + nul} (line {_line_at(path, offset + nul)})"
                raise _invalid(message, place, offset + nul, _count_lines(path))
            if not block:
                return lines
            offset += len(block)
            lines += block.count(b"\n")


def _invalid(message: str, place: str, offset: int, lines: int) -> DeliveryHeldError:
    return DeliveryHeldError(
        "ENCODING_INVALID",
        message,
        place=place,
        remedy="ask the department for the file in the agreed encoding; if it changed for good, change `encoding` "
        "in the contract and replay the batch",
        rows=max(lines - 1, 0),
        detail={"byte_offset": offset},
    )


def _line_at(path: Path, offset: int) -> int:
    """Return the 1-based line that holds a byte."""
    line, left = 1, offset
    with path.open("rb") as stream:
        while left > 0 and (block := stream.read(min(BLOCK, left))):
            line += block.count(b"\n")
            left -= len(block)
    return line


def _count_lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(BLOCK), b""))
