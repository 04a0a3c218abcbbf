"""Notices about a stopped gate, against a real HTTP and a real mail server on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from catalog.control.notices import list_notices
from catalog.control.session import session_scope
from catalog.model.settings import get_settings
from expectations.notices.send import notify_stopped, resend_failed
from expectations.result import CheckOutcome, RuleResult
from tests.control.postgres_server import control_database, database_server
from tests.mail_server import Mailbox

__all__ = ["control_database", "database_server"]
KEY = "shared"
PERSON = "11010519491231002X"
RULE = RuleResult(
    "trial.notices.id.not_null", "stop", False, 3, True, "warn", "号码不得为空", "never null", "transport"
)
STOPPED = CheckOutcome(
    "trial.notices", "silver.trial__notices", 7, 2, 10, [RULE],
    error=f"1 of 2 rules were evaluated; row {PERSON} could not be read",
)  # fmt: skip


class Receiver(ThreadingHTTPServer):
    """An HTTP server that keeps what it was sent and answers as told, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        return None


@pytest.fixture
def servers() -> Iterator[tuple[Receiver, Mailbox]]:
    made = (Receiver(), Mailbox())
    for server in made:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def configure(control_database, tmp_path, monkeypatch) -> Iterator[Any]:
    """Return a function that sets the channels of this process."""
    monkeypatch.setattr("expectations.notices.webhook.PAUSES", (0.01, 0.01))
    monkeypatch.setattr("expectations.notices.mail.PAUSES", (0.01, 0.01))

    def set_(**settings: str) -> None:
        for name in ("WEBHOOK_URL", "WEBHOOK_KEY", "MAIL_SERVER", "MAIL_TO"):
            monkeypatch.delenv(f"NOTICE_{name}", raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(f"NOTICE_{name}", value)
        get_settings.cache_clear()

    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("CONTROL_URL", control_database)
    set_()
    yield set_
    monkeypatch.undo()
    get_settings.cache_clear()


def records() -> list[tuple[str, str, int]]:
    with session_scope() as session:
        return [(n.channel, n.status, n.tries) for n in list_notices(session)]


def test_nothing_is_sent_unless_a_site_says_where(configure):
    assert notify_stopped(STOPPED) == 0 and records() == []


def test_a_webhook_is_signed_retried_and_recorded(configure, servers):
    receiver, _ = servers
    receiver.answers = [503, 500]
    configure(WEBHOOK_URL=f"http://127.0.0.1:{receiver.server_port}/hook?token=secret", WEBHOOK_KEY=KEY)
    assert notify_stopped(STOPPED) == 1
    assert len(receiver.got) == 3 and records() == [("webhook", "sent", 3)]
    assert len({headers["X-Guantong-Notice"] for headers, _ in receiver.got}) == 1
    headers, body = receiver.got[-1]
    at, given = (part.split("=", 1)[1] for part in headers["X-Guantong-Signature"].split(","))
    assert hmac.compare_digest(given, hmac.new(KEY.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest())
    told = json.loads(body)
    assert (told["event"], told["version"], told["rules"][0]["failed"]) == ("gate_stopped", 7, 3)
    assert told["departments"] == ["示范市交通运输局"]
    assert PERSON not in body.decode() and "1101051949" not in body.decode()
    with session_scope() as session:
        assert "secret" not in list_notices(session)[0].target


def test_a_receiver_that_refuses_is_not_asked_again_and_one_that_is_away_is_told_later(configure, servers):
    receiver, _ = servers
    receiver.answers = [403]
    address = f"http://127.0.0.1:{receiver.server_port}/hook"
    configure(WEBHOOK_URL=address, WEBHOOK_KEY=KEY)
    assert notify_stopped(STOPPED) == 0
    assert len(receiver.got) == 1 and records() == [("webhook", "failed", 1)]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = closed.getsockname()[1]
    configure(WEBHOOK_URL=f"http://127.0.0.1:{away}/", WEBHOOK_KEY=KEY)
    assert notify_stopped(STOPPED) == 0
    assert ("webhook", "failed", 3) in records()
    configure(WEBHOOK_URL=address, WEBHOOK_KEY=KEY)
    assert resend_failed() == (2, 0)
    assert {status for _, status, _ in records()} == {"sent"} and resend_failed() == (0, 0)


def test_a_webhook_without_its_key_sends_nothing_and_stops_nothing(configure, servers):
    receiver, _ = servers
    configure(WEBHOOK_URL=f"http://127.0.0.1:{receiver.server_port}/")
    assert notify_stopped(STOPPED) == 0 and receiver.got == []


def test_a_mail_says_what_stopped_in_chinese_and_names_nobody(configure, servers):
    _, mailbox = servers
    port = mailbox.server_address[1]
    configure(MAIL_SERVER=f"smtp://127.0.0.1:{port}", MAIL_TO="steward@example.org, engineer@example.org")
    assert notify_stopped(STOPPED) == 1 and records() == [("mail", "sent", 1)]
    ((recipients, content),) = mailbox.mails
    assert recipients == ["steward@example.org", "engineer@example.org"]
    mail = message_from_bytes(content, policy=policy.default)
    assert "质量关口阻断 silver.trial__notices" in mail["Subject"]
    text = mail.get_content()
    assert "号码不得为空" in text and "示范市交通运输局" in text and PERSON not in text
