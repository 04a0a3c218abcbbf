"""Events reach a department's systems signed, and again after failures; nothing leaves for unlisted hosts."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select, update

from catalog.control.event_tables import WebhookDelivery
from catalog.control.events import LEASE, PAUSES, emit
from catalog.control.session import session_scope
from catalog.model.roles import Role
from catalog.service import webhook_guard
from catalog.service.webhook_guard import Guard, TargetRefusedError
from tests.service.world import OTHER, OWN, World


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        return None


@pytest.fixture(scope="module")
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen, server.statuses = [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def world(make_exchange, receiver):
    exchange = make_exchange()
    exchange.settings["WEBHOOK_HOSTS"] = f"127.0.0.1:{receiver.server_port}"
    exchange.recipient("reader", "population")
    exchange.start()
    return World(exchange)


@pytest.fixture
def webhook(world, receiver):
    body = {"url": f"http://127.0.0.1:{receiver.server_port}/hook?x=1", "kinds": ["grant.revoked"]}
    answer = world.call("POST", "/webhooks", world.token(Role.REQUESTER_OFFICER), json=body)
    assert answer.status_code == 201, answer.text
    receiver.seen.clear()
    yield answer.json()
    token = world.token(Role.REQUESTER_OFFICER)
    world.call("DELETE", f"/webhooks/{answer.json()['id']}", token, headers={"If-Match": answer.headers["etag"]})


def happen(world, *departments, kind="grant.revoked", number=12):
    with session_scope(world.exchange.control_url) as session:
        emit(session, kind, f"grant:{number}", departments=departments, payload={"grant": number})


def wait_for(receiver, count):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and len(receiver.seen) < count:
        time.sleep(0.05)
    assert len(receiver.seen) == count
    return receiver.seen


def deliveries(world, webhook):
    token = world.token(Role.REQUESTER_OFFICER)
    return world.call("GET", f"/webhooks/{webhook['id']}/deliveries", token).json()["items"]


def test_an_event_arrives_signed_and_only_where_it_belongs(world, receiver, webhook):
    happen(world, OTHER, number=1)
    happen(world, OWN, kind="system.added", number=2)
    happen(world, OTHER, OWN, number=3)
    ((headers, body),) = wait_for(receiver, 1)
    assert json.loads(body)["object"] == "grant:3"
    key = base64.b64decode(webhook["secret"].removeprefix("whsec_"))
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    seen = world.call("GET", "/events", world.token(Role.STEWARD, department=OTHER)).json()["items"]
    assert {"grant:1", "grant:3"} <= {event["object"] for event in seen}
    assert "grant:2" not in {event["object"] for event in seen}


def test_a_failed_attempt_is_made_again_and_recorded(world, receiver, webhook):
    receiver.statuses[:] = [500]
    happen(world, OWN)
    wait_for(receiver, 1)
    for _ in range(100):
        (delivery,) = deliveries(world, webhook)
        if delivery["last_status"] is not None:
            break
        time.sleep(0.05)
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("waiting", 1, 500)
    with session_scope(world.exchange.control_url) as session:
        session.execute(
            update(WebhookDelivery)
            .where(WebhookDelivery.id == delivery["id"])
            .values(next_attempt_at=WebhookDelivery.next_attempt_at - PAUSES[0] - LEASE)
        )
    first, second = wait_for(receiver, 2)
    assert first[1] == second[1] and first[0]["webhook-id"] == second[0]["webhook-id"]
    for _ in range(100):
        (delivery,) = deliveries(world, webhook)
        if delivery["state"] == "delivered":
            break
        time.sleep(0.05)
    assert (delivery["state"], delivery["attempts"], delivery["last_error"]) == ("delivered", 2, None)


def test_a_redirect_is_not_followed_and_after_the_last_attempt_it_is_given_up(world, receiver, webhook):
    receiver.statuses[:] = [302]
    with session_scope(world.exchange.control_url) as session:
        emit(session, "grant.revoked", "grant:9", departments=[OWN])
    wait_for(receiver, 1)
    time.sleep(0.3)
    (delivery,) = deliveries(world, webhook)
    assert (delivery["state"], delivery["last_status"]) == ("waiting", 302)
    receiver.statuses[:] = [503]
    with session_scope(world.exchange.control_url) as session:
        found = session.scalars(select(WebhookDelivery).where(WebhookDelivery.id == delivery["id"])).one()
        found.attempts, found.next_attempt_at = len(PAUSES), found.next_attempt_at - PAUSES[-1]
    wait_for(receiver, 2)
    time.sleep(0.5)
    (delivery,) = deliveries(world, webhook)
    assert (delivery["state"], delivery["last_status"]) == ("given_up", 503)


@pytest.mark.parametrize(
    "url",
    [
        "https://not-listed.example/hook",
        "http://127.0.0.1/hook",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:{port}/hook",
        "http://user:secret@127.0.0.1:{port}/hook",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example/",
        "http://[::1]:{port}/",
        "http://0x7f000001:{port}/",
        "https://",
    ],
)
def test_hosts_that_are_not_listed_are_refused(world, receiver, url):
    token = world.token(Role.REQUESTER_OFFICER)
    answer = world.call("POST", "/webhooks", token, json={"url": url.format(port=receiver.server_port)})
    assert (answer.status_code, answer.json().get("rule")) == (422, "WEBHOOK_REFUSED"), answer.text


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "169.254.169.254",
        "fe80::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "64:ff9b::7f00:1",
        "100.100.100.200",
    ],
)
def test_a_listed_name_that_leads_inside_is_refused_when_it_is_sent(monkeypatch, address):
    guard = Guard.from_setting("hooks.example.gov,.water.example.gov")
    for host in ("hooks.example.gov", "a.water.example.gov"):
        monkeypatch.setattr(webhook_guard.socket, "getaddrinfo", lambda *_a, **_k: [(0, 0, 0, "", ("8.8.8.8", 443))])
        assert guard.resolve(f"https://{host}/x?y=1").url == "https://8.8.8.8:443/x?y=1"
        answers = [(0, 0, 0, "", ("8.8.8.8", 443)), (0, 0, 0, "", (address, 443))]
        monkeypatch.setattr(webhook_guard.socket, "getaddrinfo", lambda *_a, answers=answers, **_k: answers)
        with pytest.raises(TargetRefusedError, match="leads to"):
            guard.resolve(f"https://{host}/x")
    with pytest.raises(TargetRefusedError, match="list"):
        guard.resolve("https://water.example.gov.evil.example/")
    with pytest.raises(TargetRefusedError, match="https"):
        guard.resolve("http://hooks.example.gov/")
