"""Every failing row with all the rules it breaks (问题数据标注): what the quarantine keeps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.domain import Failing

RULES = "_rules"
"""Column with the ids of the rules that a row breaks."""


def tag(frame: DataFrame, failing: Mapping[str, Failing]) -> DataFrame:
    """Return the rows of ``frame`` that break a rule, each once, with ``_rules``, the ids of all that it breaks.

    Rules on single rows cost nothing beyond reading the rows; a rule on keys or on another table costs a join.

    Args:
        frame: the checked version of the table.
        failing: rule id → how its failing rows are found; rules that nothing breaks are better left out.
    """
    names = frame.columns
    conditions: dict[str, Column] = {}
    for number, (rule_id, found) in enumerate(failing.items()):
        predicate = found.predicate
        if predicate is None:
            frame, predicate = _marked(frame, found, f"_broken_{number}")
        conditions[rule_id] = F.when(found.domain.both(predicate), F.lit(rule_id))
    broken = F.array_compact(F.array(*conditions.values())) if conditions else F.array().cast("array<string>")
    return frame.select(*names, broken.alias(RULES)).filter(F.size(RULES) > 0)


def _marked(frame: DataFrame, failing: Failing, mark: str) -> tuple[DataFrame, Column]:
    """Return ``frame`` with a column that is not null where the values of the rule's columns break it."""
    values = failing.rows(frame).select(*[F.col(c).alias(f"{mark}_{i}") for i, c in enumerate(failing.columns)])
    right = values.distinct().withColumn(mark, F.lit(True))
    same = reduce(and_, [F.col(c).eqNullSafe(F.col(f"{mark}_{i}")) for i, c in enumerate(failing.columns)])
    return frame.join(right, same, "left"), F.col(mark).isNotNull()
