"""Garbled text (乱码): characters that were decoded wrongly before the file was written, or replaced for good.

Such text decodes without an error, so only its look betrays it: UTF-8 read as GBK (``鎴愰兘`` for 成都) or as Latin
(``æˆéƒ½``), and what programs put where they lost a character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jobs.extract.delivery import Note

_LATIN_TAIL = (
    "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014"
    "\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
)
_LATIN = re.compile(f"(?:[\u00e3-\u00e9][{_LATIN_TAIL}]{{2}})+")
_GBK_LEADS = "".join(
    bytes((lead, trail)).decode("gb18030") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0)
)
_GBK = re.compile(f"[{re.escape(_GBK_LEADS)}][^\\x00-\\x7f]{{4,}}")
_LOST = re.compile("\ufffd|锟斤拷|烫烫烫|屯屯屯")
ENOUGH = 3
"""Characters that must come out right again before a text is called garbled; two can be chance."""


def repaired(text: str) -> str | None:
    """Return what a garbled text begins with when decoded rightly; nothing for sound text.

    >>> repaired("成都市场".encode().decode("gb18030")), repaired("成都市".encode().decode("latin-1"))
    ('成都市场', '成都市')
    >>> repaired("成都市"), repaired("浠水县某某公司"), repaired("Käse é")
    (None, None, None)
    """
    for pattern, encode in ((_GBK, _gbk_bytes), (_LATIN, _latin_bytes)):
        found = pattern.search(text)
        right = encode(found[0]).decode("utf-8", "ignore") if found else ""
        if len(right) >= ENOUGH and all("\u4e00" <= c <= "\u9fff" for c in right[:ENOUGH]):
            return right
    return None


def _gbk_bytes(text: str) -> bytes:
    """Return the bytes of a text once read as GBK, up to the first character that was lost."""
    return text.split("\ufffd")[0].encode("gb18030")


def _latin_bytes(text: str) -> bytes:
    """Return the bytes of a text once read as Latin-1 or Windows-1252."""
    return b"".join(c.encode("latin-1") if c <= "\u00ff" else c.encode("cp1252") for c in text)


class GarbledText:
    """Watches the texts of one delivery and remembers the rows that hold garbled ones."""

    def __init__(self) -> None:
        self.garbled: dict[int, str] = {}
        self.lost: dict[int, str] = {}

    def look(self, numbers: Sequence[int], name: str, values: Iterable[str | None]) -> None:
        """Look through one column of some rows."""
        foreign = [(number, v) for number, v in zip(numbers, values, strict=True) if v and not v.isascii()]
        joined = "\n".join(value for _, value in foreign)
        if _LOST.search(joined):
            self.lost |= {number: name for number, value in foreign if _LOST.search(value)}
        if _GBK.search(joined) or _LATIN.search(joined):
            self.garbled |= {number: name for number, value in foreign if repaired(value)}

    def notes(self, place: str) -> list[Note]:
        """Return one note per kind, naming the first rows and columns."""
        kinds = {"TEXT_GARBLED": self.garbled, "CHARACTERS_LOST": self.lost}
        return [
            Note(code, place, {"rows": [f"row {n}: {column}" for n, column in list(found.items())[:20]]}, len(found))
            for code, found in kinds.items()
            if found
        ]
