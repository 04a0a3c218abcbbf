"""An expectation for types with parameters (精确类型): GX compares classes, so any decimal passes for any other."""

from __future__ import annotations

from typing import Any, ClassVar

from expectations.gx import BatchExpectation, SparkDFExecutionEngine


class ExpectColumnSparkTypeToBe(BatchExpectation):  # type: ignore[misc]
    """Expect a column's Spark type to be exactly this, precision and element types included."""

    column: str
    spark_type: str
    """As Spark prints it, such as ``decimal(20,4)`` or ``array<string>``."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.column_types",)
    success_keys: ClassVar[tuple[str, ...]] = ("column", "spark_type")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    args_keys: ClassVar[tuple[str, ...]] = ("column", "spark_type")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: SparkDFExecutionEngine | None = None,
    ) -> dict[str, Any]:
        found = {entry["name"]: entry["type"].simpleString() for entry in metrics["table.column_types"]}
        if self.column not in found:
            raise ValueError(f"column {self.column} does not exist")
        return {
            "success": found[self.column] == self.spark_type,
            "result": {"observed_value": found[self.column]},
        }
