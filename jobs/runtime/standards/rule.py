"""The form of a standardising rule (规则形式): clean text → standard value → what is wrong, and what was changed.

Invariant: each step is a projection of its own. Nested in one expression, a value that is used seventeen times would be
computed seventeen times, and the plan grows until the engine chokes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.runtime.standards.cleaning import cleaned


def nothing() -> Column:
    """Return a null string: no problem, or no rule."""
    return F.lit(None).cast("string")


def first_of(*cases: tuple[Column, str]) -> Column:
    """Return the code of the first condition that holds, else null; an empty code ends the search with null."""
    found = nothing()
    for condition, code in reversed(cases):
        found = F.when(condition, F.lit(code) if code else nothing()).otherwise(found)
    return found


def no_problem(text: Column, value: Column) -> Column:
    """Return that nothing can be wrong with the value."""
    return nothing()


@dataclass(frozen=True)
class Rule:
    """One standardising rule; every part returns a column expression."""

    name: str
    """Id under which a change of form is recorded."""
    value: Callable[[Column], Column]
    """Clean text → standard value in its logical type; null when there is none."""
    problem: Callable[[Column, Column], Column] = no_problem
    """Clean text, value → reason code, or null when the value stands."""
    text: Callable[[Column], Column] = cleaned
    """Raw text → clean text."""
    written: Callable[[Column], Column] = lambda value: value
    """Value → the form in which a department may write it without being changed."""
    noteworthy: Callable[[Column], tuple[Column, str]] | None = None
    """Clean text → a condition and the flag (in capitals) that people want to see."""

    def change(self, raw: Column, text: Column, value: Column) -> Column:
        """Return the id of what changed the raw value, or null."""
        changed = raw.isNotNull() & ~self.written(value).eqNullSafe(raw) & (value.isNotNull() | text.isNull())
        special = [self.noteworthy(text)] if self.noteworthy else []
        return first_of(*special, (changed, self.name))


def apply_rules(rows: DataFrame, rules: Mapping[str, Rule]) -> DataFrame:
    """Return ``rows`` with ``<column>__value``, ``<column>__problem`` and ``<column>__rule`` for each raw column."""
    rows = rows.select("*", *[rule.text(F.col(c)).alias(f"{c}__text") for c, rule in rules.items()])
    rows = rows.select("*", *[rule.value(F.col(f"{c}__text")).alias(f"{c}__value") for c, rule in rules.items()])
    judged = []
    for column, rule in rules.items():
        text, value = F.col(f"{column}__text"), F.col(f"{column}__value")
        judged.append(rule.problem(text, value).alias(f"{column}__problem"))
        judged.append(rule.change(F.col(column), text, value).alias(f"{column}__rule"))
    return rows.select("*", *judged).drop(*[f"{c}__text" for c in rules])
