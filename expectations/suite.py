"""Contract → Great Expectations suite (规则集生成): what every table of a layer must satisfy.

Silver, base and gold are judged on their contract's columns; bronze, whose rows are text as received, only on being
there and on the pipeline's own columns, since the extract stage's reconciliation admits its batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from math import ceil, floor
from typing import Any, Literal

from catalog.model.codes import load_code_list
from catalog.model.contract import Contract, Item, Property
from catalog.model.element import Element
from catalog.model.registry import Registry, get_registry
from catalog.model.settings import get_settings
from expectations.custom import IDENTIFIERS, ExpectColumnValuesToHaveElementFormat
from expectations.exact_type import ExpectColumnSparkTypeToBe
from expectations.gx import Expectation, gxe
from expectations.plan import LIVE, Plan, make_plan
from expectations.rule import Rule, Severity
from expectations.rules import RuleBook, business_rules
from expectations.standards import KINDS, PATTERNS, bound_item

Layer = Literal["bronze", "silver", "base", "gold"]

TECHNICAL: dict[Layer, tuple[str, ...]] = {
    "bronze": ("_batch_id", "_source", "_received_at", "_row_hash"),
    "silver": ("_record_key", "_batch_id", "_is_deleted"),
    "base": ("_is_deleted",),
    "gold": (),
}
"""Pipeline columns that a table of the layer must have, never null; others that start with ``_`` may be there."""
PRIVATE = {
    "_record_key", "_changes", "_provenance", "_row_hash", "_row_number", "_source_file", "_source",
    "_batch_id", "_batch_ids",
}  # fmt: skip
"""Pipeline columns that hold raw values or keys: never in a shared table."""
SPARK_CLASSES = {
    "string": "StringType", "date": "DateType", "timestamp": "TimestampType", "bigint": "LongType",
    "int": "IntegerType", "boolean": "BooleanType", "double": "DoubleType",
}  # fmt: skip
EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2199, 12, 31)
"""Dates outside are slips of the pen; the open end of a validity is null, not 9999."""


def build_plan(
    contract: Contract,
    *,
    layer: Layer | None = None,
    present: Sequence[str] = (),
    registry: Registry | None = None,
    business_date: date | None = None,
    previous_rows: int | None = None,
) -> Plan:
    """Return the plan of ``contract`` on one layer.

    Args:
        contract: the resource's contract.
        layer: default the contract's own; ``bronze`` for a source contract's rows as received.
        present: the table's columns, of which those starting with ``_`` are taken as the pipeline's.
        registry: where the inputs' contracts are found.
        business_date: upper bound of birth dates; default the setting.
        previous_rows: live rows of the version that passed before, which ``bounds.fall`` and ``growth`` look at.

    Raises:
        SuiteRefusedError: when the outcome could not stop anything.
    """
    builder = _Builder(
        contract=contract,
        layer=layer or contract.government.layer,
        pipeline=tuple(c for c in present if c.startswith("_")),
        registry=registry or get_registry(),
        today=business_date or get_settings().business_date,
        previous_rows=previous_rows,
    )
    return make_plan(contract, list(builder.expectations()), live_only=builder.live_only)


@dataclass(frozen=True)
class _Builder:
    """Writes the expectations of one contract on one layer."""

    contract: Contract
    layer: Layer
    pipeline: tuple[str, ...]
    registry: Registry
    today: date
    previous_rows: int | None = None

    @cached_property
    def elements(self) -> dict[str, Element]:
        return self.registry.elements_of(self.contract)

    @property
    def live_only(self) -> bool:
        return "_is_deleted" in TECHNICAL[self.layer]

    @property
    def live(self) -> dict[str, Any]:
        return {"row_condition": LIVE} if self.live_only else {}

    def rule(
        self, subject: str, what: str, severity: Severity, indicator: str, zh: str, en: str, on_empty: Severity = "warn"
    ) -> dict[str, Any]:
        prefix = f"{self.contract.id}.bronze" if self.layer == "bronze" else self.contract.id
        department = self.contract.government.department
        return Rule(f"{prefix}.{subject}.{what}", severity, indicator, zh, en, department, on_empty).arguments

    def expectations(self) -> Iterator[Expectation]:
        yield from self.rows()
        yield from self.technical()
        if self.layer == "bronze":
            return
        yield from self.change()
        yield from self.freshness()
        yield self.columns()
        yield from self.key()
        for column in self.contract.properties:
            yield from self.column(column, bound_item(self.contract, column.name, self.registry))
        yield from business_rules(RuleBook(self.contract, self.today, self.live_only))

    def rows(self) -> Iterator[Expectation]:
        bounds = self.contract.government.bounds
        least = 1 if self.layer == "bronze" else bounds.floor
        yield gxe.ExpectTableRowCountToBeBetween(
            min_value=least, **self.live,
            **self.rule("table", "row_floor", "stop", "数据记录", f"行数不少于 {least}", f"has at least {least} rows"),
        )  # fmt: skip
        if bounds.ceiling is not None and self.layer != "bronze":
            yield gxe.ExpectTableRowCountToBeBetween(
                max_value=bounds.ceiling, **self.live,
                **self.rule(
                    "table", "row_ceiling", "warn", "数据记录",
                    f"行数不多于 {bounds.ceiling}", f"has at most {bounds.ceiling} rows",
                ),
            )  # fmt: skip

    def change(self) -> Iterator[Expectation]:
        """Compare with the version that passed before; without one there is nothing to say."""
        bounds, before = self.contract.government.bounds, self.previous_rows
        if before and bounds.fall is not None:
            least = ceil(before * (1 - bounds.fall))
            yield gxe.ExpectTableRowCountToBeBetween(
                min_value=least, **self.live,
                **self.rule(
                    "table", "not_truncated", "stop", "数据记录",
                    f"行数不得比上一版本（{before}）少 {bounds.fall:.0%} 以上，疑为数据截断",
                    f"has lost at most {bounds.fall:.0%} of the {before} rows of the version before",
                ),
            )  # fmt: skip
        if before and bounds.growth is not None:
            yield gxe.ExpectTableRowCountToBeBetween(
                max_value=floor(before * (1 + bounds.growth)), **self.live,
                **self.rule(
                    "table", "growth", "warn", "时间段正确性",
                    f"行数不应比上一版本（{before}）多 {bounds.growth:.0%} 以上",
                    f"has grown by at most {bounds.growth:.0%} from the {before} rows of the version before",
                ),
            )  # fmt: skip

    def freshness(self) -> Iterator[Expectation]:
        days = self.contract.government.bounds.max_age_days
        if days is None:
            return
        since = datetime(self.today.year, self.today.month, self.today.day) - timedelta(days=days)
        yield gxe.ExpectColumnMaxToBeBetween(
            column="_source_at" if self.layer == "silver" else "_recorded_at",
            min_value=since,
            **self.rule(
                "table", "fresh", "warn", "时间点及时性",
                f"最新数据应不早于 {since:%Y-%m-%d}", f"its newest row is of {since:%Y-%m-%d} or later",
            ),
        )  # fmt: skip

    def technical(self) -> Iterator[Expectation]:
        for name in TECHNICAL[self.layer]:
            yield gxe.ExpectColumnValuesToNotBeNull(
                column=name,
                **self.rule(name, "not_null", "stop", "元数据", f"系统列 {name} 不得为空", f"{name} is never null"),
            )
        if self.layer == "silver":
            yield gxe.ExpectColumnValuesToBeUnique(
                column="_record_key",
                **self.live,
                **self.rule(
                    "_record_key",
                    "unique",
                    "stop",
                    "唯一性",
                    "来源记录不得有两条现势记录",
                    "a source record has one live row",
                ),
            )

    def columns(self) -> Expectation:
        allowed = {*self.pipeline, *TECHNICAL[self.layer]}
        zh, en = "列与契约一致，无缺列、无多列", "columns are the contract's, none missing and none beyond"
        if self.layer == "gold":
            allowed -= PRIVATE
            zh, en = f"{zh}，不含契约以外的敏感列", f"{en}; nothing sensitive leaves with them"
        return gxe.ExpectTableColumnsToMatchSet(
            column_set=[*self.contract.columns, *sorted(allowed)],
            exact_match=True,
            **self.rule("table", "columns", "stop", "数据模型", zh, en),
        )

    def key(self) -> Iterator[Expectation]:
        """Key rules look at tombstones too: the key is what the table is merged on."""
        key = self.contract.key
        words = self.rule("key", "unique", "stop", "唯一性", f"主键 {'、'.join(key)} 不得重复", "the key is unique")
        if len(key) == 1:
            yield gxe.ExpectColumnValuesToBeUnique(column=key[0], **words)
        else:
            yield gxe.ExpectCompoundColumnsToBeUnique(column_list=key, ignore_row_if="never", **words)

    def column(self, column: Property, item: Item) -> Iterator[Expectation]:
        yield self.type(column)
        is_key = column.primary_key
        severity: Severity = "flag" if item.on_failure == "flag" and not is_key else "stop"
        if column.required or is_key:
            yield gxe.ExpectColumnValuesToNotBeNull(
                column=column.name, **({} if is_key else self.live),
                **self.rule(
                    column.name, "not_null", severity, "数据元素",
                    f"{column.business_name}不得为空", f"{column.name} is never null",
                ),
            )  # fmt: skip
        if column.unique and self.contract.key != [column.name]:
            yield gxe.ExpectColumnValuesToBeUnique(
                column=column.name, **self.live,
                **self.rule(
                    column.name, "unique", severity, "唯一性",
                    f"{column.business_name}不得重复", f"{column.name} is unique",
                ),
            )  # fmt: skip
        on_empty: Severity = "stop" if column.required or is_key or self._is_expected(item) else "warn"
        yield from self.values(column, item, severity, on_empty)

    def _is_expected(self, item: Item) -> bool:
        return self.layer == "silver" and not item.optional and item.on_failure == "set_aside"

    def type(self, column: Property) -> Expectation:
        words = self.rule(
            column.name, "type", "stop", "数据模型",
            f"{column.business_name}类型为 {column.spark_type}", f"{column.name} is {column.spark_type}",
        )  # fmt: skip
        if column.spark_type in SPARK_CLASSES:
            return gxe.ExpectColumnTypeToBe(column=column.name, type_=SPARK_CLASSES[column.spark_type], **words)
        return ExpectColumnSparkTypeToBe(column=column.name, spark_type=column.spark_type, **words)

    def values(self, column: Property, item: Item, severity: Severity, on_empty: Severity) -> Iterator[Expectation]:
        name, chinese = column.name, column.business_name
        if item.code_list:
            yield gxe.ExpectColumnValuesToBeInSet(
                column=name, value_set=sorted(load_code_list(item.code_list).canonical_codes), **self.live,
                **self.rule(
                    name, "in_code_list", severity, "权威参考数据",
                    f"{chinese}应为代码集 {item.code_list} 中的代码", f"{name} is a code of {item.code_list}", on_empty,
                ),
            )  # fmt: skip
        if item.standard in PATTERNS:
            pattern, zh, en = PATTERNS[item.standard]
            yield gxe.ExpectColumnValuesToMatchRegex(
                column=name, regex=pattern, **self.live,
                **self.rule(
                    name, "pattern", severity, "格式合规性", f"{chinese}应符合{zh}", f"{name} has {en}", on_empty
                ),
            )  # fmt: skip
            yield IDENTIFIERS[item.standard](
                column=name, **self.live,
                **self.rule(
                    name, "valid", "flag" if item.on_failure == "flag" else severity, "内容正确性",
                    f"{chinese}应为有效的{KINDS[item.standard][0]}", f"{name} is a valid {KINDS[item.standard][1]}",
                    on_empty,
                ),
            )  # fmt: skip
        yield from self.form(column, item)
        if column.logical_type == "date" and column.spark_type == "date":
            latest = datetime(self.today.year, self.today.month, self.today.day) if item.agrees_with else LATEST
            yield gxe.ExpectColumnValuesToBeBetween(
                column=name, min_value=EARLIEST, max_value=latest, **self.live,
                **self.rule(
                    name, "date_range", "warn", "内容正确性",
                    f"{chinese}应在 {EARLIEST:%Y-%m-%d} 至 {latest:%Y-%m-%d} 之间",
                    f"{name} lies between {EARLIEST:%Y-%m-%d} and {latest:%Y-%m-%d}",
                ),
            )  # fmt: skip

    def form(self, column: Property, item: Item) -> Iterator[Expectation]:
        """Judge free text and numbers by their data element; codes, identifiers and dates have stricter rules."""
        element = self.elements.get(column.name)
        if (
            element is None
            or item.code_list
            or item.standard in PATTERNS
            or element.form.characters not in ("a", "n", "an")
        ):
            return
        is_number = column.logical_type in ("number", "integer")
        if is_number and element.form.longest is None:
            return
        yield ExpectColumnValuesToHaveElementFormat(
            column=column.name, notation=element.form.notation, is_number=is_number, **self.live,
            **self.rule(
                column.name, "format", "warn", "数据标准",
                f"{column.business_name}应符合数据元格式 {element.form.notation}",
                f"{column.name} has the form {element.form.notation} of its data element",
            ),
        )  # fmt: skip
