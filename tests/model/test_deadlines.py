"""Clocks equal a calendar written down from the yearly notices, day by day, with pauses and extensions."""

from bisect import bisect_right
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.model.deadlines import Clock, DeadlineError, Pause, load_deadlines, read_profile
from catalog.model.working_days import CalendarError, Override, WorkingCalendar, read_overrides, working_calendar
from tests.model.state_council_notices import FIRST, LAST, days, rest_and_moved, working_days

WORKED = sorted(working_days())
COUNTABLE = [day for day in days(FIRST, LAST) if day < WORKED[-40]]


def test_every_day_of_nine_years_equals_the_notices():
    calendar = working_calendar()
    every, expected = days(FIRST, LAST), working_days()
    assert len(every) == 3287 and 2200 < len(expected) < 2300
    assert [day for day in every if calendar.day(day).is_working != (day in expected)] == []
    rest, moved = rest_and_moved()
    assert len(moved) == 59 and sum(day.weekday() < 5 for day in rest) > 150


@pytest.mark.parametrize("length", [1, 2, 5, 10, 15, 20])
def test_a_limit_that_starts_on_any_day_ends_where_the_notices_say(length):
    calendar = working_calendar()
    expected = {day: WORKED[bisect_right(WORKED, day) + length - 1] for day in COUNTABLE}
    assert len(expected) > 3200
    assert {day: calendar.after(day, length).day for day in COUNTABLE} == expected
    assert [day for day in COUNTABLE if Clock(day, length).due().day != expected[day]] == []


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(COUNTABLE[:-120]), st.integers(1, 20), st.integers(0, 10), st.lists(st.integers(0, 15), max_size=6)
)
def test_pauses_and_extensions_move_the_end_by_what_they_say(start, length, extension, steps):
    edges = [start + timedelta(days=sum(steps[: n + 1])) for n in range(len(steps))]
    pauses = tuple(Pause(*pair) for pair in zip(edges[::2], edges[1::2], strict=False))
    counted = [d for d in WORKED if d > start and not any(p.since < d <= p.until for p in pauses)]
    clock = Clock(start, length, extended_by=extension, pauses=pauses)
    assert clock.due().day == counted[length + extension - 1]
    assert Clock(start, length, pauses=(*pauses, Pause(start))).due() is None


def test_states_follow_the_day():
    clock = Clock(date(2026, 9, 29), 3)
    assert clock.due().day == date(2026, 10, 9)
    assert [clock.state_on(date(2026, *day)) for day in ((9, 30), (10, 7), (10, 8), (10, 9), (10, 10))] == [
        "running", "running", "warned", "warned", "overdue",
    ]  # fmt: skip
    assert Clock(date(2026, 9, 29), 3, pauses=(Pause(date(2026, 9, 30)),)).state_on(date(2026, 12, 1)) == "paused"


def test_calendar_days_end_on_a_working_day():
    assert Clock(date(2026, 9, 24), 7, unit="calendar").due().day == date(2026, 10, 8)
    assert working_calendar().after(date(2026, 9, 24), 7, unit="calendar").day == date(2026, 10, 8)


def test_a_year_that_is_not_announced_says_so_until_its_notice_is_written_down():
    calendar = working_calendar()
    assert not calendar.after(date(2026, 12, 1), 10).is_provisional
    assert calendar.after(date(2026, 12, 20), 10).is_provisional, "the next notice may move the last days of December"
    provisional = calendar.after(date(2027, 2, 1), 5)
    assert (provisional.day, provisional.is_provisional) == (date(2027, 2, 10), True)
    announced = WorkingCalendar({date(2027, 2, 9): Override(False, True, "notice of 2027")})
    assert announced.after(date(2027, 2, 3), 5).is_provisional is False
    assert announced.day(date(2027, 2, 9)).is_working is False
    assert announced.day(date(2026, 12, 31)).is_provisional is False
    with pytest.raises(CalendarError, match="2003"):
        calendar.day(date(2003, 5, 1))


@pytest.mark.parametrize(
    "line",
    [
        "2027-13-01,rest,announced,x",
        "2027-01-01,off,announced,x",
        "2027-01-01,rest,soon,x",
        "2027-01-01,rest,announced,",
    ],
)
def test_a_malformed_day_is_refused_with_its_line(tmp_path, line):
    path = tmp_path / "days.csv"
    path.write_text(f"date,kind,status,citation\n{line}\n", encoding="utf-8")
    with pytest.raises(CalendarError, match="line 2"):
        read_overrides(path)


def test_profiles_differ_by_jurisdiction_and_by_year_and_cite_every_limit():
    known, day = load_deadlines(), date(2026, 3, 2)
    assert known.jurisdictions() == ["national", "pre_review_city", "shanghai"]
    assert [known.limit("reply_conditional", name, day).days for name in known.jurisdictions()] == [10, 5, 10]
    assert known.limit("confirm_uncatalogued", "shanghai", day).mark == "S"
    assert known.limit("reply_conditional", "national", date(2024, 3, 1)).extension is None
    for jurisdiction in known.jurisdictions():
        limits = known.in_force(jurisdiction, day)
        assert len(limits) >= 8
        assert all(limit.citation and limit.mark for limit, _ in limits.values())
    assert known.in_force("shanghai", day)["delivery"][1] == "national"
    with pytest.raises(DeadlineError, match="no limit tea"):
        known.limit("tea", "national", day)
    with pytest.raises(DeadlineError, match="no jurisdiction"):
        known.limit("delivery", "atlantis", day)


def test_a_limit_without_citation_is_refused(tmp_path):
    path = tmp_path / "city.yml"
    path.write_text(
        "jurisdiction: city\nname: c\nversions:\n- valid_from: 2025-01-01\n  citation: c\n"
        "  limits: {delivery: {days: 3, what: w, mark: M}}\n"
    )
    with pytest.raises(DeadlineError, match="citation"):
        read_profile(path)
