"""The form of a standardising rule (规则形式): clean text → standard value → what is wrong, and what was changed.

Invariant: each step is a projection of its own. Nested in one expression, a value that is used seventeen times would be
computed seventeen times, and the plan grows until the engine chokes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


Step = Callable[[Sequence[Column]], list[Column]]
"""What is known so far → what is known next, each a column of a projection of its own."""


def no_problem(text: Column, value: Column, *found: Column) -> Column:
    """Return that nothing can be wrong with the value."""
    return nothing()


@dataclass(frozen=True)
class Rule:
    """One standardising rule; every part returns a column expression."""

    name: str
    """Id under which a change of form is recorded."""
    value: Callable[[Column], Column]
    """Clean text → standard value in its logical type; null when there is none."""
    problem: Callable[..., Column] = no_problem
    """Clean text, value, and what the last of ``steps`` found → reason code, or null when the value stands."""
    text: Callable[[Column], Column] = cleaned
    """Raw text → clean text."""
    refined: tuple[Callable[[Column], Column], ...] = ()
    """Further steps over the clean text, each one a projection; null stays null."""
    written: Callable[[Column], Column] = lambda value: value
    """Value → the form in which a department may write it without being changed."""
    noteworthy: Callable[[Column], tuple[Column, str]] | None = None
    """Clean text → a condition and the flag (in capitals) that people want to see."""
    steps: tuple[Step, ...] = ()
    """Value → … → what the judgement needs and would otherwise compute once per use."""
    forms: Callable[[Column], Sequence[tuple[Column, str]]] = lambda text: ()
    """Clean text → forms that are recorded under an id of their own instead of ``name``, in order."""

    def change(self, raw: Column, text: Column, value: Column) -> Column:
        """Return the id of what changed the raw value, or null; most values are found unchanged before all else."""
        unchanged = self.written(value).eqNullSafe(raw)
        changed = raw.isNotNull() & (value.isNotNull() | text.isNull())
        special = [self.noteworthy(text)] if self.noteworthy else []
        return first_of((unchanged, ""), *special, *self.forms(text), (changed, self.name))


def apply_rules(rows: DataFrame, rules: Mapping[str, Rule], origins: Mapping[str, str] | None = None) -> DataFrame:
    """Return ``rows`` with ``<column>__value``, ``<column>__problem`` and ``<column>__rule`` for each column.

    Args:
        rows: raw text.
        rules: column → its rule.
        origins: derived column → the raw column that it is read from; the others are their own.
    """
    raw = {c: (origins or {}).get(c, c) for c in rules}
    wanted = [*rows.columns, *[f"{c}__{part}" for c in rules for part in ("value", "problem", "rule")]]
    rows, texts = _with_texts(rows, rules, raw)
    rows = rows.select("*", *[rule.value(F.col(texts[c])).alias(f"{c}__value") for c, rule in rules.items()])
    rows, found = _stepped(rows, rules)
    judged = []
    for column, rule in rules.items():
        text, value = F.col(texts[column]), F.col(f"{column}__value")
        judged.append(rule.problem(text, value, *map(F.col, found[column])).alias(f"{column}__problem"))
        judged.append(rule.change(F.col(raw[column]), text, value).alias(f"{column}__rule"))
    return rows.select("*", *judged).select(*wanted)


def _with_texts(rows: DataFrame, rules: Mapping[str, Rule], raw: Mapping[str, str]) -> tuple[DataFrame, dict[str, str]]:
    """Return ``rows`` with the clean texts, and column → its text; what two rules clean alike is cleaned once."""
    shared: dict[tuple[object, ...], str] = {}
    texts = {c: shared.setdefault((raw[c], rule.text, rule.refined), f"{c}__text") for c, rule in rules.items()}
    owners = {c: rule for c, rule in rules.items() if texts[c] == f"{c}__text"}
    rows = rows.select("*", *[rule.text(F.col(raw[c])).alias(texts[c]) for c, rule in owners.items()])
    for depth in range(max(len(rule.refined) for rule in rules.values())):
        refining = {texts[c]: rule.refined[depth] for c, rule in owners.items() if len(rule.refined) > depth}
        rows = rows.withColumns({name: step(F.col(name)) for name, step in refining.items()})
    return rows, texts


def _stepped(rows: DataFrame, rules: Mapping[str, Rule]) -> tuple[DataFrame, dict[str, list[str]]]:
    """Return ``rows`` after the steps of all rules, and the names of what each rule's last step found."""
    found = {column: [f"{column}__value"] if rule.steps else [] for column, rule in rules.items()}
    for number in range(max((len(rule.steps) for rule in rules.values()), default=0)):
        made: list[Column] = []
        for column, rule in rules.items():
            if number < len(rule.steps):
                outcome = rule.steps[number]([F.col(name) for name in found[column]])
                found[column] = [f"{column}__step_{number}_{place}" for place in range(len(outcome))]
                made += [what.alias(name) for what, name in zip(outcome, found[column], strict=True)]
        rows = rows.select("*", *made)
    return rows, found
