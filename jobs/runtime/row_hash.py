"""The number that stands for what a row says (行摘要列), equal to :mod:`catalog.model.row_text` in plain Python."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

HASH_VERSION = 2
"""Version of the encoding; the first one skipped nulls, so that a value moved to the next column was no change."""
_AS_WRITTEN = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'",
    "timeZone": "UTC",
}


def row_hash(*columns: Column | str) -> Column:
    """Return a 64-bit number of the values of ``columns``; nulls count, and neighbours are never confused.

    Spark's ``xxhash64`` of several columns skips nulls: (x, null) and (null, x) are one number to it.
    """
    parts = [F.col(c) if isinstance(c, str) else c for c in columns]
    named = F.struct(*[part.alias(str(place)) for place, part in enumerate(parts)])
    return F.xxhash64(F.to_json(named, _AS_WRITTEN))
