"""One Spark pass over a table for all its expectations (单次扫描), with Great Expectations' own predicates.

GX is asked for the predicate or aggregate of every expectation instead of its value; one query counts them all and
finds keys of failing rows, and takes rules on keys and on other tables along; the counts go back to GX, whose own code
gives each verdict. An expectation that needs anything else is refused, never skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.errors import GuantongError
from expectations.domain import ExpectationUnsupportedError, Failing, domain_of, quoted
from expectations.gx import (
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
    ExpectationValidationResult,
    MetricConfiguration,
    MulticolumnMapExpectation,
    SparkDFExecutionEngine,
    ValidationGraph,
)
from expectations.relation import ROWS_WITHOUT_COUNTERPART, RelationExpectation
from expectations.row_rules import RowRules
from expectations.scan import Found, scan
from expectations.tagging import RULES, tag

__all__ = ["ExpectationUnsupportedError", "Failing", "OnePass", "RuleBrokenError", "domain_of"]

RUNTIME = {"result_format": {"result_format": "BASIC", "partial_unexpected_count": 0}, "catch_exceptions": False}
UNIQUE = {"column_values.unique", "compound_columns.unique"}
SCHEMA_METRICS = {"table.columns", "table.column_types"}
AGGREGATES = {"column.max", "column.min", "column.mean", "column.sum"}
"""GX's aggregates that leave nulls out by themselves."""
_MAPS = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)


class RuleBrokenError(GuantongError):
    """A rule raised an error of its own instead of a verdict (规则自身出错)."""

    code = "RULE_BROKEN"


