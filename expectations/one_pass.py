"""One Spark pass over a table for all its expectations (单次扫描), with Great Expectations' own predicates.

GX is asked for the predicate of every expectation instead of its counts; all predicates are counted in one aggregate,
uniqueness joins the same query as a count per key; the counts go back to GX, whose own code gives each verdict. An
expectation that needs anything else is refused, never skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.errors import GuantongError
from expectations.gx import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
    ExpectationValidationResult,
    MetricConfiguration,
    MulticolumnMapExpectation,
    SparkDFExecutionEngine,
    ValidationGraph,
    deserialize_row_condition,
)

RUNTIME = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}, "catch_exceptions": False}
UNIQUE = {"column_values.unique", "compound_columns.unique"}
SCHEMA_METRICS = {"table.columns", "table.column_types"}
_MAPS = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)


class ExpectationUnsupportedError(GuantongError):
    """An expectation cannot be evaluated in the one pass; a gate does not guess."""

    code = "EXPECTATION_UNSUPPORTED"


class RuleBrokenError(GuantongError):
    """A rule raised an error of its own instead of a verdict (规则自身出错)."""

    code = "RULE_BROKEN"


@dataclass(frozen=True)
class Domain:
    """The rows an expectation looks at, as GX selects them."""

    condition: Column | None
    """None for all rows."""

    def select(self, frame: DataFrame) -> DataFrame:
        """Return the rows of ``frame`` in this domain."""
        return frame if self.condition is None else frame.filter(self.condition)

    def count(self, predicate: Column | None = None) -> Column:
        """Return an aggregate that counts the domain's rows, those with ``predicate`` only if given."""
        parts = [part for part in (self.condition, predicate) if part is not None]
        return F.count_if(reduce(lambda a, b: a & b, parts)) if parts else F.count(F.lit(1))


@dataclass
class Failing:
    """How to find the rows that break one expectation."""

    domain: Domain
    predicate: Column | None = None
    """Null for uniqueness, which is no property of one row."""
    unique_columns: list[str] = field(default_factory=list)


