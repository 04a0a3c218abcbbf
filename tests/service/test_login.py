"""People log in, enrol, rotate and log out; guessing locks the account; nobody is both controller and controlled."""

import json
import stat
import time

import pyotp
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from catalog.control.credentials import IDLE_SESSION
from catalog.control.identity_tables import LoginSession, Person
from catalog.control.passwords import STEP, totp_step
from catalog.control.session import session_scope
from catalog.model.roles import Role
from tests.service.world import HOST, OTHER, OWN, World

GOOD = "correct horse battery staple"


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture
def officer(world):
    """Return log-in name and one-time password of a new account, made over the interface."""
    return make(world)


def make(world, department=OWN, kind="officer"):
    login = f"o{time.time_ns()}"
    body = {"login": login, "display_name": "示范人员", "department": department, "staff_number": login, "kind": kind}
    answer = world.call("POST", "/people", world.token(Role.SYSTEM_ADMINISTRATOR), json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/{answer.json()['id']}")
    return {**answer.json(), "one_time_password": world.one_time_password(login)}


def log_in(world, login, password, code=None):
    return world.call("POST", "/sessions", json={"login": login, "password": password, "code": code})


def change(world, person, role, method="PUT", token=None):
    path = f"/people/{person['id']}"
    token = token or world.token(Role.SECURITY_ADMINISTRATOR)
    tag = world.call("GET", path, token).headers["etag"]
    return world.call(method, f"{path}/roles/{role.value}", token, headers={"If-Match": tag})


def test_a_first_password_is_good_for_nothing_but_changing_it(world, officer):
    opened = log_in(world, officer["login"], officer["one_time_password"])
    token = opened.json()["token"]
    assert world.call("GET", "/departments", token).json()["code"] == "ENROLMENT_REQUIRED"
    weak = {"old": officer["one_time_password"], "new": officer["login"] + "!!!!!!!"}
    assert world.call("PUT", "/me/password", token, json=weak).json()["rule"] == "PASSWORD_REFUSED"
    wrong = world.call("PUT", "/me/password", token, json={"old": "no", "new": GOOD})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "PASSWORD_WRONG")
    changed = world.call("PUT", "/me/password", token, json={"old": officer["one_time_password"], "new": GOOD})
    assert changed.status_code == 204
    assert world.call("GET", "/departments", token).status_code == 200
    assert log_in(world, officer["login"], officer["one_time_password"]).status_code == 401
    assert log_in(world, officer["login"], GOOD).status_code == 201


def test_who_needs_a_one_time_code_enrols_and_a_code_is_good_once(world):
    person = make(world, HOST)
    assert change(world, person, Role.HOST_AUTHORITY).status_code == 200
    token = log_in(world, person["login"], person["one_time_password"]).json()["token"]
    world.call("PUT", "/me/password", token, json={"old": person["one_time_password"], "new": GOOD})
    assert world.call("GET", "/departments", token).json()["code"] == "ENROLMENT_REQUIRED", "a code is still missing"
    seed = world.call("POST", "/me/totp", token).json()["secret"]
    assert world.call("PUT", "/me/totp", token, json={"code": "000000"}).json()["rule"] == "CODE_REFUSED"
    totp = pyotp.TOTP(seed)
    first = totp.now()
    assert world.call("PUT", "/me/totp", token, json={"code": first}).status_code == 204
    assert world.call("GET", "/me", token).status_code == 401, "sessions without a code have ended"
    assert log_in(world, person["login"], GOOD).json()["code"] == "CODE_NEEDED"
    assert log_in(world, person["login"], GOOD, first).status_code == 401, "the first code was used"
    opened = log_in(world, person["login"], GOOD, totp.at(time.time() + STEP))
    assert opened.status_code == 201, opened.text
    assert world.call("GET", "/departments", opened.json()["token"]).status_code == 200
    with session_scope(world.exchange.control_url) as session:
        assert seed not in session.get_one(Person, person["id"]).totp_secret


