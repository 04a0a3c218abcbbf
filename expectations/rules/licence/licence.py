"""Business rules of the base licence library (电子证照基础库)."""

from __future__ import annotations

from expectations.gx import Expectation, gxe
from expectations.rules import RuleBook


def expectations(on: RuleBook) -> list[Expectation]:
    """A licence begins before it ends; one without an end (长期) is not judged."""
    return [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="valid_to_date",
            column_B="valid_from_date",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            **on.rule(
                "valid_to_date", "not_before_valid_from_date", "stop", "时序性",
                "有效期止不得早于有效期起", "validity does not end before it begins",
            ),
        ),
    ]  # fmt: skip
