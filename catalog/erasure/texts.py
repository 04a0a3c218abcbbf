"""A person in a text (文本查找): in whatever encoding departments send it, and however it is packed."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

from catalog.erasure.marks import Marks

NUMBER, ENTITY, NAME, UNREADABLE = "number", "entity id", "name with birth date", "unreadable"
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
PACKED = {b"PK": "zip", b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz"}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress, "bzip2": bz2.decompress, "xz": lzma.decompress,
}  # fmt: skip
WHOLE_NUMBER = 18
"""Digits from which on a number is told wherever it stands, also between others."""


class Needles:
    """What is looked for, in bytes; a name tells a person only where the birth date is in the same row."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[bytes]]:
        words = {NUMBER: self.marks.numbers, ENTITY: self.marks.entity_ids, "name": self.marks.names}
        words["birth"] = self.marks.birth_dates
        return {kind: _any_of(found) for kind, found in words.items() if found}

    def kinds_in(self, content: bytes) -> set[str]:
        """Return by what a person is told in one row."""
        found = {kind for kind, pattern in self._patterns.items() if pattern.search(content)}
        told = found & {NUMBER, ENTITY}
        return told | ({NAME} if {"name", "birth"} <= found else set())


def _any_of(words: Iterable[str]) -> re.Pattern[bytes]:
    """Return a pattern of all words in all encodings; digits of a longer number are not a short number or a date."""
    free, short = list[bytes](), list[bytes]()
    for word in words:
        written = {word.encode(encoding) for encoding in ENCODINGS} | {json.dumps(word)[1:-1].encode()}
        (short if word[:1].isdigit() and len(word) < WHOLE_NUMBER else free).extend(map(re.escape, written))
    guarded = [b"(?<![0-9])(?:" + b"|".join(short) + b")(?![0-9])"] if short else []
    return re.compile(b"|".join([*free, *guarded]))


def count_in(needles: Needles, content: bytes) -> Counter[str]:
    """Return how many rows of a file hold the person, by what tells them; packed files are opened."""
    found: Counter[str] = Counter()
    for part in unpacked(content):
        for row in _rows(part):
            found.update(needles.kinds_in(row))
    return found


def unpacked(content: bytes, depth: int = 4) -> Iterator[bytes]:
    """Yield what a file holds: itself, or all that is packed in it, as deep as ``depth``.

    What cannot be opened is yielded as it is: a damaged file is searched, too.
    """
    kind = PACKED.get(content[:2])
    if depth and kind == "zip":
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    yield name.encode()
                    yield from unpacked(archive.read(name), depth - 1)
            return
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error):
            pass
    elif depth and kind in UNPACK:
        try:
            yield from unpacked(UNPACK[kind](content), depth - 1)
            return
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            pass
    elif depth and content[257:262] == b"ustar":
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                for member in archive:
                    packed = archive.extractfile(member)
                    yield member.name.encode()
                    yield from unpacked(packed.read() if packed else b"", depth - 1)
            return
        except tarfile.TarError:
            pass
    yield content


def _rows(content: bytes) -> Iterator[bytes]:
    """Yield what belongs together: the records of a JSON document, else lines."""
    if content[:1] in (b"[", b"{"):
        try:
            document = json.loads(content)
        except ValueError:
            pass
        else:
            yield from _records(document)
            return
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = content.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    yield from content.splitlines()


def _records(document: object) -> Iterator[bytes]:
    """Yield the parts of a JSON document that hold no list of records: a page is not one row, a list of values is."""
    if _is_records(document):
        for entry in document:
            yield from _records(entry)
    elif isinstance(document, dict):
        lists = [value for value in document.values() if _is_records(value)]
        rest = {key: value for key, value in document.items() if not _is_records(value)}
        yield json.dumps(rest, ensure_ascii=False).encode()
        for value in lists:
            yield from _records(value)
    else:
        yield json.dumps(document, ensure_ascii=False).encode()


def _is_records(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value)


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file; one that has gone meanwhile has none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
