"""Business rules of the base population library (人口基础信息库)."""

from __future__ import annotations

from datetime import datetime

from expectations.gx import Expectation, gxe
from expectations.rules import RuleBook

OLDEST = 130
"""Years; the oldest person on record reached 122."""


def expectations(on: RuleBook) -> list[Expectation]:
    """Ages are human: nobody is older than 130, nobody is born after the business date."""
    today = on.business_date
    too_old = datetime(today.year - OLDEST - 1, today.month, min(today.day, 28))
    return [
        gxe.ExpectColumnValuesToBeBetween(
            column="birth_date",
            min_value=too_old,
            strict_min=True,
            max_value=datetime(today.year, today.month, today.day),
            **on.rule(
                "birth_date", "age_at_most_130", "stop", "内容正确性",
                "年龄应在 0 至 130 岁之间", "age is between 0 and 130",
            ),
        ),
    ]  # fmt: skip