def test_codes_fit_their_step_and_the_neighbours_only():
    secret, now = "JBSWY3DPEHPK3PXP" * 2, 1_700_000_010
    totp = pyotp.TOTP(secret)
    accepted = [
        shift for shift in range(-4, 5) if totp_step(secret, totp.at(now + shift * STEP), None, now) is not None
    ]
    assert accepted == [-1, 0, 1]
    assert totp_step(secret, totp.at(now), now // STEP, now) is None
    assert totp_step(secret, "é", None, now) is None


def test_five_failures_lock_and_a_locked_account_tells_no_password_from_another(world, officer):
    token = log_in(world, officer["login"], officer["one_time_password"]).json()["token"]
    world.call("PUT", "/me/password", token, json={"old": officer["one_time_password"], "new": GOOD})
    codes = [log_in(world, officer["login"], f"wrong {turn}").json()["code"] for turn in range(5)]
    assert codes == ["LOGIN_REFUSED"] * 5

    def attempt(login, password):
        answer = log_in(world, login, password)
        with session_scope(world.exchange.control_url) as session:
            person = session.get_one(Person, officer["id"])
            kept = (person.failed_count, person.locked_until)
        return {**answer.json(), "request_id": ""}, answer.status_code, kept

    locked = attempt(officer["login"], "guess guess guess")
    assert locked[1] == 401 and locked[2][1] is not None
    assert attempt(officer["login"], GOOD) == attempt("nobody-here", GOOD) == locked
    administrator = world.token(Role.SYSTEM_ADMINISTRATOR)
    tag = world.call("GET", f"/people/{officer['id']}", administrator).headers["etag"]
    reset = world.call("POST", f"/people/{officer['id']}/reset", administrator, headers={"If-Match": tag})
    password = world.one_time_password(officer["login"])
    assert reset.status_code == 200 and password not in reset.text
    assert log_in(world, officer["login"], password).status_code == 201


def test_a_token_rotates_and_a_copied_one_ends_the_session(world):
    token = world.token(Role.STEWARD)
    rotated = world.call("POST", "/sessions/current/rotation", token)
    fresh = rotated.json()["token"]
    assert rotated.status_code == 201 and fresh != token
    assert world.call("GET", "/me", fresh).status_code == 200
    assert world.call("GET", "/me", token).json()["code"] == "TOKEN_REUSED"
    assert world.call("GET", "/me", fresh).status_code == 401


def test_sessions_end_by_log_out_idleness_and_disabling(world):
    token = world.token(Role.STEWARD)
    assert world.call("DELETE", "/sessions/current", token).status_code == 204
    assert world.call("GET", "/me", token).status_code == 401
    idle = world.token(Role.STEWARD)
    number = world.call("GET", "/sessions", idle).json()["items"][-1]["id"]
    with session_scope(world.exchange.control_url) as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == number)
            .values(last_used_at=LoginSession.last_used_at - IDLE_SESSION)
        )
    assert world.call("GET", "/me", idle).status_code == 401
    other, stays = world.token(Role.STEWARD), world.token(Role.STEWARD)
    number = max(entry["id"] for entry in world.call("GET", "/sessions", other).json()["items"] if entry["is_current"])
    assert world.call("DELETE", f"/sessions/{number}", stays).status_code == 204
    assert world.call("GET", "/me", other).status_code == 401
    foreign = world.token(Role.STEWARD, department=OTHER)
    assert world.call("DELETE", f"/sessions/{number}", foreign).status_code == 404


def test_a_role_taken_away_ends_with_the_next_request(world, officer):
    assert change(world, officer, Role.PROVIDER_OFFICER).json()["roles"] == ["provider_officer"]
    token = log_in(world, officer["login"], officer["one_time_password"]).json()["token"]
    world.call("PUT", "/me/password", token, json={"old": officer["one_time_password"], "new": GOOD})
    assert world.call("GET", "/systems", token).status_code == 200
    assert change(world, officer, Role.PROVIDER_OFFICER, "DELETE").json()["roles"] == []
    assert world.call("GET", "/systems", token).status_code == 401


def test_the_three_administrators_never_meet_in_one_person(world):
    person = make(world, HOST, "administrator")
    assert change(world, person, Role.AUDITOR).status_code == 200
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.STEWARD, Role.HOST_AUTHORITY):
        answer = change(world, person, role)
        assert (answer.status_code, answer.json()["rule"]) == (422, "ROLE_REFUSED"), role
    assert change(world, person, Role.AUDITOR, "DELETE").status_code == 200
    later = change(world, person, Role.SYSTEM_ADMINISTRATOR)
    assert later.status_code == 422 and "终身只任一个角色" in later.json()["detail"]
    officer = make(world)
    assert change(world, officer, Role.AUDITOR).status_code == 422
    assert change(world, officer, Role.HOST_AUTHORITY).status_code == 422, "only in the host department"
    assert change(world, officer, Role.REQUESTER_OFFICER).status_code == 200


