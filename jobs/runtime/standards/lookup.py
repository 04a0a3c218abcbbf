"""Looking up a word in a table (查表) inside a column expression, in constant time.

The engine searches a map from end to end, so a table travels as an array of small buckets, chosen by the word's CRC-32;
and as one literal text that is split once per plan, since entries of their own would be planned one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

from pyspark.sql import Column
from pyspark.sql import functions as F

_ENTRY, _MEANS, _BUCKET = "\x02", "\x03", "\n"
"""Clean text holds none of them."""


def looked_up(table: Mapping[str, str], word: Column) -> Column:
    """Return what ``table`` says of ``word``, or null.

    Args:
        table: word → meaning; both of clean text.
        word: clean text.
    """
    size = max(1, len(table) // 2)
    buckets = [""] * size
    for key, meaning in table.items():
        buckets[crc32(key.encode()) % size] += f"{_ENTRY}{key}{_MEANS}{meaning}"
    array = F.split(F.lit(_BUCKET.join(buckets)), _BUCKET)
    bucket = F.concat(F.get(array, (F.crc32(word) % size).cast("int")), F.lit(_ENTRY))
    start = F.concat(F.lit(_ENTRY), word, F.lit(_MEANS))
    rest = F.split_part(bucket, start, F.lit(2))
    return F.nullif(F.split_part(rest, F.lit(_ENTRY), F.lit(1)), F.lit(""))
