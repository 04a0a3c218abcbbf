"""What every identifier goes through first (标识清洗): half-width capitals without blanks and outer marks.

The column expression in ``jobs.runtime.standards`` does the same; a test holds the two equal.
"""

from __future__ import annotations

OUTER_MARKS = ".。·,;:、'’‘`\"-－—–_"
"""Marks that stand before or after a number without belonging to it: full stops, a text cell's apostrophe, dashes."""
DASHES = "-‐‑‒–—―−－ー"
"""Everything that is typed for the hyphen of an organisation code."""
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\r\n\t\0 \u3000\u00a0"))
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_TABLE = {**_HALF_WIDTH, **_INVISIBLE}


def clean_identifier(raw: str) -> str:
    """Return ``raw`` in half-width capitals, without blanks, invisible characters and outer marks.

    Marks that are all there is stay, so that they can be named; an empty text stays empty.

    >>> clean_identifier(" ９１３５0100m000100y43．")
    '91350100M000100Y43'
    >>> clean_identifier("9135 0100 M000 100Y 43")
    '91350100M000100Y43'
    >>> clean_identifier("-")
    '-'
    """
    text = raw.translate(_TABLE).upper()
    return text.strip(OUTER_MARKS) or text


def without_dashes(text: str) -> str:
    """Return ``text`` without any kind of dash.

    >>> without_dashes("73513098—1")
    '735130981'
    """
    return text.translate(dict.fromkeys(map(ord, DASHES)))
