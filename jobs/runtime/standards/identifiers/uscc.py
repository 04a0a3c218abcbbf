"""Unified social credit codes (统一社会信用代码, GB 32100): form by pattern, check character by pairs of characters."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import uscc
from jobs.runtime.standards.identifiers.citizen_id import is_likely_citizen_id
from jobs.runtime.standards.identifiers.form import identifier_text, named, without_outer_marks
from jobs.runtime.standards.identifiers.pairs import weighted_total
from jobs.runtime.standards.rule import Rule, first_of

_WEIGHTS = (*uscc.WEIGHTS, 1)
"""The check character counts once: with it, the weighted sum of a right code is 0 modulo 31."""


def has_right_uscc_check(value: Column) -> Column:
    """Return whether the check character of a code of the right form is right; null for null."""
    return weighted_total(value, uscc.ALPHABET, _WEIGHTS, len(uscc.ALPHABET)) == 0


def _looked_at(found: Sequence[Column]) -> list[Column]:
    """Return whether the form is right, and whether the check character then is."""
    return [found[0].rlike(uscc.PATTERN), has_right_uscc_check(found[0])]


def uscc_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 统一社会信用代码: form and check character; what else was written is named."""

    def problem(text: Column, value: Column, has_form: Column, is_right: Column) -> Column:
        return first_of(
            (value.isNull() | (has_form & is_right), ""),
            *((~has_form & condition, code) for condition, code in named(value, uscc.failures(headings))),
            (value.rlike(uscc.ZEROED), "USCC_SPREADSHEET"),
            (is_likely_citizen_id(value), "USCC_IS_CITIZEN_ID"),
            (F.lit(True), "USCC_CHECKSUM"),
        )

    return Rule(
        "uscc.clean",
        text=identifier_text,
        value=without_outer_marks,
        steps=(_looked_at,),
        problem=problem,
    )
