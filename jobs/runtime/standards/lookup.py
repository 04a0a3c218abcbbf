"""One value looked up by another (查表): a table of thousands of codes inside a column expression.

Spark searches a map literal from its first entry to its last, and a CASE per code grows with the list until the server
refuses it. Here the table is cut into small maps by the CRC-32 of the key, so that a row looks into one of them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

_ENTRIES_PER_BUCKET = 4


def looked_up(key: Column, table: Mapping[str, str]) -> Column:
    """Return the value of ``key`` in ``table`` as text; null where ``key`` is null or the table lacks it."""
    count = max(1, len(table) // _ENTRIES_PER_BUCKET)
    buckets: list[dict[str, str]] = [{} for _ in range(count)]
    for name, value in table.items():
        buckets[zlib.crc32(name.encode()) % count][name] = value
    literal = F.from_json(F.lit(json.dumps(buckets, ensure_ascii=False)), "array<map<string,string>>")
    bucket = F.get(literal, F.pmod(F.crc32(key), F.lit(count)).cast("int"))
    return F.try_element_at(bucket, key)
