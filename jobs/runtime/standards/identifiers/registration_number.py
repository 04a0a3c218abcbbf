"""Registration numbers (工商注册号, GS 15-2006): ISO 7064 MOD 11,10 as a walk through a table of its ten states."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import registration_number
from jobs.runtime.standards.identifiers.form import digit, identifier_text, named, table, without_outer_marks
from jobs.runtime.standards.rule import Rule, first_of

_START = 5
_NEXT = [((state or 10) * 2 % 11 + number) % 10 for state in range(10) for number in range(10)]
"""State after a digit, at ten times the state plus the digit."""
_RIGHT = 1


def _number(found: Sequence[Column]) -> list[Column]:
    return [F.when(found[0].rlike(registration_number.PATTERN), found[0].try_cast("bigint"))]


def _walk(found: Sequence[Column]) -> list[Column]:
    """Return the state after the first five digits, and the number."""
    return [_walked(F.lit(_START), found[0], range(14, 9, -1)), found[0]]


def _walk_on(found: Sequence[Column]) -> list[Column]:
    """Return the state after the first ten digits, and the number; one expression over all would be too deep."""
    return [_walked(found[0], found[1], range(9, 4, -1)), found[1]]


def _is_right(found: Sequence[Column]) -> list[Column]:
    """Return whether the walk over all 15 digits ends in the right state; null for what has not the form."""
    return [_walked(found[0], found[1], range(4, -1, -1)) == _RIGHT]


def is_right_registration_number(digits: Column) -> Column:
    """Return whether the walk over a text of digits ends in the right state, as one expression of little depth."""

    def step(state: Column, character: Column) -> Column:
        return F.get(table(_NEXT), (state * F.lit(10) + character.try_cast("int")).cast("int"))

    return F.aggregate(F.split(digits, ""), F.lit(_START), step) == _RIGHT


def _walked(state: Column, number: Column, places: range) -> Column:
    for place in places:
        state = F.get(table(_NEXT), (state * F.lit(10) + digit(number, place)).cast("int"))
    return state


def registration_number_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 工商注册号: 15 digits, judged by form and check digit."""

    def problem(text: Column, value: Column, is_right: Column) -> Column:
        return first_of(
            (value.isNull() | is_right, ""),
            (is_right.isNotNull(), "REGISTRATION_NUMBER_CHECKSUM"),
            *named(value, registration_number.failures(headings)),
        )

    return Rule(
        "registration_number.clean",
        text=identifier_text,
        value=without_outer_marks,
        steps=(_number, _walk, _walk_on, _is_right),
        problem=problem,
    )
