"""What every text goes through (文本清洗): half-width ASCII, no invisible characters, no outer blanks."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
_NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\r\n\t\0"


def cleaned(raw: Column) -> Column:
    """Return ``raw`` with half-width ASCII and without invisible characters and outer blanks; '' is null."""
    return F.nullif(F.trim(F.translate(raw, _WIDE + _INVISIBLE, _NARROW)), F.lit(""))


def upper_cleaned(raw: Column) -> Column:
    """Return the clean text in capitals, as identifiers are written."""
    return F.upper(cleaned(raw))
