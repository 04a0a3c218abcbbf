"""Electronic licence identifiers (电子证照标识, GB/T 36904): form and ISO 7064 MOD 37,36."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.model.ids import licence_id
from jobs.runtime.standards.identifiers.form import identifier_text, named, pick, without_outer_marks
from jobs.runtime.standards.rule import Rule, first_of

_LETTERS_AND_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def licence_check_character(text: Column) -> Column:
    """Return the ISO 7064 MOD 37,36 check character of ``text`` (letters and digits, of any length)."""

    def step(carry: Column, character: Column) -> Column:
        total = (carry + F.position(character, F.lit(_LETTERS_AND_DIGITS)) - 1) % 36
        return (F.coalesce(F.nullif(total, F.lit(0)), F.lit(36)) * 2) % 37

    carry = F.aggregate(F.split(text, ""), F.lit(36), step)
    return pick(_LETTERS_AND_DIGITS, (F.lit(37) - carry) % 36)


def licence_id_rule(headings: tuple[str, ...] = ()) -> Rule:
    """Return the rule of 电子证照标识: judged by form and check character."""

    def problem(text: Column, value: Column) -> Column:
        body = F.replace(F.substring(value, len(licence_id.ROOT) + 2, 200), F.lit("."), F.lit(""))
        stem = body.substr(F.lit(1), F.length(body) - 1)
        has_form = value.rlike(licence_id.PATTERN)
        return first_of(
            (value.isNull(), ""),
            *((~has_form & condition, code) for condition, code in named(value, licence_id.failures(headings))),
            (licence_check_character(stem) != F.right(value, F.lit(1)), "LICENCE_ID_CHECKSUM"),
        )

    return Rule("licence_id.clean", text=identifier_text, value=without_outer_marks, problem=problem)