class OnePass:
    """The evaluation of a list of expectations on one frame: prepare, run once, then ask for verdicts."""

    def __init__(self, frame: DataFrame, expectations: Sequence[Expectation]) -> None:
        self.frame = frame
        self.expectations = list(expectations)
        self.engine = SparkDFExecutionEngine(batch_data_dict={"table": frame}, persist=False)
        self.failing: dict[int, Failing] = {}
        self.found: dict[int, Found] = {}
        """After ``run``: what the scan saw of each rule in ``failing``."""
        self.rows = 0
        """After ``run``: all rows of the frame."""
        self._kept: str | None = None
        self.metrics: dict[Any, Any] = {}
        self._aggregates: dict[str, Column] = {}
        self._waiting: dict[Any, str] = {}
        """Metric id → name of the aggregate that holds its value."""
        self._failures: dict[Any, int] = {}
        """Metric id → the rule whose failing rows are its value."""

    def prepare(self) -> None:
        """Turn every expectation into columns of the pass; touches the table's schema only.

        Raises:
            RuleBrokenError: when GX cannot make a predicate, as for a column that does not exist.
            ExpectationUnsupportedError: when an expectation needs more than predicates, row counts, plain aggregates,
                another table and the schema.
        """
        needed = [self._dependencies(expectation) for expectation in self.expectations]
        graph = ValidationGraph(execution_engine=self.engine)
        partial: dict[Any, MetricConfiguration] = {}
        for expectation, dependencies in zip(self.expectations, needed, strict=True):
            for metric in dependencies.values():
                made = _without_counting(expectation, metric)
                if made is not None:
                    partial[metric.id] = made
                    self._in_graph(graph, made, expectation)
        self._resolve(_without_row_counts(graph, self.engine))
        for index, (expectation, dependencies) in enumerate(zip(self.expectations, needed, strict=True)):
            for metric in dependencies.values():
                self._plan(index, expectation, metric, partial.get(metric.id))

    def run(self, places: Sequence[str] = (), keep: str | None = None) -> None:
        """Scan the table once and keep the counts.

        Args:
            places: columns that tell where a failing row is; some of their values are kept per rule.
            keep: address of a folder where the failing rows are written in the same scan, for ``tagged``.
        """
        self._kept = keep
        counts, self.found = scan(self.frame, self._aggregates, self.failing, places, keep)
        self.rows = int(counts.get("rows", 0))
        missing = self._aggregates.keys() - counts.keys()
        if missing:
            raise RuleBrokenError(f"{len(missing)} counts did not come back", remedy="run the check again")
        self.metrics.update({metric_id: counts[name] for metric_id, name in self._waiting.items()})
        self.metrics.update({metric_id: self.found[index].rows for metric_id, index in self._failures.items()})

    def verdict(self, index: int) -> ExpectationValidationResult:
        """Return GX's own verdict on expectation ``index`` from the counts."""
        expectation = self.expectations[index]
        try:
            return expectation.metrics_validate(
                self.metrics, runtime_configuration=dict(RUNTIME), execution_engine=self.engine
            )
        except Exception as error:
            raise _broken(expectation, error) from error

    def tagged(self) -> DataFrame:
        """Return every row that breaks a rule, with ``_rules``, the ids of all the rules it breaks; after ``run``.

        Where ``run`` kept the failing rows they are not looked for again, unless a rule on keys or on another table
        fails, which only the whole table can tell of.
        """
        broken = {i: self.failing[i] for i, found in self.found.items() if found.rows}
        if self._kept is None or any(failing.predicate is None for failing in broken.values()):
            return tag(self.frame, {_rule_id(self.expectations[i]): failing for i, failing in broken.items()})
        kept = self.frame.sparkSession.read.parquet(self._kept)
        rules = RowRules({i: f for i, f in self.failing.items() if f.predicate is not None})
        names = rules.broken_rules({i: _rule_id(self.expectations[i]) for i in self.failing})
        return kept.select(*self.frame.columns, names.alias(RULES))

    def _dependencies(self, expectation: Expectation) -> dict[str, MetricConfiguration]:
        try:
            dependencies = expectation.get_validation_dependencies(self.engine, dict(RUNTIME))
        except Exception as error:
            raise _broken(expectation, error) from error
        return dict(dependencies.metric_configurations)

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
        self, index: int, expectation: Expectation, metric: MetricConfiguration, partial: MetricConfiguration | None
    ) -> None:
        """Say where the value of ``metric`` will come from."""
        name, domain = metric.metric_name, domain_of(metric.metric_domain_kwargs, self.engine)
        if name in SCHEMA_METRICS:
            return
        if name == "table.row_count" or name.endswith(".filtered_row_count"):
            self._await(metric, domain.count())
        elif name == "column_values.nonnull.unexpected_count":
            self._await(metric, domain.count(F.col(quoted(metric.metric_domain_kwargs["column"])).isNull()))
            if isinstance(expectation, _MAPS) and expectation.map_metric == "column_values.nonnull":
                self._predicate(index, expectation, metric, partial)
        elif name.endswith(".unexpected_values"):
            self.metrics[metric.id] = []
        elif name in AGGREGATES and partial is not None and domain.condition is None:
            self._await(metric, self.metrics[partial.id][0])
        elif name == ROWS_WITHOUT_COUNTERPART and isinstance(expectation, RelationExpectation):
            if expectation.is_absent(self.frame):
                self.metrics[metric.id] = None
                return
            columns = [quoted(column) for column in expectation.columns]
            self.failing[index] = Failing(domain, columns=columns, broken_rows=expectation.without_counterpart)
            self._failures[metric.id] = index
        elif partial is not None and name == f"{expectation.map_metric}.unexpected_count":
            self._predicate(index, expectation, metric, partial)
        else:
            raise ExpectationUnsupportedError(
                f"{type(expectation).__name__} needs {name}",
                place=_rule_id(expectation),
                remedy="use an expectation on single rows, on keys, on the row count, on a largest or smallest value, "
                "on another table, or on the schema",
            )

    def _predicate(
        self,
        index: int,
        expectation: Expectation,
        metric: MetricConfiguration,
        condition: MetricConfiguration | None,
    ) -> None:
        if condition is None:
            raise ExpectationUnsupportedError(f"{type(expectation).__name__} has no predicate")
        predicate, compute, accessor = self.metrics[condition.id]
        domain = domain_of({**compute, **accessor}, self.engine)
        if expectation.map_metric in UNIQUE:
            columns = [accessor["column"]] if "column" in accessor else list(accessor["column_list"])
            self.failing[index] = Failing(domain, columns=[quoted(column) for column in columns])
        else:
            self.failing[index] = Failing(domain, predicate)
        self._failures[metric.id] = index

    def _await(self, metric: MetricConfiguration, aggregate: Column) -> None:
        if metric.id not in self._waiting:
            name = f"c{len(self._aggregates)}"
            self._aggregates[name] = aggregate
            self._waiting[metric.id] = name


def _without_counting(expectation: Expectation, metric: MetricConfiguration) -> MetricConfiguration | None:
    """Return the metric that GX has before it counts: a predicate, an aggregate not yet computed, or the schema."""
    name = metric.metric_name
    if name in SCHEMA_METRICS:
        return metric
    if name in AGGREGATES:
        wanted = f"{name}.aggregate_fn"
    elif isinstance(expectation, _MAPS) and name == f"{expectation.map_metric}.unexpected_count":
        wanted = f"{expectation.map_metric}.condition"
    else:
        return None
    return MetricConfiguration(
        metric_name=wanted,
        metric_domain_kwargs=metric.metric_domain_kwargs,
        metric_value_kwargs=metric.metric_value_kwargs,
    )


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


def _rule_id(expectation: Expectation) -> str:
    return str((expectation.meta or {}).get("rule_id", ""))


def _broken(expectation: Expectation, error: Exception) -> RuleBrokenError:
    return RuleBrokenError(
        f"{type(expectation).__name__} could not be evaluated: {error}",
        place=_rule_id(expectation),
        remedy="mend the rule, or the table's columns",
    )
