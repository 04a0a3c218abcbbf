"""Paged interfaces on the real engine: moving lists, busy servers, changes since."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.extract import paging
from jobs.extract.paging import SourceUnavailableError

COLUMNS = {"record_no": "记录号", "name": "姓名"}
TOKEN = "token-of-the-test"


class Interface:
    """A department's interface that misbehaves on demand."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.total_off = 0
        self.failures = 0
        self.inserts: list[dict[str, Any]] = []
        self.requests: list[dict[str, list[str]]] = []

    def answer(self, query: dict[str, list[str]]) -> dict[str, Any]:
        self.requests.append(query)
        since = query.get("since", [""])[0]
        chosen = [i for i in self.items if i["changed_at"] >= since]
        page, size = int(query["page"][0]), int(query["page_size"][0])
        found = chosen[(page - 1) * size : page * size]
        if self.inserts:
            self.items.insert(0, self.inserts.pop())
        return {"total": len(chosen) + self.total_off, "items": found}


@pytest.fixture
def interface(department: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Interface]:
    state = Interface()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            authorised = self.headers["Authorization"] == f"Bearer {TOKEN}"
            busy = state.failures > 0
            state.failures -= busy
            status = 401 if not authorised else 503 if busy else 200
            body = json.dumps(state.answer(parse_qs(address.query))).encode() if status == 200 else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("SOURCE_HUMAN_RESOURCES", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("SOURCE_HUMAN_RESOURCES_TOKEN", TOKEN)
    monkeypatch.setattr(paging, "FIRST_PAUSE", 0.01)
    from catalog.model.settings import get_settings

    get_settings.cache_clear()
    yield state
    server.shutdown()
    server.server_close()


def item(number: int, day: int = 1, name: str = "名") -> dict[str, Any]:
    return {"record_no": number, "name": name, "changed_at": f"2026-03-{day:02}T08:00:00+08:00"}


def declared(department: Any, name: str, **more: Any) -> None:
    block = {"kind": "rest", "server": "human_resources", "path": "/v1/list", "key": ["record_no"], "page_size": 10}
    department.declare(name, block | {"changed_at": "changed_at"} | more, COLUMNS)


def test_list_that_moves_is_read_again_and_a_busy_server_is_waited_for(department, interface):
    declared(department, "rest_moving")
    interface.items = [item(n) for n in range(25)]
    interface.inserts = [item(99)]
    interface.failures = 2
    department.extract()

    [batch] = department.batches()
    assert (batch.status, batch.declared_rows, batch.received_rows, batch.kind) == ("accepted", 26, 26, "pages")
    assert {row["record_no"] for row in department.bronze()} == {str(n) for n in [*range(25), 99]}
    assert {row["_source_at"].isoformat() for row in department.bronze()} == {"2026-03-01T00:00:00"}
    department.assert_balanced()
    pages = sorted((department.settings.landing / batch.location).glob("page-*.json"))
    assert [len(json.loads(page.read_bytes())["items"]) for page in pages] == [10, 10, 6]

    department.extract()
    assert [b.status for b in department.batches()].count("no_op") == 1
    interface.items[0] = item(99, 2, "改")
    department.extract()
    assert len(department.bronze()) == 27
    department.assert_balanced()


def test_list_that_does_not_hold_what_it_says_is_held(department, interface):
    declared(department, "rest_short")
    interface.items, interface.total_off = [item(n) for n in range(5)], 2
    department.extract()
    [batch] = department.batches()
    assert (batch.status, batch.reason_code) == ("held", "SHORT_DELIVERY")
    assert department.ledger()[batch.batch_id] == (5, 0, 5)


def test_only_changes_are_asked_for_and_late_ones_are_not_lost(department, interface):
    declared(department, "rest_changes", since_parameter="since")
    interface.items = [item(n) for n in range(15)]
    department.extract()
    late = item(20) | {"changed_at": "2026-03-01T07:55:00+08:00"}
    interface.items = [*interface.items[1:], item(0, 2, "改"), late]
    department.extract()
    assert "since" not in interface.requests[0]
    assert len(department.bronze()) == 17
    assert sorted(b.manifest["accepted"] for b in department.batches()) == [2, 15]

    department.extract()
    assert len(department.batches()) == 2
    department.assert_balanced()


def test_pages_that_are_no_one_list_are_never_believed(department, interface):
    declared(department, "rest_unstable", since_parameter="since")
    interface.items = [*[item(n) for n in range(19)], item(19, 9)]
    answer = interface.answer

    def shifting(query: dict[str, list[str]]) -> dict[str, Any]:
        """The second page repeats a record and leaves another one out, at every reading."""
        found = answer(query)
        if query["page"] == ["2"]:
            found["items"] = [item(9), *found["items"][1:]]
        return found

    interface.answer = shifting
    department.extract()
    [held] = department.batches()
    assert (held.status, held.reason_code) == ("held", "SOURCE_UNSTABLE")
    assert department.ledger()[held.batch_id] == (20, 0, 20)

    interface.answer = answer
    interface.items += [item(99, 10), item(50) | {"changed_at": "2999-01-01T00:00:00+08:00"}]
    department.extract()
    assert {row["record_no"] for row in department.bronze()} == {*map(str, range(20)), "99", "50"}
    [ahead] = department.findings("SOURCE_TIME_AHEAD")
    assert ahead.count == 1
    interface.items.append(item(60, 11))
    department.extract()
    assert "60" in {row["record_no"] for row in department.bronze()}
    assert interface.requests[-1]["since"] == ["2026-03-09T23:50:00+00:00"]
    assert len(department.findings("SOURCE_TIME_AHEAD")) == 1, "it is noted once"
    department.assert_balanced()


@pytest.mark.parametrize(("name", "failures"), [("rest_down", 99), ("rest_denied", 0)])
def test_an_interface_that_does_not_answer_is_a_failure(department, interface, monkeypatch, name, failures):
    declared(department, name)
    interface.failures = failures
    if not failures:
        monkeypatch.setenv("SOURCE_HUMAN_RESOURCES_TOKEN", "wrong")
        from catalog.model.settings import get_settings

        get_settings.cache_clear()
    with pytest.raises(SourceUnavailableError, match="status 503" if failures else "status 401"):
        department.extract()
    assert department.batches() == []