def test_nobody_gives_themselves_a_role_and_makers_of_accounts_give_none(world):
    token = world.token(Role.SECURITY_ADMINISTRATOR)
    me = world.call("GET", "/me", token).json()
    answer = change(world, me, Role.SECURITY_ADMINISTRATOR, token=token)
    assert answer.status_code == 422 and "不得为自己分配角色" in answer.json()["detail"]
    system = world.token(Role.SYSTEM_ADMINISTRATOR)
    assert change(world, make(world), Role.STEWARD, token=system).json()["code"] == "ROLE_MISSING"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO person_role (person_id, role, kind, granted_by) VALUES (:auditor, 'steward', 'officer', 'x')",
        "INSERT INTO person_role (person_id, role, kind, granted_by) VALUES (:auditor, 'steward', 'administrator', '')",
        "INSERT INTO person_role (person_id, role, kind, granted_by) "
        "VALUES (:auditor, 'system_administrator', 'administrator', 'x')",
        "INSERT INTO person_role (person_id, role, kind, granted_by) "
        "VALUES (:auditor, 'auditor', 'administrator', 'person:' || :auditor) "
        "ON CONFLICT (person_id, role) DO UPDATE SET granted_by = excluded.granted_by",
        "UPDATE person SET kind = 'officer' WHERE id = :auditor",
        "INSERT INTO person (login, display_name, department, staff_number, kind) "
        "SELECT 'second', 'second', department, staff_number, 'administrator' FROM person WHERE id = :auditor",
    ],
)
def test_the_database_refuses_the_mixture_by_itself(world, statement):
    number = world.person(Role.AUDITOR, department=HOST)
    with pytest.raises(DBAPIError) as refused, session_scope(world.exchange.control_url) as session:
        session.execute(text(statement), {"auditor": number})
    assert "Violation" in type(refused.value.orig).__name__


def test_the_first_administrators_are_made_by_command(make_exchange, run_command):
    fresh = make_exchange()
    options = ("--name", "示范管理员", "--staff-number", "A-1")
    done = run_command(fresh, "people", "first", "zhang", "--role", "system_administrator", *options)
    assert done.exit_code == 0, done.output
    path = fresh.home / "people" / "zhang.password"
    password = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(password) > 15 and password not in done.output
    for login, role, reason in (
        ("li", "system_administrator", "somebody holds"),
        ("li", "auditor", "one person has one account"),
        ("li", "steward", "not an administrator"),
        ("Li!", "auditor", "no log-in name"),
    ):
        refused = run_command(fresh, "people", "first", login, "--role", role, *options)
        assert refused.exit_code == 2 and reason in refused.output, refused.output
    assert [row["roles"] for row in json.loads(run_command(fresh, "people", "list", "--json").output)] == [
        "system_administrator"
    ]
    again = run_command(fresh, "people", "reset", "zhang")
    assert again.exit_code == 2 and "exists already" in again.output
    path.unlink()
    assert run_command(fresh, "people", "reset", "zhang").exit_code == 0 and path.read_text().strip() != password
    run_command(fresh, "audit", "show")
    acts = {entry["act"] for entry in json.loads(run_command(fresh, "audit", "show", "--json").output)}
    assert acts == {"person.first", "person.reset", "people.read", "audit.read"}
    proven = run_command(fresh, "audit", "verify")
    assert proven.exit_code == 0 and "sound" in proven.output
    with session_scope(fresh.control_url) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE audit_entry SET actor_name = 'nobody' WHERE seq = 2"))
    bent = run_command(fresh, "audit", "verify", "--json")
    assert bent.exit_code == 1
    assert [(one["fault"], one["place"]) for one in json.loads(bent.output)[0]["findings"]] == [("ENTRY_EDITED", "2")]
    assert "not sound" in run_command(fresh, "audit", "archive", "--before", "2020-01-01").output
