"""One class of bad input: how its bytes are made, how the contract describes them, and what must become of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HEADER = "统一社会信用代码,店铺名称,开业日期"
NAMES = HEADER.split(",")
Row = tuple[str | None, str | None, str | None]
GROUPS = ("file", "encoding", "structure", "value")


@dataclass(frozen=True)
class Case:
    """A class of input and its verdict: held with a code, or admitted but for the rows rejected."""

    id: str
    group: str
    content: bytes
    source: dict[str, Any]
    records: int = 0
    """Rows below the header that the content was made with."""
    rows: tuple[Row, ...] = ()
    """Rows that must arrive exactly so; rows of ``padding`` may stand between them."""
    rejected: dict[int, str] = field(default_factory=dict)
    notes: frozenset[str] = frozenset()
    held: str = ""
    words: tuple[str, ...] = ()
    """What the message of a held file says, place and remedy included."""
    receipt: dict[str, Any] | None = None


def admitted(
    name: str,
    group: str,
    content: bytes,
    rows: list[Row],
    *,
    records: int | None = None,
    rejected: dict[int, str] | None = None,
    notes: set[str] | None = None,
    receipt: dict[str, Any] | None = None,
    **source: Any,
) -> Case:
    """Return a case that is admitted; ``records`` is what was put in, when that is more than rows and rejections."""
    rejected = rejected or {}
    count = len(rows) + len(rejected) if records is None else records
    found = frozenset(notes or ())
    return Case(name, group, content, source, count, tuple(rows), rejected, found, receipt=receipt)


def held(
    name: str,
    group: str,
    content: bytes,
    code: str,
    *words: str,
    records: int = 0,
    receipt: dict[str, Any] | None = None,
    **source: Any,
) -> Case:
    """Return a case that is held for ``code`` with a message that says ``words``; ``records`` when they are counted."""
    return Case(name, group, content, source, records, held=code, words=words, receipt=receipt)


def csv(*lines: str, header: str = HEADER, end: str = "\n", encoding: str = "utf-8", mark: bytes = b"") -> bytes:
    """Return the bytes of a CSV file."""
    return mark + (end.join([header, *lines]) + end).encode(encoding)


def padding(count: int = 40) -> list[str]:
    """Return sound lines to stand after a broken one, so that one of many is broken."""
    return [f"P{n},店,2024-01-01" for n in range(count)]
