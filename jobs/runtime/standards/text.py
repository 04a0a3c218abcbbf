"""Text and names (文本、姓名): width, invisible characters, spaces, middle dots; rare characters are kept."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.outcome import Outcome, first_of, nothing

_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000\u00a0"
_NARROW = "".join(chr(code) for code in range(0x21, 0x7F)) + "  "
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\r\n\t\0"
_MIDDLE_DOTS = "•‧∙⋅・．｡。"
MIDDLE_DOT = "·"
"""The dot (U+00B7) inside names of minorities and foreigners."""


def cleaned(raw: Column) -> Column:
    """Return ``raw`` with half-width ASCII and without invisible characters and outer blanks; '' is null."""
    text = F.trim(F.translate(raw, _WIDE + _INVISIBLE, _NARROW))
    return F.when(text != "", text)


def standardise_text(raw: Column) -> Outcome:
    """Standardise free text."""
    value = cleaned(raw)
    return Outcome(value, nothing(), first_of((value != raw, "text.clean")))


def standardise_name(raw: Column) -> Outcome:
    """Standardise a personal or organisation name: brackets half-width, one middle dot, no blanks between Chinese."""
    dotted = F.translate(cleaned(raw), _MIDDLE_DOTS, MIDDLE_DOT * len(_MIDDLE_DOTS))
    value = F.regexp_replace(dotted, r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "")
    return Outcome(value, nothing(), first_of((value != raw, "name.clean")))
