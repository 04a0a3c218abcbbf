"""Pairs for persons (送人工判定): both records masked, and a waterfall of what speaks for and against."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from catalog.control.reviews import Candidate
from catalog.model.masks import apply_mask
from jobs.reconcile.linking.assignment import Verdict
from jobs.reconcile.linking.engine import levels_by_gamma
from jobs.reconcile.linking.model import LinkageModel

SHOWN = {
    "person": {"name": "first_1", "birth_date": "first_4", "sex": "none", "prefecture": "none", "spot": "first_4",
               "phone": "first_3"},
    "entity": {"written": "none", "prefecture": "none", "street": "none", "spot": "none", "branch": "none"},
}  # fmt: skip
"""Kind of features → feature → how it is masked for whoever decides; numbers are never shown."""


def waterfall(model: LinkageModel, levels: dict[str, int]) -> list[dict[str, Any]]:
    """Return comparison, level and bits of one pair, in order, so that the bits and the prior add up to its weight."""
    steps = []
    for name, comparison in model.comparisons.items():
        level = levels_by_gamma(model, name)[levels[name] + 1]
        missing = comparison.levels[0].label
        label, bits = (level.label, level.weight) if level else (missing, 0.0)
        steps.append({"comparison": comparison.title, "level": label, "bits": round(bits, 2)})
    return steps


def candidates(
    model: LinkageModel, found: list[tuple[Verdict, dict[str, int]]], *features: pa.Table
) -> list[Candidate]:
    """Return the pairs as they stand on the queue."""
    wanted = {record for verdict, _ in found for record in (verdict.pair.left, verdict.pair.right)}
    shown: dict[str, dict[str, Any]] = {}
    for table in features:
        kept = table.filter(pa.array([record in wanted for record in table["record_id"].to_pylist()], pa.bool_()))
        for row in kept.to_pylist():
            masks = SHOWN[model.features]
            shown[row["record_id"]] = {name: apply_mask(masks[name], row[name]) for name in masks if row[name]}
    return [
        Candidate(
            verdict.pair.left,
            verdict.pair.right,
            verdict.pair.weight,
            verdict.reason,
            waterfall(model, levels),
            shown[verdict.pair.left],
            shown[verdict.pair.right],
        )
        for verdict, levels in found
    ]
