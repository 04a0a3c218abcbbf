"""Bytes to text, strictly (严格解码): a byte that is not of the file's encoding is named, never replaced."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from jobs.extract.delivery import DeliveryHeldError, Note
from jobs.extract.readers.signature import encoding_by_names, name_container, wide_codec

BLOCK = 1 << 20
HEAD = 1 << 16
"""Bytes at the beginning that hold the header."""
_WIDE_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_FIRST_WIDE_CHARACTER = "\u2000"
"""Below it lie the scripts that two GBK bytes can look like in UTF-8."""


@dataclass(frozen=True)
class Decodable:
    """A file proven to decode: with which codec, and how many lines it has."""

    codec: str
    lines: int
    notes: tuple[Note, ...] = ()


def prove_encoding(path: Path, encoding: str, place: str, names: Collection[str] = ()) -> Decodable:
    """Decode a whole file once without keeping it, so that it can then be read as text without surprise.

    A UTF-8 byte order mark decides over the declared encoding, and so does a header whose Chinese names can be read in
    the other encoding only; both are noted. Without such a proof the declared encoding holds.

    Args:
        path: the file.
        encoding: ``utf-8`` or ``gb18030`` (a superset of GBK and GB2312).
        place: the file's name in messages.
        names: column names of the contract, normalised.

    Raises:
        DeliveryHeldError: ENCODING_INVALID, naming byte offset and line; STRUCTURE_INVALID for what is no text.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    _refuse_other_formats(path, head, encoding, place, names)
    codec = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else encoding_by_names(head, encoding, names)
    notes: tuple[Note, ...] = ()
    if codec != encoding and not (codec == "utf-8-sig" and encoding == "utf-8"):
        found = "utf-8 with byte order mark" if codec == "utf-8-sig" else codec
        notes = (Note("ENCODING_DIFFERS", place, {"declared": encoding, "found": found}),)
    lines = _prove(path, codec, place)
    below = _after_first_line(head)
    if codec == "gb18030" and _is_utf8_text(path, below):
        message = f"every byte below the first line fits utf-8, the contract says {encoding} and the header is {codec}"
        raise _invalid(message, place, below, lines)
    return Decodable(codec, lines, notes)


def _refuse_other_formats(path: Path, head: bytes, encoding: str, place: str, names: Collection[str]) -> None:
    container = name_container(head)
    if container:
        raise DeliveryHeldError(
            "STRUCTURE_INVALID",
            f"the file is {container}, the contract says text",
            place=place,
            remedy="ask the department for the agreed format; if it changed for good, change `format` in the contract",
        )
    wide = next((name for mark, name in _WIDE_BOMS.items() if head.startswith(mark)), "")
    codec = wide.lower() or wide_codec(head, names)
    if codec:
        with path.open(encoding=codec, errors="replace") as text:
            lines = sum(1 for _ in text)
        wide = wide or "UTF-16 without byte order mark"
        raise DeliveryHeldError(
            "ENCODING_INVALID",
            f"the file is {wide}, the contract says {encoding}",
            place=place,
            remedy="ask the department to save the file as UTF-8 and to send it again",
            rows=max(lines - 1, 0),
            detail={"byte_offset": 0},
        )


def _prove(path: Path, codec: str, place: str) -> int:
    """Return the number of lines, or raise at the first byte that does not fit."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    offset = 0
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
                return _count_lines(path)
            offset += len(block)


def _after_first_line(head: bytes) -> int:
    """Return where the second line begins."""
    ends = [at for at in (head.find(b"\n"), head.find(b"\r")) if at >= 0]
    return min(ends, default=-1) + 1


def _is_utf8_text(path: Path, start: int) -> bool:
    """Tell whether a file is UTF-8 from ``start`` on with East Asian characters only: GBK text practically never is."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    found = False
    with path.open("rb") as stream:
        stream.seek(start)
        while block := stream.read(BLOCK):
            try:
                foreign = [c for c in set(decoder.decode(block)) if not c.isascii()]
            except UnicodeDecodeError:
                return False
            if any(c < _FIRST_WIDE_CHARACTER for c in foreign):
                return False
            found = found or bool(foreign)
    return found and not decoder.getstate()[0]


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
    return _line_ends(path, offset)[0] + 1


def _count_lines(path: Path) -> int:
    """Return the number of lines; a last one without its end counts."""
    ends, is_open = _line_ends(path, path.stat().st_size)
    return ends + is_open


def _line_ends(path: Path, size: int) -> tuple[int, bool]:
    """Return how many lines end in the first ``size`` bytes (CR, LF or both), and whether another one has begun."""
    ends, left, last = 0, size, b""
    with path.open("rb") as stream:
        while left > 0 and (block := stream.read(min(BLOCK, left))):
            ends += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
            ends -= last == b"\r" and block.startswith(b"\n")
            left -= len(block)
            last = block[-1:]
    return ends, last not in (b"", b"\n", b"\r")
