"""Telephone numbers (电话) as column expressions: mobile, landline with area code, 400 and 800, abroad."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.runtime.standards.cleaning import upper_cleaned
from jobs.runtime.standards.rule import Rule, first_of

_DASHES = "—–‐−－~"
_DROPPED = " ().·"
_AREA, _LOCAL = "0(?:10|2[0-9]|[3-9][0-9]{2})", "[2-9][0-9]{6,7}"
_NONE = r"\A(?:-*|/|N/A|无|暂无|不详|0+)\z"
_EXTENDED = rf"\A({_AREA})-?({_LOCAL})(?:-|转)([0-9]{{1,6}})\z"
_MOBILE = r"\A1[3-9][0-9]{9}\z"
_LANDLINE = r"\A(0(?:10|2[0-9]))([2-9][0-9]{7})\z|\A(0[3-9][0-9]{2})([2-9][0-9]{6,7})\z"
_SERVICE = r"\A(?:[48]00[0-9]{7}|9[56][0-9]{3,4}|12[0-9]{3})\z"
_ABROAD = r"\A\+(?!86)[1-9][0-9]{6,14}\z"
_LOCAL_ONLY = r"\A[2-9][0-9]{6,7}\z"
_FORM = rf"\A(?:1[3-9][0-9]{{9}}|{_AREA}-{_LOCAL}(?:-[0-9]{{1,6}})?|[48]00[0-9]{{7}}|9[56][0-9]{{3,4}}|12[0-9]{{3}})\z"


def _text(raw: Column) -> Column:
    """Return digits, ``+``, hyphens and ``转`` for any word that introduces an extension."""
    text = F.translate(upper_cleaned(raw), _DASHES + _DROPPED, "-" * len(_DASHES))
    text = F.regexp_replace(text, r"-?(?:分机号?|内线|转接?|EXT|X|#)[:-]?", "转")
    return F.when(~text.rlike(_NONE), text)


def _at_home(text: Column) -> Column:
    """Return the number without the country code 86; a landline behind it gets its 0 back."""
    mobile = F.regexp_replace(text, r"\A(?:(?:\+|00)?86-?|0)(?=1[3-9][0-9]-?[0-9]{4}-?[0-9]{4}\z)", "")
    return F.regexp_replace(mobile, r"\A(?:\+|00)86-?0?(?=[1-9])", "0")


def _one_form(text: Column) -> Column:
    """Return the number in its one form; what is none stays as it is."""
    digits = F.replace(text, F.lit("-"), F.lit(""))
    return (
        F.when(text.rlike(_EXTENDED), F.regexp_replace(text, _EXTENDED, "$1-$2-$3"))
        .when(digits.rlike(_LANDLINE), F.regexp_replace(digits, _LANDLINE, "$1$3-$2$4"))
        .when(digits.rlike(rf"{_MOBILE}|{_SERVICE}|{_ABROAD}|{_LOCAL_ONLY}"), digits)
        .otherwise(text)
    )


PHONE = Rule(
    "phone.form",
    text=_text,
    refined=(_at_home, _one_form),
    value=lambda text: F.when(text.rlike(_FORM) | text.rlike(_ABROAD), text),
    problem=lambda text, value: first_of(
        (text.isNull() | value.isNotNull(), ""),
        (text.rlike(_LOCAL_ONLY), "PHONE_AREA_MISSING"),
        (text.isNotNull(), "PHONE_FORMAT"),
    ),
)
"""A telephone number: ``13800138000``, ``028-85123456-801``, ``4001234567``, ``+85221234567``."""
