"""Which rows broke a rule (问题数据定位): twenty keys per rule at most, masked, with their place in the source.

Only rules that failed are looked up, each search ends at its twentieth row, and no value of a personal column leaves.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.control.masking import mask_personal
from catalog.model.contract import Contract
from catalog.model.masks import apply_mask
from expectations.one_pass import Failing

LIMIT = 20
PLACES = ("_batch_id", "_source_file", "_row_number")
"""Where a silver row stood in the department's delivery; no personal data."""
PERSONAL = ("personal", "sensitive")


def find_examples(
    frame: DataFrame, contract: Contract, failing: dict[str, Failing], limit: int = LIMIT, *, masked: bool = True
) -> dict[str, list[dict[str, str | None]]]:
    """Return key and place of rows that break each rule.

    Args:
        frame: the checked version of the table.
        contract: names the key and says which columns are personal.
        failing: rule id → how to find its rows.
        limit: rows per rule.
        masked: whether personal values are hidden; False only for a file with mode 0600.
    """
    if not failing:
        return {}
    names = [name for name in (*contract.key, *PLACES) if name in frame.columns]
    if not names:
        return {}
    parts = [_rows(frame, rule_id, found, names).limit(limit) for rule_id, found in failing.items()]
    personal = {p.name: contract.item(p.name).mask for p in contract.properties if p.classification in PERSONAL}
    examples: dict[str, list[dict[str, str | None]]] = {rule_id: [] for rule_id in failing}
    for row in reduce(lambda a, b: a.unionByName(b), parts).collect():
        values = {name: row[name] for name in names if row[name] is not None or name in contract.key}
        if masked:
            values = {
                name: hide(value, personal[name]) if name in personal else value and mask_personal(value)
                for name, value in values.items()
            }
        examples[row["rule"]].append(values)
    return {rule_id: sorted(rows, key=str) for rule_id, rows in examples.items()}


def _rows(frame: DataFrame, rule_id: str, failing: Failing, names: list[str]) -> DataFrame:
    rows = failing.domain.select(frame)
    if failing.predicate is not None:
        chosen: list[Column] = [F.col(name).cast("string").alias(name) for name in names]
        return rows.filter(failing.predicate).select(F.lit(rule_id).alias("rule"), *chosen)
    grouped = [column.strip("`") for column in failing.unique_columns]
    place: Any = F.min(F.struct(*names)).alias("place")
    repeated = rows.groupBy(*grouped).agg(place, F.count(F.lit(1)).alias("rows")).where(F.col("rows") > 1)
    return repeated.select(
        F.lit(rule_id).alias("rule"), *[F.col("place")[name].cast("string").alias(name) for name in names]
    )


def hide(value: str | None, mask: str | None) -> str | None:
    """Return a personal value under its element's mask; without one all but its first characters are hidden.

    >>> hide("11010519491231002X", "first_6"), hide("11010519491231002X", None), hide("张三丰", None), hide(None, None)
    ('110105************', '110105************', '张**', None)
    """
    if value is None:
        return None
    return apply_mask(mask or ("first_6" if len(value) >= 12 else "first_1"), value)
