"""Log-in by an identity provider that signs real tokens: a sound one opens a session, an unsound one never does."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from catalog.control.audit_tables import AuditEntry
from catalog.control.identity_tables import Person
from catalog.control.session import session_scope
from catalog.model.roles import Role
from tests.control.postgres_server import free_port
from tests.service.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.service.world import HOST, World


@pytest.fixture(scope="module")
def provider():
    port = free_port()
    process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("identity_provider.py")), str(port)])
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/keys")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def world(make_exchange, provider):
    exchange = make_exchange()
    exchange.recipient("reader", "population")
    exchange.settings |= {
        "OIDC_ISSUER": provider,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_REDIRECT_URI": "http://127.0.0.1:1/back",
    }
    exchange.start()
    return World(exchange)


def bound(world, subject, *roles, department):
    """Bind a person's account over the interface."""
    number = world.person(*roles, department=department)
    administrator = world.token(Role.SYSTEM_ADMINISTRATOR)
    tag = world.call("GET", f"/people/{number}", administrator).headers["etag"]
    answer = world.call(
        "PUT", f"/oidc/bindings/{number}", administrator, json={"subject": subject}, headers={"If-Match": tag}
    )
    world.recovered(answer)
    return number


def come_back(world, **wishes):
    """Go to the identity provider and return the code and state that it sends back."""
    begun = world.call("POST", "/oidc/attempts").json()
    asked = httpx.get(begun["address"] + "".join(f"&test_{name}={value}" for name, value in wishes.items()))
    assert asked.status_code == 302, asked.text
    back = {name: values[0] for name, values in parse_qs(urlsplit(asked.headers["location"]).query).items()}
    assert back["state"] == begun["state"]
    return back


def test_a_bound_account_logs_in_and_an_attempt_is_good_once(world):
    number = bound(world, "sub-wang", Role.STEWARD, department="water")
    for kid in ("rsa-1", "ec-1"):
        back = come_back(world, sub="sub-wang", kid=kid)
        answer = world.call("POST", "/oidc/sessions", json=back)
        assert answer.status_code == 201, answer.text
        me = world.call("GET", "/me", answer.json()["token"]).json()
        assert (me["id"], me["roles"][0]["role"], me["enrolled"]) == (number, "steward", True)
        again = world.call("POST", "/oidc/sessions", json=back)
        assert (again.status_code, again.json()["code"]) == (401, "OIDC_REFUSED")


def test_a_binding_of_who_holds_a_role_waits_for_a_security_administrator(world):
    number = world.person(Role.AUDITOR, department=HOST)
    administrator = world.token(Role.SYSTEM_ADMINISTRATOR)
    tag = world.call("GET", f"/people/{number}", administrator).headers["etag"]
    proposal = world.call(
        "PUT", f"/oidc/bindings/{number}", administrator, json={"subject": "sub-own"}, headers={"If-Match": tag}
    )
    assert (proposal.status_code, proposal.json()["oidc_subject"]) == (202, "sub-own")
    assert world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-own")).status_code == 401
    security = world.token(Role.SECURITY_ADMINISTRATOR)
    assert world.call("GET", f"/people/{number}", security).json()["oidc_subject"] is None
    world.recovered(proposal)
    assert world.call("GET", f"/people/{number}", security).json()["oidc_subject"] == "sub-own"
    opened = world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-own", amr="otp"))
    assert world.call("GET", "/me", opened.json()["token"]).json()["id"] == number


def test_a_binding_that_one_person_made_alone_carries_no_role(world):
    number = World(world.exchange).person(department="water")
    administrator, security = world.token(Role.SYSTEM_ADMINISTRATOR), world.token(Role.SECURITY_ADMINISTRATOR)

    def bind():
        tag = world.call("GET", f"/people/{number}", administrator).headers["etag"]
        body, headers = {"subject": "sub-early"}, {"If-Match": tag}
        return world.call("PUT", f"/oidc/bindings/{number}", administrator, json=body, headers=headers)

    def give(role):
        tag = world.call("GET", f"/people/{number}", security).headers["etag"]
        answer = world.call("PUT", f"/people/{number}/roles/{role}", security, headers={"If-Match": tag})
        assert answer.status_code == 200, answer.text
        return answer.json()["oidc_subject"]

    def logged_in() -> int:
        return world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-early")).status_code

    assert bind().status_code == 204 and logged_in() == 201
    assert give("steward") is None and logged_in() == 401
    with session_scope(world.exchange.control_url) as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.act == "role.grant", AuditEntry.object == f"person:{number}")
        ).one()
        assert "sub-early" in entry.detail
    world.recovered(bind())
    assert logged_in() == 201
    assert give("provider_officer") == "sub-early" and logged_in() == 201, "two persons confirmed it"


def test_roles_that_need_a_second_factor_need_it_from_the_provider_too(world):
    bound(world, "sub-host", Role.HOST_AUTHORITY, department=HOST)
    for methods, enrolled in (("pwd", False), ("pwd+otp", True)):
        token = world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-host", amr=methods)).json()["token"]
        assert world.call("GET", "/me", token).json()["enrolled"] is enrolled
        assert (world.call("GET", "/departments", token).status_code == 200) is enrolled


@pytest.mark.parametrize(
    "wishes",
    [
        {"kid": "none"},
        {"kid": "shared"},
        {"kid": "stranger"},
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"nonce": "replayed"},
        {"exp": "-3600"},
    ],
)
def test_an_unsound_token_opens_nothing(world, wishes):
    bound_before = world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-host", amr="otp"))
    assert bound_before.status_code == 201
    answer = world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-host", amr="otp", **wishes))
    assert (answer.status_code, answer.json()["code"]) == (401, "OIDC_REFUSED")


def test_unbound_disabled_and_invented_log_ins_are_refused(world):
    answer = world.call("POST", "/oidc/sessions", json=come_back(world, sub="nobody-knows"))
    assert (answer.status_code, answer.json()["code"]) == (401, "LOGIN_REFUSED")
    invented = world.call("POST", "/oidc/sessions", json={"code": "x", "state": "y"})
    assert invented.json()["code"] == "OIDC_REFUSED"
    number = bound(world, "sub-gone", Role.DATA_ENGINEER, department="transport")
    with session_scope(world.exchange.control_url) as session:
        session.get_one(Person, number).disabled_at = session.get_one(Person, number).created_at
    assert world.call("POST", "/oidc/sessions", json=come_back(world, sub="sub-gone")).status_code == 401


def test_one_subject_has_one_account(world):
    bound(world, "sub-once", Role.PROVIDER_OFFICER, department="water")
    number = world.person(Role.PROVIDER_OFFICER, department="transport")
    administrator = world.token(Role.SYSTEM_ADMINISTRATOR)
    tag = world.call("GET", f"/people/{number}", administrator).headers["etag"]
    answer = world.call(
        "PUT", f"/oidc/bindings/{number}", administrator, json={"subject": "sub-once"}, headers={"If-Match": tag}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
