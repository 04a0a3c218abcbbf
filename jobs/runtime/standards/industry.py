"""Industry codes (行业代码, GB/T 4754) as column expressions: the section letter off, lost zeros back."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from jobs.runtime.standards.cleaning import upper_cleaned
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.rule import Rule, first_of

_SECTION = r"\A[A-T]\z"
_LETTERED = r"\A[A-T][0-9]{1,4}\z"


def _sections() -> dict[str, str]:
    """Return division → its section; in the list, as in the standard, a section stands before its divisions."""
    sections, letter = {}, ""
    for code in load_code_list("industry").codes:
        if code.kind == "canonical":
            letter = code.code if code.code.isalpha() else letter
            sections[code.code] = letter
    return sections


def _padded(text: Column) -> Column:
    """Return the digits with the leading zero that a spreadsheet took, where that is certain.

    ``1`` is division 01. Three digits are a group (中类) as they are, unless the section letter says otherwise:
    ``A111`` is class 0111, since division 11 is not in section A.
    """
    digits = F.regexp_replace(text, r"\A[A-T](?=[0-9])", "")
    padded = F.concat(F.lit("0"), digits)
    letter = F.substring(text, 1, 1)
    lost = text.rlike(_LETTERED) & (F.length(digits) == 3) & _is_in(padded, letter) & ~_is_in(digits, letter)
    return F.when(text.rlike(_SECTION), text).otherwise(
        F.when((F.length(digits) == 1) | lost, padded).otherwise(digits)
    )


def _is_in(digits: Column, letter: Column) -> Column:
    return F.coalesce(looked_up(_sections(), F.substring(digits, 1, 2)) == letter, F.lit(False))


def _problem(text: Column, value: Column) -> Column:
    section = looked_up(_sections(), F.when(value.rlike(_SECTION), value).otherwise(F.substring(value, 1, 2)))
    return first_of(
        (text.isNull(), ""),
        (~text.rlike(r"\A(?:[A-T][0-9]{0,4}|[0-9]{1,4})\z"), "INDUSTRY_FORMAT"),
        (section.isNull(), "CODE_UNKNOWN"),
        (text.rlike(_LETTERED) & (section != F.substring(text, 1, 1)), "INDUSTRY_SECTION_CONTRADICTS"),
    )


INDUSTRY = Rule(
    "industry.form",
    text=lambda raw: F.regexp_replace(upper_cleaned(raw), r"[ -]|(?<=[0-9])\.0+\z", ""),
    value=_padded,
    problem=_problem,
)
"""An industry code of one letter or two to four digits, its division known to the code list ``industry``."""
