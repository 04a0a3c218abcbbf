"""Anomaly rules on simulated years: how often a sound source alarms, and that what goes wrong is seen."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from catalog.model.anomaly import Observed, find_unusual, load_anomaly_settings

START = date(2025, 1, 1)
SOURCES = 6
HISTORY = 120


def binomial(chance: random.Random, n: int, p: float) -> int:
    return (
        sum(chance.random() < p for _ in range(n))
        if n < 60
        else min(n, max(0, round(chance.gauss(n * p, (n * p * (1 - p)) ** 0.5))))
    )


def year(seed: int) -> list[Observed]:
    """Return 365 days of a sound source: weekly rhythm, growth, noise, drifting shares; no two sources alike."""
    chance = random.Random(seed)
    level, growth, noise = (
        chance.choice([80, 400, 3000, 20000]),
        chance.uniform(0, 0.3),
        chance.choice([0.05, 0.1, 0.15]),
    )
    weekend, empty = chance.uniform(0.2, 1.0), chance.choice([0.0, 0.005, 0.05, 0.3])
    men = chance.uniform(0.3, 0.7)
    days = []
    for n in range(365):
        day = START + timedelta(days=n)
        rhythm = weekend if day.weekday() >= 5 else 1 + 0.1 * (day.weekday() == 0)
        rows = round(level * rhythm * (1 + growth * n / 365) * 2.718281828 ** chance.gauss(0, noise))
        some = binomial(chance, rows, men)
        rare = binomial(chance, rows, 0.01)
        days.append(
            Observed(
                day, rows, {"phone": binomial(chance, rows, empty), "name": 0},
                {"sex_code": {"1": some, "2": max(rows - some - rare, 0), "9": rare}},
            )
        )  # fmt: skip
    return days


@pytest.fixture(scope="module")
def years() -> list[list[Observed]]:
    return [year(seed) for seed in range(SOURCES)]


def alarms(days: list[Observed], n: int) -> set[tuple[str, str]]:
    return {(u.code, u.column) for u in find_unusual(days[n], days[max(0, n - HISTORY) : n])}


def test_a_sound_source_alarms_no_more_often_than_stated(years):
    settings = load_anomaly_settings()
    first = settings.least_batches
    judged = [(days, n) for days in years for n in range(first, 365)]
    assert len(judged) >= 6 * 350
    wrong = [alarms(days, n) for days, n in judged]
    rate = sum(bool(found) for found in wrong) / len(wrong)
    assert rate <= settings.false_alarms_per_batch, f"{rate:.4%} of sound batches alarm"


BROKEN = {
    "a third of the rows is missing altogether": (
        lambda b: replace(b, rows=b.rows // 3, nulls={k: v // 3 for k, v in b.nulls.items()}), ("VOLUME_UNUSUAL", "")),
    "three times as many rows": (
        lambda b: replace(b, rows=b.rows * 3, nulls={k: v * 3 for k, v in b.nulls.items()}), ("VOLUME_UNUSUAL", "")),
    "nothing at all": (lambda b: replace(b, rows=0, nulls={}, categories={}), ("VOLUME_UNUSUAL", "")),
    "a column no longer exported": (
        lambda b: replace(b, nulls={**b.nulls, "name": b.rows}), ("NULL_SHARE_UNUSUAL", "name")),
    "codes converted wrongly": (
        lambda b: replace(b, categories={"sex_code": {"1": 0, "2": 0, "9": b.rows}}),
        ("CATEGORY_MIX_UNUSUAL", "sex_code")),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_goes_wrong_is_seen(years, what):
    break_, expected = BROKEN[what]
    seen = total = 0
    for days in years:
        for n in range(60, 365, 7):
            broken = [*days[max(0, n - HISTORY) : n], break_(days[n])]
            total += 1
            seen += expected in {(u.code, u.column) for u in find_unusual(broken[-1], broken[:-1])}
    assert total > 200
    assert seen >= 0.99 * total, f"{seen} of {total}"


def test_a_short_history_judges_nothing(years):
    days = years[0]
    assert find_unusual(replace(days[10], rows=10**9), days[:10]) == []
