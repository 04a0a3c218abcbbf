"""Business rules of the base licence library (电子证照基础库)."""

from __future__ import annotations

from catalog.model.layers import table
from expectations.gx import ConditionColumn, Expectation, gxe
from expectations.relation import ExpectColumnValuesToExistInTable
from expectations.rules import RuleBook

BY_USCC = ConditionColumn("holder_kind_code") == "001"
"""Holders known by their credit code (GB/T 36903)."""


def expectations(on: RuleBook) -> list[Expectation]:
    """A licence begins before it ends (one without an end, 长期, is not judged); its holder is one that we know."""
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
        ExpectColumnValuesToExistInTable(
            column="holder_code",
            reference_uri=table("base.legal_entity__entity").uri,
            reference_column="uscc",
            reference_where="NOT _is_deleted",
            may_be_absent=True,
            **on.rule(
                "holder_code", "is_known_entity", "warn", "关联数据",
                "持证单位应在法人基础库中", "a holder known by its credit code is in the library of legal entities",
                where=BY_USCC,
            ),
        ),
    ]  # fmt: skip
