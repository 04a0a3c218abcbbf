"""Business rules of the base library of legal entities (法人基础库)."""

from __future__ import annotations

from catalog.model.layers import table
from expectations.gx import Expectation
from expectations.relation import ExpectColumnValuesToExistInTable
from expectations.rules import RuleBook


def expectations(on: RuleBook) -> list[Expectation]:
    """A legal representative is a person we know."""
    return [
        ExpectColumnValuesToExistInTable(
            column="representative_citizen_id",
            reference_uri=table("base.population__person").uri,
            reference_column="citizen_id",
            reference_where="NOT _is_deleted",
            may_be_absent=True,
            **on.rule(
                "representative_citizen_id", "is_known_person", "warn", "关联数据",
                "法定代表人应在人口基础库中", "the legal representative is in the population library",
            ),
        ),
    ]  # fmt: skip
