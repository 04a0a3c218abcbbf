"""What a row says as one text, and the number that stands for it (行摘要): nulls kept, neighbours never confused.

The text is JSON as Spark's ``to_json`` writes it, so that the engine and plain Python give every row one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import xxhash

SEED = 42
"""The seed of Spark's ``xxhash64``."""
_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
    **{chr(code): f"\\u{code:04X}" for code in range(0x20) if chr(code) not in "\n\r\t\b\f"},
}  # fmt: skip
_TABLE = str.maketrans(_ESCAPES)


def row_text(values: Sequence[Any]) -> str:
    r"""Return the text of a row.

    Args:
        values: text, whole numbers, decimals in their column's scale, dates, instants, truth values, lists, or None.

    Raises:
        TypeError: for a floating-point number, which no two languages write alike.

    >>> row_text(["x", None]), row_text([None, "x"])
    ('{"0":"x","1":null}', '{"0":null,"1":"x"}')
    """
    return "{" + ",".join(f'"{place}":{_written(v)}' for place, v in enumerate(values)) + "}"


def _written(value: Any) -> str:  # noqa: ANN401 - any value of a column
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_TABLE)}"'
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f'"{moment.year:04d}-{moment:%m-%dT%H:%M:%S.%f}Z"'
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no one text")


def row_hash(values: Sequence[Any]) -> int:
    """Return the number of a row, as a signed 64-bit integer.

    >>> row_hash(["x", None]) == row_hash([None, "x"])
    False
    """
    number = xxhash.xxh64_intdigest(row_text(values).encode("utf-8", "surrogatepass"), SEED)
    return number - (1 << 64) if number >> 63 else number