class OnePass:
    """The evaluation of a list of expectations on one frame: prepare, run once, then ask for verdicts."""

    def __init__(self, frame: DataFrame, expectations: list[Expectation]) -> None:
        self.frame = frame
        self.expectations = expectations
        self.engine = SparkDFExecutionEngine(batch_data_dict={"table": frame}, persist=False)
        self.failing: dict[int, Failing] = {}
        self.metrics: dict[Any, Any] = {}
        self._aggregates: dict[str, Column] = {}
        self._groups: dict[str, tuple[Domain, list[str]]] = {}
        self._waiting: dict[Any, str] = {}
        """Metric id → column of the pass that holds its value."""

    def prepare(self) -> None:
        """Turn every expectation into columns of the pass; touches the table's schema only.

        Raises:
            RuleBrokenError: when GX cannot make a predicate, as for a column that does not exist.
            ExpectationUnsupportedError: when an expectation needs more than predicates, row counts and the schema.
        """
        needed = [self._dependencies(expectation) for expectation in self.expectations]
        graph = ValidationGraph(execution_engine=self.engine)
        conditions: dict[int, MetricConfiguration] = {}
        for index, (expectation, dependencies) in enumerate(zip(self.expectations, needed, strict=True)):
            if isinstance(expectation, _MAPS):
                conditions[index] = self._condition_metric(expectation, dependencies)
            for name, metric in [*dependencies.items(), ("condition", conditions.get(index))]:
                if metric is not None and (name in SCHEMA_METRICS or name == "condition"):
                    self._in_graph(graph, metric, expectation)
        self._resolve(_without_row_counts(graph, self.engine))
        for index, (expectation, dependencies) in enumerate(zip(self.expectations, needed, strict=True)):
            self._plan(index, expectation, dependencies, conditions.get(index))

    def run(self) -> None:
        """Scan the table once and keep the counts."""
        aggregates = [column.alias(name) for name, column in self._aggregates.items()]
        parts = [self.frame.agg(*(aggregates or [F.count(F.lit(1)).alias("rows")]))]
        for name, (domain, columns) in self._groups.items():
            groups = domain.select(self.frame).groupBy(*columns).agg(F.count(F.lit(1)).alias("rows"))
            repeated = F.sum(F.when(F.col("rows") > 1, F.col("rows")).otherwise(0))
            parts.append(groups.agg(F.coalesce(repeated, F.lit(0)).alias(name)))
        row = reduce(lambda left, right: left.crossJoin(right), parts).collect()[0].asDict()
        for metric_id, name in self._waiting.items():
            self.metrics[metric_id] = row[name]

    def verdict(self, index: int) -> ExpectationValidationResult:
        """Return GX's own verdict on expectation ``index`` from the counts."""
        expectation = self.expectations[index]
        try:
            return expectation.metrics_validate(
                self.metrics, runtime_configuration=dict(RUNTIME), execution_engine=self.engine
            )
        except Exception as error:
            raise _broken(expectation, error) from error

    def _dependencies(self, expectation: Expectation) -> dict[str, MetricConfiguration]:
        try:
            dependencies = expectation.get_validation_dependencies(self.engine, dict(RUNTIME))
        except Exception as error:
            raise _broken(expectation, error) from error
        return dict(dependencies.metric_configurations)

    def _condition_metric(
        self, expectation: Expectation, dependencies: dict[str, MetricConfiguration]
    ) -> MetricConfiguration:
        counted = dependencies[f"{expectation.map_metric}.unexpected_count"]
        return MetricConfiguration(
            metric_name=f"{expectation.map_metric}.condition",
            metric_domain_kwargs=counted.metric_domain_kwargs,
            metric_value_kwargs=counted.metric_value_kwargs,
        )

    def _in_graph(self, graph: ValidationGraph, metric: MetricConfiguration, expectation: Expectation) -> None:
        try:
            graph.build_metric_dependency_graph(metric_configuration=metric)
        except Exception as error:
            raise _broken(expectation, error) from error

    def _resolve(self, graph: ValidationGraph) -> None:
        try:
            resolved, aborted = graph.resolve(
                runtime_configuration={"catch_exceptions": False}, show_progress_bars=False
            )
        except Exception as error:
            raise RuleBrokenError(
                f"a rule has no predicate on this table: {error}", remedy="mend the rule, or the table's columns"
            ) from error
        if aborted:
            raise RuleBrokenError(f"GX gave up on {len(aborted)} predicates", place=str(next(iter(aborted))))
        self.metrics.update(resolved)

    def _plan(
        self,
        index: int,
        expectation: Expectation,
        dependencies: dict[str, MetricConfiguration],
        condition: MetricConfiguration | None,
    ) -> None:
        for name, metric in dependencies.items():
            domain = domain_of(metric.metric_domain_kwargs, self.engine)
            if name in SCHEMA_METRICS:
                continue
            if name in ("table.row_count", "column_values.nonnull.unexpected_count") or name.endswith(
                ".filtered_row_count"
            ):
                self._count(metric, domain)
            elif name.endswith(".unexpected_values"):
                self.metrics[metric.id] = []
            elif condition is None or not name.endswith(".unexpected_count"):
                raise ExpectationUnsupportedError(
                    f"{type(expectation).__name__} needs {name}",
                    place=str((expectation.meta or {}).get("rule_id", "")),
                    remedy="use an expectation on single rows, on keys, on the row count or on the schema",
                )
            if condition is not None and name == f"{expectation.map_metric}.unexpected_count":
                self._predicate(index, expectation, metric, condition)

    def _count(self, metric: MetricConfiguration, domain: Domain) -> None:
        predicate = None
        if metric.metric_name.startswith("column_values.nonnull"):
            predicate = F.col(_quoted(metric.metric_domain_kwargs["column"])).isNull()
        self._await(metric, domain.count(predicate))

    def _predicate(
        self, index: int, expectation: Expectation, metric: MetricConfiguration, condition: MetricConfiguration
    ) -> None:
        predicate, compute, accessor = self.metrics[condition.id]
        domain = domain_of({**compute, **accessor}, self.engine)
        if expectation.map_metric in UNIQUE:
            columns = [accessor["column"]] if "column" in accessor else list(accessor["column_list"])
            columns = [_quoted(column) for column in columns]
            name = f"u{len(self._groups)}"
            self._groups[name] = (domain, columns)
            self._waiting[metric.id] = name
            self.failing[index] = Failing(domain, unique_columns=columns)
            return
        self._await(metric, domain.count(predicate))
        self.failing[index] = Failing(domain, predicate)

    def _await(self, metric: MetricConfiguration, aggregate: Column) -> None:
        if metric.id not in self._waiting:
            name = f"c{len(self._aggregates)}"
            self._aggregates[name] = aggregate
            self._waiting[metric.id] = name


def _without_row_counts(graph: ValidationGraph, engine: SparkDFExecutionEngine) -> ValidationGraph:
    """Return the graph without the row counts that GX declares for every predicate and no predicate in use reads.

    Each would be a scan of its own; a predicate that does read one then fails, and the check with it.
    """
    kept = [
        edge
        for edge in graph.edges
        if not any(end is not None and end.metric_name.startswith("table.row_count") for end in (edge.left, edge.right))
    ]
    for edge in kept:
        dependencies = edge.left.metric_dependencies
        edge.left.metric_dependencies = {k: v for k, v in dependencies.items() if k != "table.row_count"}
    return ValidationGraph(execution_engine=engine, edges=kept)


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
        nulls = [F.col(_quoted(column)).isNull() for column in columns]
        if ignore in ("both_values_are_missing", "all_values_are_missing"):
            parts.append(~reduce(lambda a, b: a & b, nulls))
        elif ignore in ("either_value_is_missing", "any_value_is_missing"):
            parts.append(~reduce(lambda a, b: a | b, nulls))
        elif ignore not in ("neither", "never"):
            raise ExpectationUnsupportedError(f"ignore_row_if={ignore!r} is unknown")
    return Domain(reduce(lambda a, b: a & b, parts) if parts else None)


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"


def _broken(expectation: Expectation, error: Exception) -> RuleBrokenError:
    return RuleBrokenError(
        f"{type(expectation).__name__} could not be evaluated: {error}",
        place=str((expectation.meta or {}).get("rule_id", "")),
        remedy="mend the rule, or the table's columns",
    )
