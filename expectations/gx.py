"""The one door to Great Expectations (质量检查库): no telemetry, no network, no context, and a short import.

Every other module takes GX's names from here. Importing GX costs about three seconds; a third of it is plotting and
statistics that only its distribution tests use, so those two packages are deferred until something touches them.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
from types import ModuleType

import pyspark.sql.connect.session  # noqa: F401 - looks for scipy by its spec, so it goes before the deferral

os.environ["GX_ANALYTICS_ENABLED"] = "false"

_DEFERRED = ("altair", "scipy.stats")


class _Deferred(ModuleType):
    """A package that is imported when one of its names is first asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        value: object = getattr(importlib.import_module(self.__name__), name)
        return value


_placed = {name: _Deferred(name) for name in _DEFERRED if name not in sys.modules}
sys.modules.update(_placed)
try:
    import great_expectations.expectations as gxe
    from great_expectations import __version__ as gx_version
    from great_expectations.core import ExpectationSuite
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
        expectationSuiteValidationResultSchema,
    )
    from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
    from great_expectations.expectations.expectation import (
        BatchExpectation,
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        Expectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.metrics.map_metric_provider import (
        ColumnMapMetricProvider,
        ColumnPairMapMetricProvider,
        MulticolumnMapMetricProvider,
        column_condition_partial,
        column_pair_condition_partial,
        multicolumn_condition_partial,
    )
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
    from great_expectations.expectations.row_conditions import Column as ConditionColumn
    from great_expectations.expectations.row_conditions import RowConditionType, deserialize_row_condition
    from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.validation_graph import ValidationGraph
finally:
    for _name, _module in _placed.items():
        if sys.modules.get(_name) is _module:
            del sys.modules[_name]

__all__ = [
    "BatchExpectation",
    "ColumnMapExpectation",
    "ColumnMapMetricProvider",
    "ColumnPairMapExpectation",
    "ColumnPairMapMetricProvider",
    "ConditionColumn",
    "DefaultJinjaPageView",
    "Expectation",
    "ExpectationSuite",
    "ExpectationSuitePageRenderer",
    "ExpectationSuiteValidationResult",
    "ExpectationValidationResult",
    "MetricConfiguration",
    "MulticolumnMapExpectation",
    "MulticolumnMapMetricProvider",
    "RowConditionType",
    "SparkDFExecutionEngine",
    "TableMetricProvider",
    "ValidationGraph",
    "ValidationResultsPageRenderer",
    "column_condition_partial",
    "column_pair_condition_partial",
    "deserialize_row_condition",
    "gx_version",
    "gxe",
    "metric_value",
    "multicolumn_condition_partial",
    "read_validation_result",
]

read_validation_result = expectationSuiteValidationResultSchema.load
"""A validation result's document → the result; the types of its expectations must have been imported."""
