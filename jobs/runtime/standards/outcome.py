"""What a standardising rule says of a value (标准化结果)."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Outcome:
    """The standard value, and what was wrong or changed."""

    value: Column
    """The standard value in its logical type; null when there is none."""
    problem: Column
    """Reason code (string) when the raw value cannot stand, else null."""
    rule: Column
    """Id (string) of the rule that changed the raw value's meaning or form, else null."""


def nothing() -> Column:
    """Return a null string: no problem, or no rule."""
    return F.lit(None).cast("string")


def first_of(*cases: tuple[Column, str]) -> Column:
    """Return the code of the first condition that holds, else null."""
    found = nothing()
    for condition, code in reversed(cases):
        found = F.when(condition, F.lit(code)).otherwise(found)
    return found
