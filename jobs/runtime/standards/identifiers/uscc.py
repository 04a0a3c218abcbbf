"""Unified social credit codes (统一社会信用代码, GB 32100): all characters' values at once, as lanes of whole numbers.

The bytes of up to seven characters make one number (``hex``, read as a number). A comparison of all of them with one
character is then one addition: a byte plus (127 − c) reaches 128, its eighth bit, exactly when it is greater than c,
and nothing is carried into the next byte. So seven values cost a few additions, not seven searches in the alphabet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import uscc
from jobs.runtime.standards.identifiers.citizen_id import is_likely_citizen_id
from jobs.runtime.standards.identifiers.form import identifier_text, named, without_outer_marks
from jobs.runtime.standards.rule import Rule, first_of

_PARTS = ((1, 7), (8, 7), (15, 4))
"""First character (from 1) and length of each part; eight bytes would reach the sign."""
_WEIGHTS = (*uscc.WEIGHTS, 1)
"""The check character counts once: with it, the weighted sum of a right code is 0 modulo 31."""
_SKIPPED = "IOSV"
"""Letters that GB 32100 leaves out before the last it uses: each moves what follows down by one."""


def _lanes(value: int, length: int) -> int:
    """Return ``value`` in each of ``length`` bytes."""
    return sum(value << (8 * lane) for lane in range(length))


def _form(found: Sequence[Column]) -> list[Column]:
    return [F.when(found[0].rlike(uscc.PATTERN), found[0])]


def _bytes(found: Sequence[Column]) -> list[Column]:
    """Return the parts as numbers; 0, never null, for what has not the form."""
    parts = (F.conv(F.hex(F.substring(found[0], *part)), 16, 10).cast("bigint") for part in _PARTS)
    return [F.coalesce(part, F.lit(0).cast("bigint")) for part in parts]


def _values(found: Sequence[Column]) -> list[Column]:
    """Return the parts with each byte replaced by its place in the alphabet; negative for what has not the form."""
    return [_places(number, length) for number, (_, length) in zip(found, _PARTS, strict=True)]


def _places(number: Column, length: int) -> Column:
    def above(character: str) -> Column:
        raised = number + F.lit(_lanes(127 - ord(character), length)).cast("bigint")
        return F.shiftright(raised, 7).bitwiseAND(F.lit(_lanes(1, length)).cast("bigint"))

    places = number - F.lit(_lanes(ord("0"), length)).cast("bigint") - above("@") * F.lit(ord("A") - ord("9") - 1)
    return reduce(lambda left, character: left - above(character), _SKIPPED, places)


def _sum(found: Sequence[Column]) -> list[Column]:
    """Return whether form and check character are right, and whether the form is."""
    terms = []
    for number, (first, length) in zip(found, _PARTS, strict=True):
        for lane in range(length):
            place = F.shiftright(number, 8 * (length - 1 - lane)).bitwiseAND(F.lit(31).cast("bigint"))
            terms.append(place * F.lit(_WEIGHTS[first - 1 + lane]))
    has_form = found[0] >= 0
    return [has_form & (reduce(add, terms) % F.lit(31) == 0), has_form]


def uscc_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 统一社会信用代码: form and check character; what else was written is named."""

    def problem(text: Column, value: Column, is_right: Column, has_form: Column) -> Column:
        return first_of(
            (value.isNull() | is_right, ""),
            *((~has_form & condition, code) for condition, code in named(value, uscc.failures(headings))),
            (value.rlike(uscc.ZEROED), "USCC_SPREADSHEET"),
            (is_likely_citizen_id(value), "USCC_IS_CITIZEN_ID"),
            (F.lit(True), "USCC_CHECKSUM"),
        )

    return Rule(
        "uscc.clean",
        text=identifier_text,
        value=without_outer_marks,
        steps=(_form, _bytes, _values, _sum),
        problem=problem,
    )
