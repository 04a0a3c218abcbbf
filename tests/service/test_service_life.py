"""The service refuses to start open, and outlives a restart of its database."""

import threading
import time

import httpx
import pytest
from deltalake import write_deltalake

from catalog.control.recipients import revoke_recipient
from catalog.control.session import session_scope
from catalog.service.app import NoRecipientError, require_recipient
from infra.recipient.boundary import load_table
from tests.service.conftest import persons


def test_it_refuses_to_start_while_nobody_has_a_token(make_exchange):
    exchange = make_exchange()
    done = exchange.command("catalog.service")
    assert done.returncode == 2
    assert "NO_RECIPIENT" in done.stderr and "python -m catalog recipients add" in done.stderr
    assert "Traceback" not in done.stderr

    exchange.recipient("reader", "population")
    assert require_recipient(exchange.control_url) == 1
    with session_scope(exchange.control_url) as session:
        revoke_recipient(session, "reader")
    with pytest.raises(NoRecipientError):
        require_recipient(exchange.control_url)


def test_a_database_restart_costs_a_retry_and_nothing_more(make_exchange, database_server):
    exchange = make_exchange()
    folder = exchange.home / "t"
    write_deltalake(folder, persons(0, 5))
    exchange.publish("population", "base", "t", folder, 0)
    exchange.recipient("reader", "population")
    exchange.start()
    profile, table = exchange.profile(), "population.base.t"
    assert len(load_table(profile, table)) == 5
    database_server.stop()
    began = time.monotonic()
    answer = exchange.get("/shares", timeout=20)
    assert (answer.status_code, answer.json()["errorCode"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert answer.headers["retry-after"] and time.monotonic() - began < 6
    assert httpx.get(f"{exchange.url}/health", timeout=20).status_code == 503
    starter = threading.Timer(0.5, database_server.start)
    starter.start()
    try:
        assert len(load_table(profile, table)) == 5
    finally:
        starter.join()
    exchange.stop()
    assert "Application shutdown complete" in exchange.log and "Traceback" not in exchange.log
