"""Acts, refusals and reads of shared tables over HTTP stand in the audit, or they do not happen."""

import json
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text

from catalog.control.audit_reading import AuditFilter, list_entries
from catalog.control.audit_tables import AuditEntry
from catalog.control.identity_tables import System
from catalog.control.session import session_scope
from catalog.control.systems import revoke_system
from catalog.control.tables import Delivery
from catalog.model.roles import Role
from catalog.service.app import require_protected_audit
from tests.service.world import OTHER, OWN, World

TABLE = "/shares/population/schemas/base/tables/resident_basic"
PERSON = "11010519491231002X"


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


def entries(world, **wanted):
    with session_scope(world.exchange.control_url) as session:
        return list_entries(session, AuditFilter(**wanted))


def counted(world, act):
    with session_scope(world.exchange.control_url) as session:
        return session.scalar(select(func.count()).select_from(AuditEntry).where(*AuditFilter(act=act).conditions()))


def test_reads_of_tables_are_recorded_with_their_purpose(exchange, world):
    before = counted(world, "share")
    answer = exchange.query(TABLE)
    assert answer.status_code == 200
    newest = entries(world, act="share.query")[0]
    assert counted(world, "share") == before + 1
    assert (newest.actor_name, newest.object, newest.purpose) == (
        "reader",
        "share:population.base.resident_basic@2",
        "test",
    )
    assert newest.request_id == answer.headers["x-request-id"]


def test_refusals_are_recorded_with_their_reason(exchange, world):
    exchange.get("/shares/licence")
    assert (entries(world, act="request.refuse")[0].actor_name, entries(world, act="request.refuse")[0].reason) == (
        "reader",
        "RESOURCE_DOES_NOT_EXIST",
    )
    world.call("GET", "/audit", world.token(Role.STEWARD))
    newest = entries(world, act="request.refuse")[0]
    assert (newest.reason, newest.object, newest.outcome) == ("ROLE_MISSING", "GET /api/v1/audit", "refused")
    with session_scope(exchange.control_url) as session:
        foreign = world.new_system(session, department=OTHER).id
    answer = world.call("GET", f"/systems/{foreign}", world.token(Role.PROVIDER_OFFICER, department=OWN))
    assert answer.status_code == 404
    assert entries(world, act="request.refuse")[0].reason == "OTHER_DEPARTMENT", "what the answer hides"
    world.call("GET", f"/systems/{PERSON}", world.token(Role.STEWARD))
    newest = entries(world, act="request.refuse")[0]
    assert newest.reason == "ROLE_MISSING" and PERSON not in newest.object and "110105****" in newest.object


def test_what_the_state_of_things_forbids_is_recorded_too(exchange, world):
    with session_scope(exchange.control_url) as session:
        ended = world.new_system(session)
        revoke_system(session, ended)
        number = ended.id
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    before = counted(world, "request.refuse")
    answer = world.call("DELETE", f"/systems/{number}", token, headers={"If-Match": "*"})
    assert answer.status_code == 409, answer.text
    newest = entries(world, act="request.refuse")[0]
    assert counted(world, "request.refuse") == before + 1
    assert (newest.reason, newest.object, newest.outcome) == ("CONFLICT", f"DELETE /api/v1/systems/{number}", "refused")
    assert newest.request_id == answer.headers["x-request-id"]


def test_auditors_ask_who_read_and_the_question_is_recorded(world):
    token = world.token(Role.AUDITOR)
    body = {"person": PERSON, "purpose": "当事人查询"}
    first = world.call("POST", "/audit/who-read", token, json=body).json()["items"]
    second = world.call("POST", "/audit/who-read", token, json=body).json()["items"]
    assert len(second) == len(first) + 1 and second[0]["act"] == "audit.who-read"
    assert second[0]["purpose"] == "当事人查询" and PERSON not in str(second)
    listed = world.call("GET", "/audit?act=audit&limit=1", token).json()
    assert len(listed["items"]) == 1 and listed["next"]


BREAKING = {
    "no privilege": (
        "REVOKE INSERT ON audit_entry FROM guantong_service",
        "GRANT INSERT ON audit_entry TO guantong_service",
    ),
    "no room": (
        "ALTER TABLE audit_entry ADD CONSTRAINT full_disk CHECK (seq < 0) NOT VALID",
        "ALTER TABLE audit_entry DROP CONSTRAINT full_disk",
    ),
    "no folder": ("", ""),
}


@contextmanager
def broken(exchange, how):
    """Break the audit for real, and mend it afterwards."""
    breaking, mending = BREAKING[how]
    folder, away = exchange.home / "audit", exchange.home / "audit-away"
    if how == "no folder":
        folder.rename(away)
        folder.write_text("no folder")
    else:
        with session_scope(exchange.control_url) as session:
            session.execute(text(breaking))
    try:
        yield
    finally:
        if how == "no folder":
            folder.unlink()
            away.rename(folder)
        else:
            with session_scope(exchange.control_url) as session:
                session.execute(text(mending))


@pytest.mark.parametrize("how", BREAKING)
def test_nothing_is_done_or_handed_out_while_the_audit_is_broken(exchange, world, how):
    name = f"broken-{how.replace(' ', '-')}"
    body = {"name": name, "department": OWN, "purpose": "x", "accountable_officer": world.officer()}
    token, auditor = world.token(Role.SECURITY_ADMINISTRATOR), world.token(Role.AUDITOR)
    login = world.call("GET", "/me", token).json()["name"]
    with session_scope(exchange.control_url) as session:
        receipts = session.scalar(select(func.count()).select_from(Delivery))
    with broken(exchange, how):
        for answer in (
            world.call("POST", "/systems", token, json=body),
            world.call("GET", "/audit", auditor),
            world.call("GET", "/audit", token),
            world.call("POST", "/sessions", json={"login": login, "password": "x"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "AUDIT_UNAVAILABLE")
        handed = exchange.query(TABLE)
        assert handed.status_code == 503 and "url" not in handed.text
        assert world.call("GET", "/departments", token).status_code == 200, "what is not recorded goes on"
    with session_scope(exchange.control_url) as session:
        assert session.scalar(select(func.count()).where(System.name == name)) == 0
        assert session.scalar(select(func.count()).select_from(Delivery)) == receipts
    assert world.call("POST", "/systems", token, json=body).status_code == 201
    assert exchange.query(TABLE).status_code == 200


def test_it_does_not_start_with_a_database_role_that_could_change_the_audit(make_exchange):
    exchange = make_exchange()
    exchange.recipient("reader", "population")
    exchange.service_control_url = exchange.control_url
    done = exchange.command("catalog.service")
    assert done.returncode == 2 and "AUDIT_UNPROTECTED" in done.stderr and "Traceback" not in done.stderr
    assert require_protected_audit.__doc__


def test_the_audit_of_all_these_tests_is_sound(exchange, run_command):
    proven = run_command(exchange, "audit", "verify", "--json")
    assert proven.exit_code == 0 and json.loads(proven.output)[0]["entries"] > 5, proven.output
    shown = run_command(exchange, "audit", "who-read", "-", "--json", given=f"{PERSON}\n")
    assert shown.exit_code == 0 and json.loads(shown.output) and PERSON not in shown.output
