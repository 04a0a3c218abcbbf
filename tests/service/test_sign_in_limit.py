"""One address cannot try passwords and secrets without end; others go on signing in meanwhile."""

import httpx
import pytest
from sqlalchemy import func, select

from catalog.control.audit_tables import AuditEntry
from catalog.control.session import session_scope
from catalog.service.rate_limit import MOST_ADDRESSES, RateLimit

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
    """A service that lets an address try five times a minute."""
    service = make_exchange()
    service.settings["SIGN_INS_PER_MINUTE"] = "5"
    service.recipient("reader", "population")
    service.start()
    return service


@pytest.mark.parametrize("path", ATTEMPTS)
def test_the_sixth_attempt_in_a_minute_waits_and_is_not_even_compared(strict, path):
    def attempt(address: str) -> httpx.Response:
        headers = {"X-Forwarded-For": address, "Accept-Language": "en"}
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


def test_memory_is_bounded_and_an_ipv6_network_counts_as_one():
    limit = RateLimit(1, clock=lambda: 0.0)
    assert limit.take("2001:db8::1") == 0
    assert limit.take("2001:db8::ffff:2") == 60
    assert limit.take("2001:db8:0:1::1") == 0
    for number in range(MOST_ADDRESSES + 10):
        limit.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._buckets) == MOST_ADDRESSES
