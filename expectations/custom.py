"""Expectations for government data (自定义检查项): identifiers, divisions, code lists, forms of values, dates in order.

Import this module in any Great Expectations project on Spark and use the classes like GX's own; their metrics
register themselves.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.model.codes import load_code_list
from expectations.gx import (
    ColumnMapExpectation,
    ColumnMapMetricProvider,
    ColumnPairMapExpectation,
    ColumnPairMapMetricProvider,
    MulticolumnMapExpectation,
    MulticolumnMapMetricProvider,
    SparkDFExecutionEngine,
    column_condition_partial,
    column_pair_condition_partial,
    multicolumn_condition_partial,
)
from jobs.runtime.standards.lookup import looked_up
from jobs.runtime.standards.soundness import SOUND, has_format, in_order, is_division_on, is_sound_citizen_id


class SoundIdentifier(ColumnMapMetricProvider):  # type: ignore[misc]
    """The metric of all identifiers."""

    condition_metric_name = "column_values.sound_identifier"
    condition_value_keys = ("standard", "at_birth")

    @column_condition_partial(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(
        cls,  # noqa: N805 - GX's decorator makes it a class method
        column: Column,
        standard: str,
        at_birth: bool | None = None,
        **kwargs: object,
    ) -> Column:
        if standard == "citizen_id":
            return is_sound_citizen_id(column, at_birth=at_birth is not False)
        return SOUND[standard](column)


class ExpectColumnValuesToBeValidCitizenId(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 公民身份号码: form, birth date, check character, division at birth (GB 11643)."""

    standard: Literal["citizen_id"] = "citizen_id"
    at_birth: bool = True
    """Whether the division must have been in force at some time on or after the birth."""
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "at_birth", "mostly")


class ExpectColumnValuesToBeValidUscc(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 统一社会信用代码: form and check character (GB 32100)."""

    standard: Literal["uscc"] = "uscc"
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "mostly")


class ExpectColumnValuesToBeValidOrganisationCode(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 组织机构代码: form and check character (GB 11714)."""

    standard: Literal["organisation_code"] = "organisation_code"
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "mostly")


class ExpectColumnValuesToBeValidRegistrationNumber(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 工商注册号: form and check digit (GS 15-2006)."""

    standard: Literal["registration_number"] = "registration_number"
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "mostly")


class ExpectColumnValuesToBeValidLicenceId(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 电子证照标识: form and check character (GB/T 36904)."""

    standard: Literal["licence_id"] = "licence_id"
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "mostly")


class ExpectColumnValuesToBeKnownDivision(ColumnMapExpectation):  # type: ignore[misc]
    """Expect 行政区划代码 that the dated list knows, in force or retired (GB/T 2260)."""

    standard: Literal["division"] = "division"
    map_metric = "column_values.sound_identifier"
    success_keys: ClassVar[tuple[str, ...]] = ("standard", "mostly")


IDENTIFIERS: dict[str, type[ColumnMapExpectation]] = {
    "citizen_id": ExpectColumnValuesToBeValidCitizenId,
    "uscc": ExpectColumnValuesToBeValidUscc,
    "organisation_code": ExpectColumnValuesToBeValidOrganisationCode,
    "registration_number": ExpectColumnValuesToBeValidRegistrationNumber,
    "licence_id": ExpectColumnValuesToBeValidLicenceId,
    "division": ExpectColumnValuesToBeKnownDivision,
}
"""Standard of an identifier → its expectation."""


class DivisionInForce(ColumnPairMapMetricProvider):  # type: ignore[misc]
    """The metric of a division at a date."""

    condition_metric_name = "column_pair_values.division_in_force"
    condition_domain_keys = ("batch_id", "table", "column_A", "column_B", "row_condition", "ignore_row_if")
    condition_value_keys = ()

    @column_pair_condition_partial(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(cls, column_A: Column, column_B: Column, **kwargs: object) -> Column:  # noqa: N803, N805
        return is_division_on(column_A, column_B)


class ExpectColumnPairDivisionToBeInForce(ColumnPairMapExpectation):  # type: ignore[misc]
    """Expect the division code of ``column_A`` not to have been retired before the date of ``column_B``."""

    map_metric = "column_pair_values.division_in_force"
    ignore_row_if: Any = "either_value_is_missing"
    success_keys: ClassVar[tuple[str, ...]] = ("column_A", "column_B", "ignore_row_if", "mostly")


class InCodeList(ColumnMapMetricProvider):  # type: ignore[misc]
    """The metric of membership in a code list."""

    condition_metric_name = "column_values.in_code_list"
    condition_value_keys = ("code_list", "in_force_on")

    @column_condition_partial(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(cls, column: Column, code_list: str, in_force_on: str | None, **kwargs: object) -> Column:  # noqa: N805
        codes = load_code_list(code_list)
        allowed = codes.canonical_codes
        if in_force_on is not None:
            day = date.fromisoformat(in_force_on)
            allowed = frozenset(c for c in allowed if any(line.in_force(day) for line in codes.lines_of(c)))
        return looked_up(dict.fromkeys(sorted(allowed), "1"), column).isNotNull()


class ExpectColumnValuesToBeInCodeList(ColumnMapExpectation):  # type: ignore[misc]
    """Expect a canonical code of ``catalog/codes/<code_list>.csv``, one in force on a day where a day is named."""

    code_list: str
    in_force_on: str | None = None
    """ISO 8601 day; None: codes that have been retired stand too."""
    map_metric = "column_values.in_code_list"
    success_keys: ClassVar[tuple[str, ...]] = ("code_list", "in_force_on", "mostly")


class OfElementFormat(ColumnMapMetricProvider):  # type: ignore[misc]
    """The metric of a data element's form."""

    condition_metric_name = "column_values.of_element_format"
    condition_value_keys = ("notation", "is_number")

    @column_condition_partial(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(cls, column: Column, notation: str, is_number: bool, **kwargs: object) -> Column:  # noqa: N805
        return has_format(column, notation, is_number=bool(is_number))


class ExpectColumnValuesToHaveElementFormat(ColumnMapExpectation):  # type: ignore[misc]
    """Expect the form of a data element in the notation of GB/T 19488.1, such as ``an18`` or ``n..10,2``."""

    notation: str
    is_number: bool = False
    """Whether the column is numeric and not text."""
    map_metric = "column_values.of_element_format"
    success_keys: ClassVar[tuple[str, ...]] = ("notation", "is_number", "mostly")


class InOrder(MulticolumnMapMetricProvider):  # type: ignore[misc]
    """The metric of dates that follow one another."""

    condition_metric_name = "multicolumn_values.in_order"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "ignore_row_if")
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=SparkDFExecutionEngine)  # type: ignore[untyped-decorator]
    def _spark(cls, column_list: DataFrame, **kwargs: object) -> Column:  # noqa: N805
        return in_order([F.col(name) for name in column_list.columns])


class ExpectDatesToBeInOrder(MulticolumnMapExpectation):  # type: ignore[misc]
    """Expect dates or instants of a row not to go back, column by column; missing ones are passed over (时序性)."""

    map_metric = "multicolumn_values.in_order"
    ignore_row_if: Any = "never"
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "ignore_row_if", "mostly")
