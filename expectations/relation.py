"""Expectations that ask another table (跨表与跨源规则): a reference that exists, a fact that another source has alike.

Usable from any Great Expectations project on Spark; the other table is a Delta table by its address.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import reduce
from operator import and_
from typing import Any, ClassVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.layers import Table
from expectations.gx import (
    BatchExpectation,
    RowConditionType,
    SparkDFExecutionEngine,
    TableMetricProvider,
    metric_value,
)
from jobs.runtime import delta

ROWS_WITHOUT_COUNTERPART = "table.rows_without_counterpart"


class RelationExpectation(BatchExpectation):  # type: ignore[misc]
    """Base of what is judged by joining the rows with another table."""

    reference_uri: str
    """Address of the other Delta table."""
    reference_version: int | None = None
    """Its version; None for the newest."""
    reference_where: str | None = None
    """Spark SQL condition on the other table's rows that count, such as ``NOT _is_deleted``."""
    may_be_absent: bool = False
    """Whether the other table need not exist yet: the rule is then not evaluable (不可评价), neither right nor wrong.
    Refused on mandatory rules."""
    row_condition: RowConditionType = None

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", ROWS_WITHOUT_COUNTERPART)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "row_condition", "condition_parser")

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The columns of the table by whose values alone a row is judged."""

    @abstractmethod
    def without_counterpart(self, rows: DataFrame) -> DataFrame:
        """Return those of ``rows`` that break the expectation."""

    def is_absent(self, rows: DataFrame) -> bool:
        """Return whether the other table does not exist, and need not."""
        known = Table(self.reference_uri, self.reference_uri)
        return self.may_be_absent and not delta.exists(rows.sparkSession, known)

    def reference(self, rows: DataFrame) -> DataFrame:
        """Return the other table's rows that count, on the session of ``rows``."""
        reader = rows.sparkSession.read.format("delta")
        if self.reference_version is not None:
            reader = reader.option("versionAsOf", self.reference_version)
        other = reader.load(self.reference_uri)
        return other if self.reference_where is None else other.where(self.reference_where)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: SparkDFExecutionEngine | None = None,
    ) -> dict[str, Any]:
        rows, told = int(metrics["table.row_count"]), metrics[ROWS_WITHOUT_COUNTERPART]
        broken, missing = (0, rows) if told is None else (int(told), 0)
        percent = 100 * broken / rows if rows else None
        counts = {"element_count": rows, "unexpected_count": broken, "missing_count": missing}
        found = {**counts, "unexpected_percent": percent}
        return {"success": broken == 0, "result": found}


class ExpectColumnValuesToExistInTable(RelationExpectation):
    """Expect every value that is not null to be one of another table's column (关联数据)."""

    column: str
    reference_column: str

    success_keys: ClassVar[tuple[str, ...]] = (
        "column", "reference_uri", "reference_version", "reference_where", "reference_column", "may_be_absent",
    )  # fmt: skip
    args_keys: ClassVar[tuple[str, ...]] = ("column", "reference_uri", "reference_column")

    @property
    def columns(self) -> list[str]:
        """The referring column."""
        return [self.column]

    def without_counterpart(self, rows: DataFrame) -> DataFrame:
        """Return the rows whose value the other table does not have."""
        known = self.reference(rows).select(F.col(self.reference_column).alias("_known"))
        return rows.where(F.col(self.column).isNotNull()).join(
            known, F.col(self.column) == F.col("_known"), "left_anti"
        )


class ExpectColumnValuesToAgreeWithTable(RelationExpectation):
    """Expect a value to be the one that another table has under the same key, where both have one (相同数据)."""

    key: str
    column: str
    reference_key: str
    reference_column: str

    success_keys: ClassVar[tuple[str, ...]] = (
        "key", "column", "reference_uri", "reference_version", "reference_where", "reference_key", "reference_column",
        "may_be_absent",
    )  # fmt: skip
    args_keys: ClassVar[tuple[str, ...]] = ("key", "column", "reference_uri", "reference_key", "reference_column")

    @property
    def columns(self) -> list[str]:
        """Key and value."""
        return [self.key, self.column]

    def without_counterpart(self, rows: DataFrame) -> DataFrame:
        """Return the rows to whose value the other table has another one under the same key."""
        others = [F.col(self.reference_key).alias("_known"), F.col(self.reference_column).alias("_other")]
        other = self.reference(rows).select(*others)
        differs: list[Column] = [F.col(self.key) == F.col("_known"), F.col(self.column) != F.col("_other")]
        return rows.join(other, reduce(and_, differs), "left_semi")


class RowsWithoutCounterpart(TableMetricProvider):  # type: ignore[misc]
    """The metric behind them: how many rows of the domain break the expectation; None without the other table."""

    metric_name = ROWS_WITHOUT_COUNTERPART
    value_keys = (
        "key", "column", "reference_uri", "reference_version", "reference_where", "reference_key", "reference_column",
        "may_be_absent",
    )  # fmt: skip

    @metric_value(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(
        cls,  # noqa: N805 - GX's decorator makes it a class method
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> int | None:
        rows = execution_engine.get_domain_records(domain_kwargs=metric_domain_kwargs)
        kind = (
            ExpectColumnValuesToAgreeWithTable if metric_value_kwargs.get("key") else ExpectColumnValuesToExistInTable
        )
        given = {name: value for name, value in metric_value_kwargs.items() if value is not None}
        asked = kind(**given)
        return None if asked.is_absent(rows) else int(asked.without_counterpart(rows).count())
