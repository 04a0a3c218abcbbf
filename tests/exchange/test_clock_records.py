"""Clocks in the database wait, are extended once with consent, warn and escalate once, and end as met or late."""

from datetime import date, timedelta

import pytest

from catalog.control.clocks import (
    ClockError,
    ask_extension,
    cancel_clock,
    clocks_of,
    decide_extension,
    list_clocks,
    pause_clock,
    resume_clock,
    running_clock,
    start_clock,
    stop_clock,
    tick,
)
from catalog.control.session import session_scope
from catalog.model.deadlines import DeadlineError
from tests.exchange.people import HEAD, HOST, HOST_2, STRANGER

START = date(2026, 3, 2)


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened


def started(session, number, limit="reply_conditional", on=START, **more):
    return start_clock(session, "application", number, limit, "public_security", on, **more)


def test_a_clock_keeps_the_limit_of_its_jurisdiction_and_day(session):
    assert started(session, "a1").due_on == date(2026, 3, 16)
    city = started(session, "a2", jurisdiction="pre_review_city")
    assert (city.due_on, city.citation) == (date(2026, 3, 9), "某市政务数据共享管理办法")
    old = started(session, "a3", on=date(2024, 3, 1))
    assert (old.extension, old.citation) == ({}, "国发〔2016〕51号第十二条")
    with pytest.raises(DeadlineError):
        started(session, "a4", limit="tea")
    assert [clock.number for clock in list_clocks(session, responsible="public_security")] == ["a3", "a2", "a1"]


def test_time_that_stands_still_does_not_count(session):
    started(session, "b1")
    pause_clock(session, "application", "b1", START + timedelta(days=2))
    paused = running_clock(session, "application", "b1")
    assert (paused.status, paused.due_on) == ("paused", None)
    assert tick(session, date(2026, 6, 1)) == []
    resume_clock(session, "application", "b1", START + timedelta(days=30))
    assert running_clock(session, "application", "b1").due_on == date(2026, 4, 14)
    assert stop_clock(session, "application", "b1", date(2026, 4, 14)).status == "met"
    assert stop_clock(session, "application", "b1", date(2026, 4, 14)) is None


def test_an_extension_is_given_once_and_by_the_host_authority_alone(session):
    started(session, "c1")
    with pytest.raises(ClockError, match="waits"):
        decide_extension(session, "application", "c1", HOST, consents=True, on=START)
    with pytest.raises(ClockError, match="must act"):
        ask_extension(session, "application", "c1", STRANGER, "忙")
    ask_extension(session, "application", "c1", HEAD, "数据量大")
    with pytest.raises(ClockError, match="already"):
        ask_extension(session, "application", "c1", HEAD, "又忙")
    with pytest.raises(ClockError, match="host authority"):
        decide_extension(session, "application", "c1", HEAD, consents=True, on=START)
    with pytest.raises(ClockError, match="over"):
        decide_extension(session, "application", "c1", HOST, consents=True, on=date(2026, 3, 17))
    extended = decide_extension(session, "application", "c1", HOST, consents=True, on=date(2026, 3, 16))
    assert (extended.extended_by, extended.due_on) == (10, date(2026, 3, 30))
    with pytest.raises(ClockError, match="waits"):
        decide_extension(session, "application", "c1", HOST_2, consents=True, on=START)
    started(session, "c2", limit="delivery")
    with pytest.raises(ClockError, match="never extended"):
        ask_extension(session, "application", "c2", HEAD, "忙")
    started(session, "c3")
    ask_extension(session, "application", "c3", HEAD, "忙")
    assert decide_extension(session, "application", "c3", HOST, consents=False, on=START).due_on == date(2026, 3, 16)


def test_each_warning_is_told_once_and_what_stays_goes_up(session):
    started(session, "d1")
    told = {}
    for n in range(40):
        day = START + timedelta(days=n)
        for notice in [*tick(session, day), *tick(session, day)]:
            told.setdefault(notice.level, []).append(day)
    assert told == {
        "warned": [date(2026, 3, 13)],
        "overdue": [date(2026, 3, 17)],
        "escalated": [date(2026, 3, 24)],
    }
    ended = stop_clock(session, "application", "d1", START + timedelta(days=40))
    assert (ended.status, ended.overdue_on) == ("late", date(2026, 3, 17))


def test_an_end_in_a_year_not_announced_is_provisional_and_says_so(session):
    record = started(session, "e1", on=date(2026, 12, 25))
    assert record.is_provisional and record.due_on == date(2027, 1, 11)
    assert not started(session, "e2").is_provisional
    cancel_clock(session, "application", "e1", date(2026, 12, 28))
    assert [clock.status for clock in clocks_of(session, "application", "e1")] == ["cancelled"]
