"""Text, names and addresses as written (文本、名称、地址): spaces, brackets, middle dots; rare characters are kept."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.cleaning import IDEOGRAPHS, composed
from jobs.runtime.standards.rule import Rule

_MIDDLE_DOTS = "•‧∙⋅・．｡。"
MIDDLE_DOT = "·"
"""The dot (U+00B7) inside names of minorities and foreigners."""
_OPENING, _CLOSING = "【〔〖⟮❨[", "】〕〗⟯❩]"
_BRACKETS = "(" * len(_OPENING) + ")" * len(_CLOSING)
_BLANKS_BETWEEN_IDEOGRAPHS = r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])"
_PLAIN_NAME = rf"\A[0-9A-Za-z(){MIDDLE_DOT}{IDEOGRAPHS}]+\z"
"""A name that has nothing to be changed, as most have: found out in a tenth of the time that changing takes."""
_INSIDE = r"(?:[^()]|\([^()]*\))"
_FORMER = (
    rf"\((?:(?:曾用名称?|原名称?|原企业名称|更名前|旧称)(?:[:为是]\s*)?({_INSIDE}+)"
    rf"|原[:]?({_INSIDE}{{4,}}))(?:\)|\z)"
)
"""A former name in brackets, closed or cut off; after a bare 原 it has four characters at least (``原野`` has not)."""


def is_plain_name(text: Column) -> Column:
    """Return whether ``text`` is a name that has nothing to be changed."""
    return text.rlike(_PLAIN_NAME)


def _name(text: Column) -> Column:
    """Return one kind of middle dot and bracket, and no blanks between Chinese characters."""
    one_form = F.translate(text, _MIDDLE_DOTS + _OPENING + _CLOSING, MIDDLE_DOT * len(_MIDDLE_DOTS) + _BRACKETS)
    named = F.regexp_replace(one_form, _BLANKS_BETWEEN_IDEOGRAPHS, "")
    return F.when(is_plain_name(text), text).otherwise(named)


def bracketed_alike(text: Column) -> Column:
    """Return one kind of bracket, and no blanks between Chinese characters."""
    return F.regexp_replace(F.translate(text, _OPENING + _CLOSING, _BRACKETS), _BLANKS_BETWEEN_IDEOGRAPHS, "")


def _former_name(name: Column) -> Column:
    """Return the former name that stands in brackets behind ``name``, or null."""
    return F.nullif(F.trim(F.concat(*[F.regexp_extract(name, _FORMER, group) for group in (1, 2)])), F.lit(""))


_NAME_FORMS = (lambda text: F.when(is_plain_name(text), text).otherwise(composed(text)), _name)
TEXT = Rule("text.clean", refined=(composed,), value=lambda text: text)
NAME = Rule("name.clean", refined=_NAME_FORMS, value=lambda text: text)
ADDRESS = Rule("address.clean", refined=(composed,), value=bracketed_alike)
"""An address (地址) as one text."""
CURRENT_NAME = Rule(
    "name.clean",
    refined=_NAME_FORMS,
    value=lambda text: F.nullif(F.trim(F.regexp_replace(text, _FORMER, "")), F.lit("")),
    forms=lambda text: ((text.rlike(_FORMER), "name.current"),),
)
"""A name without the former one that stands behind it in brackets: ``甲公司（原乙公司）``."""
FORMER_NAME = Rule("name.former", refined=_NAME_FORMS, value=_former_name)
"""The former name (曾用名) out of the same text."""
