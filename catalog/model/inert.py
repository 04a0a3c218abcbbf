"""Texts that a spreadsheet does not run (公式注入防护): neutralised on their way out, never in the lake."""

from __future__ import annotations

_RUNS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """Return ``text`` as a spreadsheet shows it without running it as a formula.

    >>> inert("=HYPERLINK(1)"), inert("-1+1"), inert("示范一店")
    ("'=HYPERLINK(1)", "'-1+1", '示范一店')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_RUNS) else text
