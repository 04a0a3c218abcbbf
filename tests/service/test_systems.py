"""Systems get tokens for their secret; secrets and tokens are hashes in the database and end at once."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from catalog.control.acting import people_behind
from catalog.control.applications import move_application, submit_application
from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.clocks import local_day
from catalog.control.credentials import issue_system_token
from catalog.control.identity_tables import Person, System, SystemOfficer, SystemRole
from catalog.control.session import session_scope
from catalog.model.roles import Role, deciding_roles
from catalog.model.state_machine import OwnDecisionError
from tests.exchange.people import ASKER, DRAFTER, HEAD, MONDAY, a_system, an_entry, publish
from tests.exchange.test_applications import a_form
from tests.service.world import HOST, OTHER, OWN, World

TODAY = local_day(utc_now())


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture
def system(world):
    body = {"name": f"s{world.token()[4:14].lower().replace('_', 'a')}", "department": OWN, "purpose": "核验",
            "roles": ["requester_officer"], "accountable_officer": world.officer()}  # fmt: skip
    answer = world.call("POST", "/systems", world.token(Role.SECURITY_ADMINISTRATOR), json=body)
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "etag": answer.headers["etag"]}


def token_of(world, system, **more):
    form = {"grant_type": "client_credentials", **more}
    return httpx.post(f"{world.exchange.url}/api/v1/token", data=form, auth=(system["name"], system["client_secret"]))


def test_a_secret_gives_a_token_that_acts_as_the_system(world, system):
    answer = token_of(world, system)
    assert answer.status_code == 200 and answer.json()["expires_in"] >= 1800
    assert answer.headers["cache-control"] == "no-store"
    me = world.call("GET", "/me", answer.json()["access_token"]).json()
    assert (me["kind"], me["name"], me["department"]) == ("system", system["name"], OWN)
    assert [role["role"] for role in me["roles"]] == ["requester_officer"]
    form = {"client_id": system["name"], "client_secret": system["client_secret"], "grant_type": "client_credentials"}
    assert httpx.post(f"{world.exchange.url}/api/v1/token", data=form).status_code == 200


def test_what_is_not_a_clients_own_gets_the_standards_errors(world, system):
    wrong = token_of(world, {**system, "client_secret": "no"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = token_of(world, {**system, "name": "somebody-else"})
    assert (other.status_code, other.json()["error"]) == (401, "invalid_client")
    assert token_of(world, system, grant_type="password").json()["error"] == "unsupported_grant_type"
    broken = httpx.post(
        f"{world.exchange.url}/api/v1/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": "Basic ???"},
    )
    assert broken.status_code == 401


def test_tokens_end_by_revocation_by_a_new_secret_and_with_the_system(world, system):
    first, second = (token_of(world, system).json()["access_token"] for _ in range(2))
    url = f"{world.exchange.url}/api/v1/token/revocation"
    client = (system["name"], system["client_secret"])
    assert httpx.post(url, data={"token": "gtc_not-mine"}, auth=client).status_code == 200
    assert httpx.post(url, data={"token": first}, auth=client).status_code == 200
    assert world.call("GET", "/me", first).status_code == 401
    assert world.call("GET", "/me", second).status_code == 200
    administrator = world.token(Role.SECURITY_ADMINISTRATOR)
    path = f"/systems/{system['id']}"
    renewed = world.call("POST", f"{path}/secret", administrator, headers={"If-Match": system["etag"]})
    assert world.call("GET", "/me", second).status_code == 401 and token_of(world, system).status_code == 401
    third = token_of(world, renewed.json()).json()["access_token"]
    ended = world.call("DELETE", path, administrator, headers={"If-Match": renewed.headers["etag"]})
    assert ended.json()["revoked_at"] and world.call("GET", "/me", third).status_code == 401
    assert token_of(world, renewed.json()).status_code == 401


def test_no_credential_is_kept_in_clear(world, system):
    tokens = [token_of(world, system).json()["access_token"], world.token(), system["client_secret"]]
    with session_scope(world.exchange.control_url) as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert {"client_token", "login_session", "idempotent_answer"} <= set(tables)
        for table in tables:
            content = session.scalar(text(f"SELECT string_agg(t::text, ' ') FROM {table} t")) or ""  # noqa: S608
            assert not [token for token in tokens if token in content or token[4:] in content], table


def test_decisions_are_no_systems_to_make(world):
    administrator = world.token(Role.SECURITY_ADMINISTRATOR)
    refused = (
        ["host_authority"],
        ["provider_officer"],
        ["auditor"],
        ["steward"],
        ["requester_officer", "provider_officer"],
    )
    for roles, status in (*((roles, 422) for roles in refused), ([], 201)):
        body = {"name": f"d-{len(roles)}-{roles[-1].replace('_', '-') if roles else 'none'}", "department": OWN,
                "purpose": "x", "roles": roles, "accountable_officer": world.officer()}  # fmt: skip
        assert world.call("POST", "/systems", administrator, json=body).status_code == status, roles


def test_the_database_lets_no_system_hold_a_role_that_decides(world, system):
    assert deciding_roles() == {Role.PROVIDER_OFFICER, Role.HOST_AUTHORITY}
    for role in deciding_roles():
        with pytest.raises(IntegrityError, match="role_known"), session_scope(world.exchange.control_url) as session:
            session.add(SystemRole(system_id=system["id"], role=role.value))


def test_a_systems_acts_are_its_makers_so_that_nobody_decides_on_their_own(world, system):
    with session_scope(world.exchange.control_url) as session:
        made = session.get_one(System, system["id"])
        maker = session.scalar(select(Person.login).where(Person.id == world.person(
            Role.SECURITY_ADMINISTRATOR, department=HOST)))  # fmt: skip
        both = {f"person:{maker}", f"person:{system['accountable_officer']}"}
        assert len(both) == 2 and people_behind(session, f"system:{made.name}") == both
        for one in ("person:wang", "system", "system:none", "command:root"):
            assert people_behind(session, one) == {one}
        publish(session, an_entry("301930/1", "系统代办"))
        machine = a_system(session, "heads-own", ASKER.department, "requester_officer", made_by=HEAD.name)
        number = submit_application(session, a_form("301930/1"), machine, at=MONDAY).number
        for act in ("approve", "refuse"):
            with pytest.raises(OwnDecisionError):
                move_application(session, number, act, HEAD, {"reason": "x"}, at=MONDAY)
        assert move_application(session, number, "approve", DRAFTER, at=MONDAY).state == "approved"


def officer_of(world, *roles, department):
    """Return the number, log-in name and token of a new officer, who is nobody's before."""
    fresh = World(world.exchange)
    number, token = fresh.person(*roles, department=department), fresh.token(*roles, department=department)
    with session_scope(world.exchange.control_url) as session:
        return number, session.get_one(Person, number).login, token


