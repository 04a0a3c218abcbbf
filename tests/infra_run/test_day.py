"""Days follow one another only when they were in order, each with its own business date."""

from datetime import date
from pathlib import Path

import pytest

from infra.run.day import FIRST_DATE, mark_done, next_day


def test_the_first_day_is_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUSINESS_DATE", raising=False)
    day = next_day(tmp_path)
    assert (day.number, day.business_date) == (1, FIRST_DATE)


def test_a_day_that_was_not_in_order_comes_again_and_one_that_was_does_not(tmp_path: Path) -> None:
    first = next_day(tmp_path)
    assert next_day(tmp_path) == first
    mark_done(tmp_path, first)
    second = next_day(tmp_path)
    assert second.number == 2
    assert (second.business_date - first.business_date).days == 1


def test_the_first_date_can_be_set_and_later_days_follow_the_departments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUSINESS_DATE", "2026-05-04")
    first = next_day(tmp_path)
    assert first.business_date == date(2026, 5, 4)
    report = '{"day": 1, "business_date": "2026-05-04", "seed": 1, "scale": 1.0, "datasets": {}, "planted": {}}'
    (tmp_path / "departments").mkdir()
    (tmp_path / "departments" / "day-1.json").write_text(report, encoding="utf-8")
    mark_done(tmp_path, first)
    monkeypatch.setenv("BUSINESS_DATE", "2030-01-01")
    assert next_day(tmp_path).business_date == date(2026, 5, 5)
