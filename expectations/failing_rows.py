"""The rows behind a failed rule (问题数据清单), for the person who mends them; keys in clear, for a private file."""

from __future__ import annotations

from catalog.model import layers
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from expectations.examples import Place, find_rows
from expectations.one_pass import OnePass
from expectations.suite import build_plan
from jobs.runtime import delta
from jobs.runtime.spark import connect


def failing_rows(resource: str, rule_id: str, version: int | None, limit: int) -> tuple[int, list[Place]]:
    """Return the version looked at and the keys of the rows in it that break ``rule_id``.

    Raises:
        GuantongError: when the resource has no such rule, or the rule is about the table and not about rows.
    """
    registry = get_registry()
    contract = registry.get(resource)
    table = layers.table_of(contract)
    spark = connect()
    pinned = delta.current_version(spark, table) if version is None else version
    frame = delta.read(spark, table, pinned)
    rules = [
        r for r in build_plan(contract, present=frame.columns, registry=registry).rules if r.meta["rule_id"] == rule_id
    ]
    one_pass = OnePass(frame, rules)
    one_pass.prepare()
    if 0 not in one_pass.failing:
        raise GuantongError(
            f"{rule_id} has no rows to show" if rules else f"{resource} has no rule {rule_id}",
            place=table.name,
            remedy=f"python -m expectations suite {resource} lists the rules",
        )
    return pinned, find_rows(frame, contract, one_pass.failing[0], limit)
