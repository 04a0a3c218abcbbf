"""Events reach a department's systems signed, and again after failures; nothing leaves for unlisted hosts."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select, update

from catalog.control.base import utc_now
from catalog.control.event_tables import Webhook, WebhookDelivery
from catalog.control.events import ENDED, LEASE, PAUSES, Shipment, emit, end_webhook, lay_out, settle, take_due
from catalog.control.sealing import seal
from catalog.control.session import session_scope
from catalog.model.roles import Role
from catalog.model.settings import get_settings
from catalog.service import webhook_guard, webhooks
from catalog.service.webhook_guard import Guard, TargetRefusedError
from catalog.service.webhooks import Sender
from tests.service.world import OTHER, OWN, World


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        if self.server.hold is not None:
            self.server.hold.wait(10)
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
    server.seen, server.statuses, server.hold = [], [], None
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def world(make_exchange, receiver):
    exchange = make_exchange()
    exchange.settings["WEBHOOK_HOSTS"] = f"127.0.0.1:{receiver.server_port},.water.example.gov"
    exchange.recipient("reader", "population")
    exchange.start()
    return World(exchange)


@pytest.fixture
def webhook(world, receiver):
    body = {"url": f"http://127.0.0.1:{receiver.server_port}/hook?x=1", "kinds": ["grant.revoke"]}
    answer = world.call("POST", "/webhooks", world.token(Role.REQUESTER_OFFICER), json=body)
    assert answer.status_code == 201, answer.text
    receiver.seen.clear()
    yield answer.json()
    token = world.token(Role.REQUESTER_OFFICER)
    world.call("DELETE", f"/webhooks/{answer.json()['id']}", token, headers={"If-Match": answer.headers["etag"]})


def happen(world, *departments, kind="grant.revoke", number=12):
    with session_scope(world.exchange.control_url) as session:
        emit(session, kind, f"grant:{number}", departments=departments, payload={"number": number})


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
    happen(world, OWN, kind="grant.suspend", number=2)
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
        emit(session, "grant.revoke", "grant:9", departments=[OWN])
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
        "https://" + "a" * 64 + ".water.example.gov/hook",
        "https://" + ".".join(["a" * 60] * 5) + ".water.example.gov/hook",
        "https://a..water.example.gov/hook",
        "https://.water.example.gov/",
        "https://-a.water.example.gov/",
        "https://xn--.water.example.gov/é",
        "https://water.example.gov:x/",
        "https://[::1/hook",
        "https://水务.water.example.gov/hook",
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


UNSENDABLE = [
    "https://" + "a" * 64 + ".water.example.gov/hook",
    "https://a..water.example.gov/hook",
    "https://.water.example.gov/",
    "https://www.xn--.water.example.gov/é",
    "https://water.example.gov:99999/",
    "no address at all",
    "",
]
"""Addresses that an earlier version of the platform took; they stand in the database."""


def test_no_address_keeps_the_others_from_being_sent_to(world, receiver, webhook):
    with session_scope(world.exchange.control_url) as session:
        made = [
            Webhook(department=OWN, url=url, kinds=["grant.revoke"], secret="", created_by="person:1")
            for url in UNSENDABLE
        ]
        session.add_all(made)
        session.flush()
        numbers = [one.id for one in made]
    for number in (21, 22):
        happen(world, OWN, number=number)
        wait_for(receiver, number - 20)
    with session_scope(world.exchange.control_url) as session:
        found = session.scalars(select(WebhookDelivery).where(WebhookDelivery.webhook_id.in_(numbers))).all()
        tried = [one for one in found if one.attempts]
        for number in numbers:
            end_webhook(session, session.get_one(Webhook, number))
    assert len(found) == 2 * len(UNSENDABLE) and len(tried) >= len(UNSENDABLE)
    assert all(one.last_error and one.last_status is None for one in tried), [one.last_error for one in tried]


class BrokenGuard(Guard):
    """A guard with a fault that nobody foresaw; the second time it ends the thread itself."""

    faults = (RuntimeError, SystemExit)

    def resolve(self, url):
        raise self.faults[min(BrokenGuard.calls, 1)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_is_the_attempts_own_and_a_thread_that_ended_is_replaced(control_database):
    with session_scope(control_database) as session:
        hook = Webhook(department=OWN, url="https://hooks.water.example.gov/", kinds=[], secret="", created_by="x")
        session.add(hook)
        emit(session, "grant.revoke", "grant:1", departments=[OWN])
    BrokenGuard.calls = 0
    sender = Sender(control_database, BrokenGuard(frozenset({".water.example.gov"})), seconds=0.05)
    sender.start()
    assert until(lambda: error_of(control_database) == "RuntimeError") and sender.is_running
    BrokenGuard.calls = 1
    with session_scope(control_database) as session:
        emit(session, "grant.revoke", "grant:2", departments=[OWN])
    assert until(lambda: not sender.is_running)
    BrokenGuard.calls = 0
    sender.revive()
    assert sender.is_running
    with session_scope(control_database) as session:
        session.execute(update(WebhookDelivery).values(next_attempt_at=WebhookDelivery.next_attempt_at - LEASE))
    assert until(lambda: error_of(control_database, 2) == "RuntimeError")
    sender.stop()
    sender.revive()
    assert not sender.is_running


def error_of(url: str, number: int = 1) -> str | None:
    with session_scope(url) as session:
        found = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
        return found[number - 1].last_error if len(found) >= number else None


def until(condition) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not condition():
        time.sleep(0.02)
    return condition()


def test_a_receiver_that_never_ends_its_answer_is_given_up(monkeypatch):
    """It answers a byte at a time, so that no single wait is long."""
    monkeypatch.setattr(webhooks, "LONGEST_ATTEMPT", 0.6)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip():
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not over.wait(0.05):
                connection.sendall(b"a")

    thread = threading.Thread(target=drip)
    thread.start()
    port = listener.getsockname()[1]
    monkeypatch.setenv("CREDENTIAL_KEY", "k" * 64)
    get_settings.cache_clear()
    secret = seal("webhook", "webhook:1", webhooks.new_secret().encode())
    shipment = Shipment(1, 1, 1, f"http://127.0.0.1:{port}/", secret, 1, "grant.revoke", {})
    began = time.monotonic()
    assert webhooks.send(shipment, Guard.from_setting(f"127.0.0.1:{port}")) == (None, "TimeoutError")
    assert time.monotonic() - began < 5
    over.set()
    thread.join()
    listener.close()
    get_settings.cache_clear()


def test_an_ended_webhook_is_sent_nothing_more(world, receiver):
    body = {"url": f"http://127.0.0.1:{receiver.server_port}/hook", "kinds": ["grant.expire"]}
    made = world.call("POST", "/webhooks", world.token(Role.REQUESTER_OFFICER), json=body)
    receiver.seen.clear()
    receiver.statuses[:], receiver.hold = [500], threading.Event()
    for number in (1, 2, 3):
        happen(world, OWN, kind="grant.expire", number=number)
    wait_for(receiver, 1)
    token = world.token(Role.REQUESTER_OFFICER)
    ended = world.call("DELETE", f"/webhooks/{made.json()['id']}", token, headers={"If-Match": made.headers["etag"]})
    assert ended.status_code == 200
    receiver.hold.set()
    happen(world, OWN, kind="grant.expire", number=4)
    time.sleep(5)
    receiver.hold = None
    found = deliveries(world, made.json())
    assert len(receiver.seen) == 1 and len(found) == 3
    assert {(one["state"], one["last_error"]) for one in found} == {("given_up", ENDED)}


def test_what_was_laid_out_while_its_webhook_ended_is_not_taken(control_database):
    with session_scope(control_database) as session:
        hook = Webhook(department=OWN, url="https://hooks.water.example.gov/", kinds=[], secret="", created_by="x")
        session.add(hook)
        emit(session, "grant.revoke", "grant:1", departments=[OWN])
        session.flush()
        assert lay_out(session) == 1
        hook.disabled_at = utc_now()
        session.flush()
        assert take_due(session) == []
        assert session.scalars(select(WebhookDelivery.state)).one() == "given_up"


@pytest.fixture
def one_delivery(control_database):
    """Return the address of a database with one event for one webhook, and a function that takes what is due."""
    with session_scope(control_database) as session:
        session.add(
            Webhook(department=OWN, url="https://hooks.water.example.gov/", kinds=[], secret="", created_by="x")
        )
        emit(session, "grant.revoke", "grant:1", departments=[OWN])
        session.flush()
        lay_out(session)

    def take() -> Shipment:
        with session_scope(control_database) as session:
            session.execute(update(WebhookDelivery).values(next_attempt_at=utc_now()))
            [shipment] = take_due(session)
            return shipment

    return control_database, take


def delivery_of(url: str) -> tuple[str, int, int | None]:
    with session_scope(url) as session:
        found = session.scalars(select(WebhookDelivery)).one()
        return found.state, found.attempts, found.last_status


def test_an_attempt_that_ends_late_takes_nothing_back(one_delivery):
    url, take = one_delivery
    slow, quick = take(), take()
    assert (slow.attempt, quick.attempt) == (1, 2)
    with session_scope(url) as session:
        assert settle(session, slow, status=None, error="TimeoutError") == "waiting"
    assert delivery_of(url) == ("waiting", 2, None)
    with session_scope(url) as session:
        assert settle(session, quick, status=200, error=None) == "delivered"
    for status in (None, 500, 200):
        with session_scope(url) as session:
            assert settle(session, slow, status=status, error="late") == "delivered"
            assert settle(session, quick, status=500, error="twice") == "delivered"
    assert delivery_of(url) == ("delivered", 2, 200)


class SlowGuard(Guard):
    """A guard that notes, at each attempt, how much of its lease is left, and takes its time."""

    left: list[float] = []  # noqa: RUF012

    def resolve(self, url):
        with session_scope(SlowGuard.url) as session:
            own = select(WebhookDelivery).where(WebhookDelivery.attempts == 1, WebhookDelivery.last_error.is_(None))
            [found] = session.scalars(own)
            SlowGuard.left.append((found.next_attempt_at - utc_now()).total_seconds())
        time.sleep(0.3)
        raise TargetRefusedError("not today")


def test_each_attempt_has_its_whole_lease_though_others_before_it_are_slow(control_database):
    with session_scope(control_database) as session:
        session.add(
            Webhook(department=OWN, url="https://hooks.water.example.gov/", kinds=[], secret="", created_by="x")
        )
        for number in range(5):
            emit(session, "grant.revoke", f"grant:{number}", departments=[OWN])
    SlowGuard.url = control_database
    made = webhooks.deliver_due(control_database, SlowGuard(frozenset({".water.example.gov"})))
    assert made == 5 == len(SlowGuard.left)
    assert webhooks.LONGEST_ATTEMPT < LEASE.total_seconds() - 15 < min(SlowGuard.left)
