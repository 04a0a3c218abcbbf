r"""A record's own key in its source as one text (源记录标识): several parts joined so that no two keys look alike.

Parts are joined by ``|``. Where a key has more than one part, ``\`` and ``|`` inside a part are written ``\\`` and
``\|``, so that ('A|1', '2') and ('A', '1|2') stay two records. A key of one part stands as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

SEPARATOR, ESCAPE = "|", "\\"
ESCAPED = ((ESCAPE, ESCAPE + ESCAPE), (SEPARATOR, ESCAPE + SEPARATOR))
"""What is replaced in each part of a key of several parts, in this order."""


def record_key_of(parts: Sequence[str | None]) -> str:
    r"""Return the record key of the parts of a source key; a missing part counts as an empty one.

    >>> record_key_of(["A|1"])
    'A|1'
    >>> print(record_key_of(["A|1", "2"]), record_key_of(["A", "1|2"]))
    A\|1|2 A|1\|2
    >>> record_key_of([None, "2"])
    '|2'
    """
    if len(parts) == 1:
        return parts[0] or ""
    return SEPARATOR.join(_escaped(part or "") for part in parts)


def _escaped(part: str) -> str:
    for text, written in ESCAPED:
        part = part.replace(text, written)
    return part