def a_machine(world, name: str, department: str, officer: str):
    body = {"name": name, "department": department, "purpose": "核验", "roles": ["requester_officer"],
            "accountable_officer": officer}  # fmt: skip
    return world.call("POST", "/systems", world.token(Role.SECURITY_ADMINISTRATOR), json=body)


def applied(world, code: str, token: str):
    form = a_form(code, term_from=TODAY, term_to=TODAY + timedelta(days=90)).model_dump(mode="json")
    return world.call("POST", "/applications", token, json=form)


def test_who_answers_for_a_system_decides_nothing_that_it_applied_for(world):
    with session_scope(world.exchange.control_url) as session:
        publish(session, an_entry("301931/1", "责任人", needs_host=True))
    number, owner, hand = officer_of(world, Role.HOST_AUTHORITY, department=HOST)
    _, successor, second_hand = officer_of(world, Role.HOST_AUTHORITY, department=HOST)
    made = a_machine(world, "answers-for", HOST, owner)
    assert (made.status_code, made.json()["accountable_officer"]) == (201, owner)
    application = applied(world, "301931/1", token_of(world, made.json()).json()["access_token"])
    assert application.status_code == 201, application.text
    steps = f"/applications/{application.json()['number']}/steps"
    provider = world.token(Role.PROVIDER_OFFICER, department=DRAFTER.department)
    assert world.call("POST", steps, provider, json={"act": "endorse"}).json()["state"] == "endorsed"
    for act in ("consent", "object"):
        refused = world.call("POST", steps, hand, json={"act": act, "reason": "x"})
        assert (refused.status_code, refused.json()["code"]) == (403, "OWN_REQUEST")
    path = f"/systems/{made.json()['id']}"
    administrator, tag = world.token(Role.SECURITY_ADMINISTRATOR), made.headers["etag"]
    change = {"login": successor, "reason": "岗位调整"}
    for body, headers, status in (
        ({"login": successor}, {"If-Match": tag}, 422),
        ({"login": successor, "reason": " "}, {"If-Match": tag}, 422),
        (change, {}, 428),
        (change, {"If-Match": tag}, 200),
    ):
        answer = world.call("PUT", f"{path}/accountable-officer", administrator, json=body, headers=headers)
        assert answer.status_code == status, answer.text
    assert answer.json()["accountable_officer"] == successor and answer.headers["etag"] != tag
    for token in (hand, second_hand):
        refused = world.call("POST", steps, token, json={"act": "consent"})
        assert (refused.status_code, refused.json()["code"]) == (403, "OWN_REQUEST"), "both answer for what it did"
    free = officer_of(world, Role.HOST_AUTHORITY, department=HOST)[2]
    assert world.call("POST", steps, free, json={"act": "consent"}).json()["state"] == "approved"
    with session_scope(world.exchange.control_url) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "system.officer",
                                                         AuditEntry.object == path[1:].replace("systems/", "system:"))
                                .order_by(AuditEntry.seq.desc())).first()  # fmt: skip
        assert entry is not None and successor in entry.detail and "岗位调整" in entry.detail
        assert session.scalars(
            select(SystemOfficer.reason).where(SystemOfficer.system_id == made.json()["id"]).order_by(SystemOfficer.id)
        ).all() == ["核验", "岗位调整"]  # fmt: skip
        assert session.get_one(Person, number).login == owner


