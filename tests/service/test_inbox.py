"""A department's inbox over HTTP: its own events, what it has read, what it acknowledged, and nobody else's."""

import pytest
from sqlalchemy import delete, select

from catalog.control.audit_tables import AuditEntry
from catalog.control.event_tables import Event
from catalog.control.events import emit
from catalog.control.identity_tables import SystemOfficer
from catalog.control.session import session_scope
from catalog.model.event_kinds import load_event_kinds
from catalog.model.roles import Role
from tests.service.world import OTHER, OWN, World

PLANTED = "11010519491231002X"


@pytest.fixture(scope="module")
def world(make_exchange) -> World:
    exchange = make_exchange()
    exchange.settings["WEBHOOK_HOSTS"] = ".water.example.gov"
    exchange.recipient("reader", "population")
    exchange.start()
    return World(exchange)


def happen(world, *departments, kind="grant.revoke") -> int:
    with session_scope(world.exchange.control_url) as session:
        emit(session, kind, f"grant:{PLANTED}", departments=departments, payload={"number": PLANTED})
        return session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()


def inbox(world, token, **params) -> list[dict]:
    answer = world.call("GET", "/events", token, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def marked(world, number) -> list[tuple[str, str]]:
    with session_scope(world.exchange.control_url) as session:
        query = select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.object == f"event:{number}")
        return [(act, actor) for act, actor in session.execute(query.order_by(AuditEntry.seq))]


def test_what_is_read_is_read_once_and_an_acknowledgement_says_who_and_when(world):
    number, other = happen(world, OWN, OTHER), happen(world, OWN, kind="grant.suspend")
    first, second = (world.token(role, department=OWN) for role in (Role.REQUESTER_OFFICER, Role.PROVIDER_OFFICER))
    assert {number, other} <= {one["id"] for one in inbox(world, first, unread=True)}
    assert [one["id"] for one in inbox(world, first, kind="grant.suspend")] == [other]
    before = world.call("GET", "/events/unread", first).json()
    read = world.call("POST", f"/events/{number}/read", first).json()
    assert read["read_at"] and not read["acknowledged_at"] and read["name"] == "授权撤销"
    assert world.call("POST", f"/events/{number}/read", second).json() == read
    acknowledged = world.call("POST", f"/events/{number}/ack", second).json()
    assert acknowledged["read_by"] == read["read_by"] != acknowledged["acknowledged_by"]
    assert world.call("POST", f"/events/{number}/ack", first).json() == acknowledged
    after = world.call("GET", "/events/unread", second).json()
    assert before["unread"] - after["unread"] == 1
    assert {"kind": "grant.suspend", "name": "授权中止", "unread": 1} in after["items"]
    assert number not in {one["id"] for one in inbox(world, first, unread=True)}
    acts = marked(world, number)
    assert [act for act, _ in acts] == ["event.read", "event.acknowledge"] and acts[0][1] != acts[1][1]
    theirs = next(one for one in inbox(world, world.token(Role.STEWARD, department=OTHER)) if one["id"] == number)
    assert theirs["read_at"] is None and theirs["acknowledged_by"] is None


def test_an_acknowledgement_reads_too(world):
    number, token = happen(world, OWN), world.token(Role.STEWARD, department=OWN)
    done = world.call("POST", f"/events/{number}/ack", token).json()
    assert done["read_at"] and done["acknowledged_at"] and done["read_by"] == done["acknowledged_by"]


def test_a_system_marks_nothing_while_no_officer_answers_for_it(world):
    first, second = happen(world, OWN), happen(world, OWN)
    token = world.system_token(Role.REQUESTER_OFFICER, department=OWN)
    assert world.call("POST", f"/events/{first}/ack", token).status_code == 200
    with session_scope(world.exchange.control_url) as session:
        session.execute(delete(SystemOfficer))
    for act in ("read", "ack"):
        refused = world.call("POST", f"/events/{second}/{act}", token)
        assert (refused.status_code, refused.json()["rule"]) == (422, "SYSTEM_UNACCOUNTABLE")
    seen = {one["id"]: one["read_at"] for one in inbox(world, token)}
    assert seen[first] and seen[second] is None


@pytest.mark.parametrize("act", ["read", "ack"])
def test_another_departments_event_looks_as_if_there_were_none(world, act):
    number = happen(world, OTHER)
    answers = [
        world.call("POST", f"/events/{one}/{act}", world.token(Role.PROVIDER_OFFICER, department=OWN))
        for one in (number, 987654321)
    ]
    told = [{key: value for key, value in one.json().items() if key != "request_id"} for one in answers]
    assert [one.status_code for one in answers] == [404, 404] and told[0] == told[1]
    assert marked(world, number) == []
    assert number not in {one["id"] for one in inbox(world, world.token(Role.STEWARD, department=OWN))}


def test_a_webhook_takes_every_kind_there_is_and_no_other(world):
    token = world.token(Role.REQUESTER_OFFICER, department=OWN)
    listed = world.call("GET", "/events/kinds", token).json()["items"]
    kinds = [one["kind"] for one in listed]
    assert kinds == list(load_event_kinds()) and len(kinds) > 70
    assert all(one["name"] and one["payload"] and one["concerned"] for one in listed)
    body = {"url": "https://hooks.water.example.gov/", "kinds": kinds}
    made = world.call("POST", "/webhooks", token, json=body)
    assert made.status_code == 201 and made.json()["kinds"] == sorted(kinds), made.text
    for answer in (
        world.call("POST", "/webhooks", token, json={**body, "kinds": ["grant.revoked"]}),
        world.call("GET", "/events", token, params={"kind": "grant.revoked"}),
    ):
        assert (answer.status_code, answer.json()["rule"]) == (422, "EVENT_KIND_UNKNOWN")
        assert "grant.revoke," in answer.json()["detail"] and "share.version_published" in answer.json()["detail"]


def test_no_personal_number_stands_in_an_inbox(world):
    happen(world, OWN)
    items = inbox(world, world.token(Role.STEWARD, department=OWN))
    assert items and PLANTED not in str(items) and "110105************" in str(items)
