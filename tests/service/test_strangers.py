"""Who shows no credential neither fills the audit nor hides what matters: refusals are counted by the minute."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select, text

from catalog.control.audit import AuditUnavailableError
from catalog.control.audit_tables import AuditEntry
from catalog.control.session import session_scope
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.strangers import WINDOW, Strangers
from tests.control.audit_home import audit_home
from tests.service.world import World

__all__ = ["audit_home"]

PERSON = "11010519491231002X"


def entries(url, act, reason):
    with session_scope(url) as session:
        query = select(AuditEntry).where(AuditEntry.act == act, AuditEntry.reason == reason).order_by(AuditEntry.seq)
        return session.scalars(query).all()


def test_a_flood_of_strangers_is_two_entries_and_a_known_callers_refusal_stands_by_itself(make_exchange, run_command):
    exchange = make_exchange()
    exchange.recipient("reader", "population")
    exchange.start()
    world = World(exchange)
    steward = world.token(Role.STEWARD)
    with session_scope(exchange.control_url) as session:
        before = session.scalar(select(func.max(AuditEntry.seq))) or 0

    def ask(number: int) -> int:
        path = "systems/" + PERSON if number % 2 else "audit"
        return httpx.get(f"{exchange.url}/api/v1/{path}", headers={"Authorization": f"Bearer junk{number}"}).status_code

    with ThreadPoolExecutor(8) as strangers:
        assert set(strangers.map(ask, range(200))) == {401}
    for number in range(20):
        body = {"login": f"nobody{number}", "password": "wrong horse battery"}
        assert world.call("POST", "/sessions", json=body).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": f"s{number}", "client_secret": "x"}
        assert httpx.post(f"{exchange.url}/api/v1/token", data=form).status_code == 401
    assert world.call("GET", "/audit", steward).status_code == 403
    exchange.stop()
    with session_scope(exchange.control_url) as session:
        assert session.scalar(select(func.max(AuditEntry.seq))) - before <= 10
    assert len(entries(exchange.control_url, "request.refuse", "ROLE_MISSING")) == 1
    for act, reason, number in (
        ("request.refuse", "UNAUTHENTICATED", 200),
        ("session.open", "LOGIN_REFUSED", 20),
        ("token.issue", "INVALID_CLIENT", 20),
    ):
        found = entries(exchange.control_url, act, reason)
        counted = [json.loads(entry.detail) for entry in found if entry.object == "strangers"]
        assert counted, act
        assert len(found) - len(counted) + sum(one["further"] for one in counted) == number
        assert "127.0.0.1" in counted[0]["addresses"][0]
        assert all(entry.actor.startswith("stranger") and PERSON not in entry.object + entry.detail for entry in found)
    proven = run_command(exchange, "audit", "verify")
    assert proven.exit_code == 0, proven.output


@pytest.fixture
def counting(control_database, audit_home):
    """Return a counter of strangers with a clock that the test moves, and its database."""
    moment = [0.0]
    return Strangers(control_database, clock=lambda: moment[0]), moment, control_database


def refuse(strangers, address="192.0.2.1", reason="UNAUTHENTICATED"):
    strangers.refused(Caller("stranger", 0, "", "", address=address), "request.refuse", "GET /x", reason)


def test_each_minute_has_its_first_refusal_and_one_count(counting):
    strangers, moment, url = counting
    for number in range(5):
        refuse(strangers, f"192.0.2.{number}")
    refuse(strangers, reason="TOKEN_UNKNOWN")
    assert [one.object for one in entries(url, "request.refuse", "UNAUTHENTICATED")] == ["GET /x"]
    assert len(entries(url, "request.refuse", "TOKEN_UNKNOWN")) == 1, "another reason has an entry of its own"
    strangers.settle()
    assert len(entries(url, "request.refuse", "UNAUTHENTICATED")) == 1, "the minute is not over"
    moment[0] = WINDOW
    refuse(strangers)
    found = entries(url, "request.refuse", "UNAUTHENTICATED")
    assert [one.object for one in found] == ["GET /x", "strangers", "GET /x"]
    told = json.loads(found[1].detail)
    assert (told["further"], len(told["addresses"]), told["places"]) == (4, 4, ["GET /x × 4"])
    assert len(entries(url, "request.refuse", "TOKEN_UNKNOWN")) == 1, "a single refusal needs no count"


def test_counts_wait_for_an_audit_that_cannot_be_written(counting):
    strangers, moment, url = counting
    refuse(strangers)
    refuse(strangers)
    moment[0] = WINDOW
    with session_scope(url) as session:
        session.execute(text("ALTER TABLE audit_entry ADD CONSTRAINT full_disk CHECK (seq < 0) NOT VALID"))
    with pytest.raises(AuditUnavailableError):
        refuse(strangers)
    with session_scope(url) as session:
        session.execute(text("ALTER TABLE audit_entry DROP CONSTRAINT full_disk"))
    strangers.settle(everything=True)
    counted = [one for one in entries(url, "request.refuse", "UNAUTHENTICATED") if one.object == "strangers"]
    assert [json.loads(one.detail)["further"] for one in counted] == [1]
