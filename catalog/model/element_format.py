"""The notation for the form of a value (数据格式): ``an18``, ``an..20``, ``n..10,2``, ``YYYYMMDD`` (GB/T 19488.1).

A length counts characters: a Chinese character is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Characters = Literal["a", "n", "an", "date", "instant", "boolean"]

_LENGTHS = re.compile(
    r"(?P<characters>an|a|n)"
    r"(?:(?P<fixed>[1-9]\d*)|(?P<low>[1-9]\d*)?\.\.(?P<high>[1-9]\d*|ul)?)"
    r"(?:,(?P<decimals>[1-9]\d*))?",
    re.ASCII,
)
_NAMED: dict[str, tuple[Characters, int]] = {
    "d8": ("date", 8), "YYYYMMDD": ("date", 8), "YYYY-MM-DD": ("date", 10),
    "d14": ("instant", 14), "YYYYMMDDhhmmss": ("instant", 14), "bl": ("boolean", 1),
}  # fmt: skip
_CHARACTERS = {
    "a": r"[^\d\x00-\x1f]", "n": r"[0-9]", "an": r"[^\x00-\x1f]",
    "date": r"[0-9-]", "instant": r"[0-9]", "boolean": r"[01]",
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """One form of value."""

    notation: str
    characters: Characters
    """``a`` anything but digits, ``n`` digits, ``an`` anything visible, or a day, an instant, yes/no."""
    shortest: int
    """Fewest characters; for numbers with decimals the digits on both sides are counted together."""
    longest: int | None
    """Most characters; None where the text may be as long as it likes."""
    decimals: int = 0
    """How many of a number's digits may stand behind the point."""

    def accepts(self, text: str) -> bool:
        """Return whether ``text`` has this form.

        >>> [parse_format("n6").accepts(x) for x in ("110105", "11010", "11010a")], parse_format("a2").accepts("张三")
        ([True, False, False], True)
        >>> [parse_format("n..6,2").accepts(x) for x in ("1234.56", "-1.5", "1.234", "12345.6", "1234567")]
        [True, True, False, False, False]
        """
        if self.decimals:
            whole = f"0|[1-9][0-9]{{0,{(self.longest or 0) - self.decimals - 1}}}"
            return re.fullmatch(rf"[+-]?(?:{whole})(?:\.[0-9]{{1,{self.decimals}}})?", text) is not None
        most = "" if self.longest is None else self.longest
        return re.fullmatch(f"{_CHARACTERS[self.characters]}{{{self.shortest},{most}}}", text) is not None


def parse_format(notation: str) -> Format:
    """Return what a notation of GB/T 19488.1 means.

    Letters: ``a`` letters (汉字 included), ``n`` digits, ``an`` both. Length: ``an18`` exactly, ``an..20`` at most,
    ``an8..20`` from–to, ``a..`` or ``a..ul`` any. ``n..10,2``: at most ten digits, two of them decimals. ``d8``,
    ``YYYYMMDD`` a day; ``d14``, ``YYYYMMDDhhmmss`` an instant; ``bl`` yes or no.

    Raises:
        ValueError: when the notation is none of these.

    >>> parse_format("an18")
    Format(notation='an18', characters='an', shortest=18, longest=18, decimals=0)
    >>> parse_format("an..20").longest, parse_format("an8..20").shortest, parse_format("a..").longest
    (20, 8, None)
    >>> parse_format("n..10,2").decimals, parse_format("YYYYMMDD").characters, parse_format("bl").longest
    (2, 'date', 1)
    >>> parse_format("x18")
    Traceback (most recent call last):
    ValueError: 'x18' is no format of GB/T 19488.1; write for example an18, an..20, n..10,2, a.., YYYYMMDD
    """
    if notation in _NAMED:
        characters, length = _NAMED[notation]
        return Format(notation, characters, length, length)
    found = _LENGTHS.fullmatch(notation)
    if not found:
        raise ValueError(
            f"{notation!r} is no format of GB/T 19488.1; write for example an18, an..20, n..10,2, a.., YYYYMMDD"
        )
    letters: Characters = "an" if found["characters"] == "an" else "a" if found["characters"] == "a" else "n"
    high = found["fixed"] or found["high"]
    shortest = int(found["fixed"] or found["low"] or 1)
    longest = None if high in (None, "ul") else int(high)
    decimals = int(found["decimals"] or 0)
    if longest is not None and shortest > longest:
        raise ValueError(f"{notation!r}: the shortest value is longer than the longest")
    if decimals and (letters != "n" or longest is None or decimals >= longest):
        raise ValueError(f"{notation!r}: decimals belong to numbers of a stated length, and are fewer than its digits")
    return Format(notation, letters, shortest, longest, decimals)
