"""Text and names (文本、姓名): spaces and middle dots; rare characters are kept."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.rule import Rule

_MIDDLE_DOTS = "•‧∙⋅・．｡。"
MIDDLE_DOT = "·"
"""The dot (U+00B7) inside names of minorities and foreigners."""


def _name(text: Column) -> Column:
    """Return one kind of middle dot and no blanks between Chinese characters."""
    dotted = F.translate(text, _MIDDLE_DOTS, MIDDLE_DOT * len(_MIDDLE_DOTS))
    return F.regexp_replace(dotted, r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "")


TEXT = Rule("text.clean", value=lambda text: text)
NAME = Rule("name.clean", value=_name)