def test_only_an_active_officer_of_the_department_answers_for_its_system(world):
    gone, disabled, _ = officer_of(world, Role.REQUESTER_OFFICER, department=OWN)
    with session_scope(world.exchange.control_url) as session:
        session.get_one(Person, gone).disabled_at = utc_now()
        administrator = session.get_one(Person, world.person(Role.SYSTEM_ADMINISTRATOR, department=HOST)).login
    for department, officer in (
        (OWN, disabled), (OWN, world.officer(OTHER)), (HOST, administrator), (OWN, "nobody-knows"),
    ):  # fmt: skip
        answer = a_machine(world, f"unanswered-{department.replace('_', '-')}", department, officer)
        assert (answer.status_code, answer.json()["rule"]) == (422, "SYSTEM_INVALID"), officer
    missing = world.call(
        "POST", "/systems", world.token(Role.SECURITY_ADMINISTRATOR),
        json={"name": "unanswered", "department": OWN, "purpose": "x", "roles": []},
    )  # fmt: skip
    assert (missing.status_code, missing.json()["code"]) == (422, "INVALID_REQUEST")


def test_a_system_for_which_nobody_answers_reads_and_does_not_act(world):
    with session_scope(world.exchange.control_url) as session:
        publish(session, an_entry("301932/1", "无责任人"))
        old = System(name="from-before", department=OWN, purpose="x", secret_sha256="from-before",
                     expires_at=utc_now() + timedelta(days=1))  # fmt: skip
        session.add(old)
        session.flush()
        session.add(SystemRole(system_id=old.id, role="requester_officer"))
        token, number = issue_system_token(session, old.id, timedelta(hours=1)).token, old.id
    administrator, path = world.token(Role.SECURITY_ADMINISTRATOR), f"/systems/{number}"

    def stands(status: int) -> None:
        assert world.call("GET", "/applications", token).status_code == 200
        answer = applied(world, "301932/1", token)
        assert answer.status_code == status, answer.text
        assert status == 201 or answer.json()["rule"] == "SYSTEM_UNACCOUNTABLE"

    def named(login: str) -> None:
        tag = world.call("GET", path, administrator).headers["etag"]
        body = {"login": login, "reason": "补登责任人"}
        answer = world.call("PUT", f"{path}/accountable-officer", administrator, json=body, headers={"If-Match": tag})
        assert answer.status_code == 200, answer.text

    assert world.call("GET", path, administrator).json()["accountable_officer"] is None
    stands(422)
    person, login, _ = officer_of(world, Role.REQUESTER_OFFICER, department=OWN)
    named(login)
    stands(201)
    with session_scope(world.exchange.control_url) as session:
        session.get_one(Person, person).disabled_at = utc_now()
    stands(422)
    named(world.officer())
    stands(201)
