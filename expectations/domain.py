"""Which rows an expectation looks at, and which of them break it (规则适用范围), as Spark conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.errors import GuantongError
from expectations.gx import SparkDFExecutionEngine, deserialize_row_condition


class ExpectationUnsupportedError(GuantongError):
    """An expectation cannot be evaluated in the one pass; a gate does not guess."""

    code = "EXPECTATION_UNSUPPORTED"


@dataclass(frozen=True)
class Domain:
    """The rows an expectation looks at, as GX selects them."""

    condition: Column | None
    """None for all rows."""

    def select(self, frame: DataFrame) -> DataFrame:
        """Return the rows of ``frame`` in this domain."""
        return frame if self.condition is None else frame.filter(self.condition)

    def both(self, predicate: Column | None = None) -> Column | None:
        """Return the condition for a row of the domain, with ``predicate`` only if given; None for every row."""
        parts = [part for part in (self.condition, predicate) if part is not None]
        return reduce(lambda a, b: a & b, parts) if parts else None

    def count(self, predicate: Column | None = None) -> Column:
        """Return an aggregate that counts the domain's rows, those with ``predicate`` only if given."""
        both = self.both(predicate)
        return F.count(F.lit(1)) if both is None else F.count_if(both)


@dataclass
class Failing:
    """How to find the rows that break one expectation: by a predicate, by another table, or by repeated columns."""

    domain: Domain
    predicate: Column | None = None
    """A property of a single row."""
    columns: list[str] = field(default_factory=list)
    """Without a predicate: the columns, quoted, by whose values a row is judged."""
    broken_rows: Callable[[DataFrame], DataFrame] | None = None
    """Rows → those that break the rule, where another table is asked; None when no two rows may share the columns."""

    def rows(self, frame: DataFrame) -> DataFrame:
        """Return the rows of ``frame`` that break the expectation, duplicates all."""
        rows = self.domain.select(frame)
        if self.broken_rows is not None:
            return self.broken_rows(rows)
        if self.predicate is not None:
            return rows.filter(self.predicate)
        return repeated_rows(rows, self.columns)


def repeated_rows(rows: DataFrame, columns: list[str]) -> DataFrame:
    """Return the rows whose ``columns`` another row has too; nulls are alike.

    A hash of the columns says which few rows can be concerned, and they alone are compared by value.
    """
    hashed = rows.withColumn("_key_hash", F.xxhash64(*columns))
    again = hashed.groupBy("_key_hash").agg(F.count(F.lit(1)).alias("_alike")).where("_alike > 1").drop("_alike")
    suspects = hashed.join(again, "_key_hash", "left_semi").drop("_key_hash")
    names = [column.strip("`") for column in columns]
    values = suspects.groupBy(*columns).agg(F.count(F.lit(1)).alias("_alike")).where("_alike > 1").drop("_alike")
    right = values.select(*[F.col(column).alias(f"_repeated_{i}") for i, column in enumerate(columns)])
    same = [F.col(f"`{name}`").eqNullSafe(F.col(f"_repeated_{i}")) for i, name in enumerate(names)]
    return suspects.join(right, reduce(lambda a, b: a & b, same), "left_semi")


def domain_of(kwargs: dict[str, Any], engine: SparkDFExecutionEngine) -> Domain:
    """Return the rows that GX's domain arguments select, as one condition.

    The reading is that of ``SparkDFExecutionEngine.get_domain_records``; a test holds the two equal.
    """
    parts: list[Column] = []
    row_condition = kwargs.get("row_condition")
    if row_condition:
        parts.append(F.expr(engine.condition_to_filter_clause(deserialize_row_condition(row_condition))))
    parts += [F.expr(condition.condition) for condition in kwargs.get("filter_conditions", [])]
    ignore = kwargs.get("ignore_row_if")
    columns = [kwargs[k] for k in ("column_A", "column_B") if k in kwargs] or list(kwargs.get("column_list") or [])
    if ignore and columns and "column" not in kwargs:
        nulls = [F.col(quoted(column)).isNull() for column in columns]
        if ignore in ("both_values_are_missing", "all_values_are_missing"):
            parts.append(~reduce(lambda a, b: a & b, nulls))
        elif ignore in ("either_value_is_missing", "any_value_is_missing"):
            parts.append(~reduce(lambda a, b: a | b, nulls))
        elif ignore not in ("neither", "never"):
            raise ExpectationUnsupportedError(f"ignore_row_if={ignore!r} is unknown")
    return Domain(reduce(lambda a, b: a & b, parts) if parts else None)


def quoted(column: str) -> str:
    """Return a column's name as Spark SQL reads it."""
    return "`" + column.replace("`", "``") + "`"
