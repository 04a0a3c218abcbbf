"""Requests to Airflow outlive a server that is away, answers errors for a while, or forgets a log-in."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.run.airflow_client import AirflowClient
from infra.stack import StackError
from infra.stack.ports import is_free


class Server(ThreadingHTTPServer):
    """Answers as the API server does, after the given troubles."""

    allow_reuse_address = True

    def __init__(self, port: int, troubles: list[int]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.troubles = troubles
        self.logins = 0
        self.triggered: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        return None

    def do_GET(self) -> None:
        self.reply(200, {"dags": [{"dag_id": "population.resident"}], "total_entries": 1})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/auth/token":
            self.server.logins += 1
            right = body == {"username": "engineer", "password": "secret"}
            self.reply(201 if right else 401, {"access_token": f"token-{self.server.logins}"}, trouble=False)
            return
        known = body["dag_run_id"] in self.server.triggered
        self.server.triggered.add(body["dag_run_id"])
        self.reply(409 if known else 200, {})

    def reply(self, status: int, content: dict[str, object], *, trouble: bool = True) -> None:
        if trouble and self.server.troubles:
            status, content = self.server.troubles.pop(0), {}
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


@pytest.fixture
def port() -> int:
    return next(number for number in range(19_500, 19_900) if is_free(number))


@pytest.fixture
def serve(port: int) -> Iterator[object]:
    servers: list[Server] = []

    def start(troubles: list[int]) -> Server:
        server = Server(port, troubles)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client_of(port: int, *, patience: float = 20.0, password: str = "secret") -> AirflowClient:  # noqa: S107
    return AirflowClient(f"http://127.0.0.1:{port}", "engineer", password, patience=patience)


def test_a_server_that_comes_late_is_waited_for(port: int, serve) -> None:
    threading.Timer(1.5, serve, [[]]).start()
    began = time.monotonic()
    assert list(client_of(port).dags()) == ["population.resident"]
    assert time.monotonic() - began >= 1.0


def test_errors_of_the_server_and_a_forgotten_log_in_are_tried_again(port: int, serve) -> None:
    server = serve([503, 401])
    assert list(client_of(port).dags()) == ["population.resident"]
    assert server.logins == 2


def test_a_run_that_is_there_already_is_no_error(port: int, serve) -> None:
    server, client = serve([]), client_of(port)
    client.trigger("population.resident", "round__1", {"business_date": "2026-03-02"})
    client.trigger("population.resident", "round__1", {"business_date": "2026-03-02"})
    assert server.triggered == {"round__1"}


def test_patience_is_bounded_and_says_where_to_look(port: int) -> None:
    with pytest.raises(StackError, match=r"airflow-api\.log"):
        client_of(port, patience=1.0).dags()


def test_a_refusal_is_not_tried_again(port: int, serve) -> None:
    server = serve([404])
    with pytest.raises(StackError, match="refused GET"):
        client_of(port).dags()
    assert server.troubles == []


def test_a_wrong_password_is_said_at_once(port: int, serve) -> None:
    serve([])
    with pytest.raises(StackError, match="log-in"):
        client_of(port, password="wrong").dags()
