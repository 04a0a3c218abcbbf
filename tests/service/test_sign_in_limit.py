"""One address cannot try passwords and secrets without end; others go on signing in meanwhile."""

import threading
import time
from itertools import count

import httpx
import pytest
from sqlalchemy import func, select, text

from catalog.control.audit_tables import AuditEntry
from catalog.control.identity_tables import Person
from catalog.control.privileges import SERVICE_ROLE
from catalog.control.session import session_scope
from catalog.model.roles import Role
from catalog.service.rate_limit import MOST_ADDRESSES, MOST_WAITING, SIGN_INS, RateLimit
from tests.service.world import World

_claims = count(1)
WRONG = {"login": "nobody", "password": "wrong horse battery"}
ATTEMPTS = {
    "/sessions": {"json": WRONG},
    "/token": {"data": {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}},
    "/token/revocation": {"data": {"token": "x", "client_id": "x", "client_secret": "y"}},
    "/oidc/attempts": {},
    "/oidc/sessions": {"json": {"code": "x", "state": "y"}},
}


@pytest.fixture(scope="module")
def strict(make_exchange):
    """A service behind a proxy on this machine, which lets an address try five times a minute."""
    service = make_exchange()
    service.settings |= {"SIGN_INS_PER_MINUTE": "5", "TRUSTED_PROXY": "127.0.0.1"}
    service.recipient("reader", "population")
    service.start()
    return service


@pytest.mark.parametrize("path", ATTEMPTS)
def test_the_sixth_attempt_in_a_minute_waits_and_is_not_even_compared(strict, path):
    def attempt(address: str) -> httpx.Response:
        headers = {"X-Forwarded-For": f"203.0.113.{next(_claims)}, {address}", "Accept-Language": "en"}
        return httpx.post(f"{strict.url}/api/v1{path}", headers=headers, **ATTEMPTS[path])

    address = f"192.0.2.{list(ATTEMPTS).index(path)}"
    first = [attempt(address).status_code for _ in range(5)]
    assert set(first) <= {401, 404}, first
    with session_scope(strict.control_url) as session:
        before = session.scalar(select(func.count()).select_from(AuditEntry))
    refused = attempt(address)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert refused.json()["code"] == "TOO_MANY_SIGN_INS"
    assert 1 <= int(refused.headers["retry-after"]) <= 12 and refused.headers["retry-after"] in refused.json()["detail"]
    with session_scope(strict.control_url) as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == before
    assert attempt(f"198.51.100.{list(ATTEMPTS).index(path)}").status_code in (401, 404)


@pytest.mark.parametrize("proxy", ["", "192.0.2.200"])
def test_nobody_but_a_named_proxy_says_where_a_request_comes_from(make_exchange, proxy):
    service = make_exchange()
    service.settings |= {"SIGN_INS_PER_MINUTE": "5", "TRUSTED_PROXY": proxy}
    service.recipient("reader", "population")
    service.start()
    claim = {"X-Forwarded-For": "203.0.113.77"}
    httpx.get(f"{service.url}/api/v1/audit", headers={"Authorization": "Bearer unknown", **claim})
    with session_scope(service.control_url) as session:
        assert session.scalars(select(AuditEntry.address)).all() == ["127.0.0.1"]
    claims = [{"X-Forwarded-For": f"198.51.100.{number}"} for number in range(8)]
    codes = [httpx.post(f"{service.url}/api/v1/sessions", json=WRONG, headers=one).status_code for one in claims]
    assert codes == [401] * 5 + [429] * 3


@pytest.mark.parametrize("proxy", ["*", "0.0.0.0/0", "proxy.example", "10.0.0.5/8"])
def test_a_setting_that_would_believe_too_many_keeps_the_service_from_starting(make_exchange, proxy):
    service = make_exchange()
    service.settings["TRUSTED_PROXY"] = proxy
    done = service.command("catalog.service")
    assert done.returncode == 2 and "PROXY_INVALID" in done.stderr and "Traceback" not in done.stderr


def test_sign_ins_that_wait_for_one_account_leave_the_rest_of_the_service_alone(make_exchange):
    service = make_exchange()
    service.recipient("reader", "population")
    service.start()
    world = World(service)
    token = world.token(Role.STEWARD)
    login = world.call("GET", "/me", token).json()["name"]
    codes: list[int] = []

    def attempt():
        body = {"login": login, "password": "wrong horse battery"}
        codes.append(httpx.post(f"{service.url}/api/v1/sessions", json=body, timeout=60).status_code)

    threads = [threading.Thread(target=attempt) for _ in range(40)]
    with session_scope(service.control_url) as session:
        session.execute(select(Person).where(Person.login == login).with_for_update())
        for thread in threads:
            thread.start()
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = :role")
        deadline = time.monotonic() + 20
        seen = 0
        while time.monotonic() < deadline and not (seen == SIGN_INS and 503 in codes):
            with session_scope(service.control_url) as looking:
                seen = looking.scalar(waiting, {"role": SERVICE_ROLE}) or 0
            time.sleep(0.1)
        assert seen == SIGN_INS and set(codes) == {503}, (seen, codes)
        for _ in range(20):
            assert world.call("GET", "/departments", token).status_code == 200
    for thread in threads:
        thread.join()
    assert len(codes) == 40 and codes.count(401) == SIGN_INS + MOST_WAITING
    with session_scope(service.control_url) as session:
        assert session.scalars(select(Person.locked_until).where(Person.login == login)).one() is not None


def test_memory_is_bounded_and_an_ipv6_network_counts_as_one():
    limit = RateLimit(1, clock=lambda: 0.0)
    assert limit.take("2001:db8::1") == 0
    assert limit.take("2001:db8::ffff:2") == 60
    assert limit.take("2001:db8:0:1::1") == 0
    for number in range(MOST_ADDRESSES + 10):
        limit.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._buckets) == MOST_ADDRESSES
