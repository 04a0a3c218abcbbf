"""When the stack is served, the exchange catalogue's day is held: limits looked at, told, and on record."""

import secrets
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.clocks import local_day, start_clock
from catalog.control.event_tables import Event
from catalog.control.session import session_scope
from infra.stack.commands import hold_daily_round
from infra.stack.home import Home
from infra.stack.settings_file import update_settings
from tests.control.postgres_server import control_database, database_server

__all__ = ["control_database", "database_server"]


def count(url: str, *conditions) -> int:
    with session_scope(url) as session:
        return session.scalar(select(func.count()).where(*conditions)) or 0


def test_the_day_is_held_when_the_stack_is_served_and_a_failure_is_told(
    control_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "state")
    home.create()
    with session_scope(control_database) as session:
        late = local_day(utc_now()) - timedelta(days=90)
        start_clock(session, "application", "APP-2026-000001", "reply_unconditional", "water", late)
    hold_daily_round(home)
    assert "The daily round of the exchange catalogue failed" in capsys.readouterr().out
    update_settings(home, CONTROL_URL=control_database, AUDIT_KEY=secrets.token_hex(32))
    hold_daily_round(home)
    assert capsys.readouterr().out == ""
    assert count(control_database, AuditEntry.act == "clock.tick") == 1
    assert count(control_database, Event.kind == "clock.overdue") == 1
