"""Organisation codes (组织机构代码, GB 11714) as arithmetic to the base 36, and their link to the USCC."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import organisation_code
from catalog.model.ids.cleaning import DASHES
from jobs.runtime.standards.identifiers.form import digit, identifier_text, named, pick, weighted, without_outer_marks
from jobs.runtime.standards.rule import Rule, first_of


def organisation_code_of(uscc: Column) -> Column:
    """Return characters 9 to 17 of a unified social credit code, by which older lists link to it (GB 32100)."""
    return F.substring(uscc, 9, 9)


def _body(found: Sequence[Column]) -> list[Column]:
    body = F.conv(F.substring(found[0], 1, 8), 36, 10).cast("bigint")
    return [F.when(found[0].rlike(organisation_code.PATTERN), body)]


def _check(found: Sequence[Column]) -> list[Column]:
    total = weighted((digit(found[0], 7 - place, 36) for place in range(8)), organisation_code.WEIGHTS)
    return [pick(organisation_code.CHECK_CHARACTERS, total % F.lit(11))]


def organisation_code_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 组织机构代码: nine characters without a hyphen, judged by form and check character."""

    def problem(text: Column, value: Column, check: Column) -> Column:
        return first_of(
            (value.isNull() | (check == F.substring(value, 9, 1)), ""),
            (check.isNotNull(), "ORGANISATION_CODE_CHECKSUM"),
            *named(value, organisation_code.failures(headings)),
        )

    return Rule(
        "organisation_code.clean",
        text=identifier_text,
        value=_value,
        steps=(_body, _check),
        problem=problem,
    )


def _value(text: Column) -> Column:
    bare = F.nullif(F.translate(text, DASHES, ""), F.lit(""))
    return without_outer_marks(F.coalesce(bare, text))
