"""A responsibility has a clock from the day it is assigned: told before, on and after its last day, until fulfilled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from catalog.control.clocks import list_clocks, running_clock
from catalog.control.event_tables import Event
from catalog.control.exchange_day import run_day
from catalog.control.lists import KIND, Duty, assign_batch, clocks_of_lines, fulfil, list_responsibilities, number_of
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from tests.exchange.people import HEAD, HOST, MONDAY, an_entry_over, publish

DUE = date(2026, 3, 31)
"""A Tuesday."""


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened


def assigned(session, due: date = DUE, title: str = "常住人口"):
    assign_batch(session, [Duty(title, "public_security", due, "第一批责任清单")], HOST, at=MONDAY)
    return next(line for line in list_responsibilities(session) if line.title == title)


def clock_of(session, line):
    return clocks_of_lines(session, [line])[number_of(line)]


def heard(session, line) -> dict[str, list[str]]:
    """Return what was told of a responsibility → the departments that heard it."""
    found = session.query(Event).filter(Event.object == f"{KIND}:{number_of(line)}").order_by(Event.id)
    return {event.kind: sorted(event.departments) for event in found}


def days(session, first: date, last: date) -> dict[date, list[str]]:
    """Run every day from the first to the last twice, and return what was told on each."""
    told = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        levels = [notice.level for _ in range(2) for notice in run_day(session, {}, day).notices if notice.kind == KIND]
        if levels:
            told[day] = levels
    return told


def test_a_duty_is_told_before_on_and_after_its_last_day_each_once(session):
    line = assigned(session)
    clock = clock_of(session, line)
    assert (clock.status, clock.due_on, clock.responsible, clock.citation) == (
        "running", DUE, "public_security", "第一批责任清单",
    )  # fmt: skip
    assert [one.number for one in list_clocks(session, responsible="public_security")] == [number_of(line)]
    told = days(session, date(2026, 3, 2), date(2026, 4, 20))
    assert told == {
        date(2026, 3, 24): ["warned"],
        date(2026, 3, 31): ["due"],
        date(2026, 4, 1): ["overdue"],
        date(2026, 4, 9): ["escalated"],
    }, "five working days before; on the day; the day after; six working days after, over 清明"
    own, host = ["public_security"], ["data_administration", "public_security"]
    assert heard(session, line) == {
        "clock.warned": own, "clock.due": own, "clock.overdue": host, "clock.escalated": host,
    }  # fmt: skip


def test_a_last_day_of_rest_moves_to_the_next_working_day(session):
    line = assigned(session, date(2026, 10, 3))
    assert clock_of(session, line).due_on == date(2026, 10, 8) and line.due_on == date(2026, 10, 3)


def test_a_duty_assigned_after_its_last_day_is_overdue_at_once(session):
    line = assigned(session, date(2026, 2, 27))
    assert [notice.level for notice in run_day(session, {}, date(2026, 3, 2)).notices] == ["overdue"]
    assert clock_of(session, line).overdue_on == date(2026, 3, 2)


def test_a_duty_from_before_there_were_clocks_gets_its_clock_on_the_next_day(session):
    line = assigned(session)
    session.delete(clock_of(session, line))
    session.flush()
    assert clocks_of_lines(session, [line]) == {}
    run_day(session, {}, date(2026, 3, 3))
    clock = clock_of(session, line)
    assert (clock.started_on, clock.due_on) == (date(2026, 3, 2), DUE)


def test_fulfilment_ends_the_clock_and_the_notices(session):
    publish(session, an_entry_over("population.resident_basic", "基本信息"))
    publish_share_version(
        session, share="city", schema_name="population", table_name="resident_basic",
        resource="population.resident_basic", delta_version=3, table_uri="file:/x", rows=1, schema_json={},
    )  # fmt: skip
    for day, status, title in ((date(2026, 3, 20), "met", "甲"), (date(2026, 4, 2), "late", "乙")):
        line = assigned(session, title=title)
        fulfil(session, line.id, "population.resident_basic", HEAD, day)
        assert clock_of(session, line).status == status and running_clock(session, KIND, number_of(line)) is None
    assert days(session, date(2026, 3, 2), date(2026, 4, 20)) == {}
