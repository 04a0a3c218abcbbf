"""Departments that differ in how many of their rows are bad get different grades, in every draw."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

from catalog.model.registry import get_registry
from expectations.scores.evidence import Delivered
from expectations.scores.measure import measure_resource
from expectations.scores.scheme import load_scheme
from expectations.scores.score import Indicators, Score, together
from tests.expectations.scores.test_scores import evidence, issue

PLANTED = {0.001: "优", 0.005: "良", 0.02: "中", 0.05: "低", 0.15: "差"}
"""Share of bad rows of a department → its grade."""
RESOURCE = "population.resident"
FAULTS = (("citizen_id", "CITIZEN_ID_CHECKSUM"), ("name", "REQUIRED_MISSING"), ("sex_code", "CODE_UNKNOWN"),
          ("birth_date", "DATE_FORMAT"), ("", "DUPLICATE_KEY"))  # fmt: skip
DRAWS = 100


def measured(chance: random.Random, share: float) -> Indicators:
    """Return the indicators of a resource each of whose rows is bad by chance, in one of its columns."""
    rows = chance.randint(12_000, 25_000)
    bad = chance.binomialvariate(rows, share) if hasattr(chance, "binomialvariate") else sum(
        chance.random() < share for _ in range(rows)
    )  # fmt: skip
    spread = [0] * len(FAULTS)
    for _ in range(bad):
        spread[chance.randrange(len(FAULTS))] += 1
    issues = [issue("b1", column, reason, count) for (column, reason), count in zip(FAULTS, spread, strict=True)]
    found = replace(
        evidence(contract=get_registry().get(RESOURCE)),
        batches=[Delivered("b1", date(2026, 3, 2), rows, rows, rows, bad, 0)], issues=issues,
        unusual=frozenset(), compared=frozenset(), checks=(4, 4), runs=(10, 10), rules=[],
    )  # fmt: skip
    return measure_resource(load_scheme(), get_registry(), found)


def test_five_departments_get_five_grades_in_every_draw():
    scheme, right, draws = load_scheme(), 0, 0
    for draw in range(DRAWS):
        chance = random.Random(draw)
        grades = [
            Score(scheme, together(scheme, [measured(chance, share) for _ in range(2)])).grade.name for share in PLANTED
        ]
        draws += 1
        right += grades == list(PLANTED.values())
    assert (right, draws) == (DRAWS, DRAWS)


def test_every_bound_states_its_reason_and_the_grade_changes_exactly_there():
    scheme = load_scheme()
    assert len(scheme.bad_rows.at_most) == 5 and all(len(bound.reason) > 8 for bound in scheme.bad_rows.at_most)
    for bound, worse in zip(scheme.bad_rows.at_most, scheme.grades[1:], strict=False):
        assert scheme.best_with(bound.share).name == bound.grade
        assert scheme.best_with(bound.share + 1e-9).name == worse.name
