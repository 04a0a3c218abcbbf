"""Systems get tokens for their secret; secrets and tokens are hashes in the database and end at once."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from catalog.control.acting import person_behind
from catalog.control.applications import move_application, submit_application
from catalog.control.base import utc_now
from catalog.control.identity_tables import Person, System, SystemRole
from catalog.control.session import session_scope
from catalog.control.systems import add_system
from catalog.model.roles import Role, deciding_roles
from catalog.model.state_machine import Actor, OwnDecisionError
from tests.exchange.people import ASKER, DRAFTER, HEAD, MONDAY, an_entry, publish
from tests.exchange.test_applications import a_form
from tests.service.world import HOST, OWN, World


@pytest.fixture(scope="module")
def world(exchange) -> World:
    return World(exchange)


@pytest.fixture
def system(world):
    body = {"name": f"s{world.token()[4:14].lower().replace('_', 'a')}", "department": OWN, "purpose": "核验",
            "roles": ["requester_officer"]}  # fmt: skip
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
                "purpose": "x", "roles": roles}  # fmt: skip
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
        assert (made.made_by, person_behind(session, f"system:{made.name}")) == (f"person:{maker}",) * 2
        assert [person_behind(session, one) for one in ("person:wang", "system", "system:none", "command:root")] == [
            "person:wang", "system", "system:none", "command:root",
        ]  # fmt: skip
        until = utc_now() + timedelta(days=1)
        add_system(
            session, "heads-own", department=ASKER.department, purpose="x", roles=[Role.REQUESTER_OFFICER],
            expires_at=until, made_by=HEAD.name,
        )  # fmt: skip
        publish(session, an_entry("301930/1", "系统代办"))
        machine = Actor("system:heads-own", ASKER.department, frozenset({"requester_officer"}))
        number = submit_application(session, a_form("301930/1"), machine, at=MONDAY).number
        for act in ("approve", "refuse"):
            with pytest.raises(OwnDecisionError):
                move_application(session, number, act, HEAD, {"reason": "x"}, at=MONDAY)
        assert move_application(session, number, "approve", DRAFTER, at=MONDAY).state == "approved"
