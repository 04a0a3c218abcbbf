"""The interface under load: 500 readers of the catalogue beside bare FastAPI, and 20,000 random requests."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
from sqlalchemy import text

from catalog.control.migrations import migrate
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.model.registry import get_registry
from catalog.model.settings import CHECKOUT
from tests.benchmarks.result import Result
from tests.control.postgres_server import free_port, running_server
from tests.service.conftest import Exchange
from tests.service.fuzzing import fuzz
from tests.service.world import World

READERS = int(os.environ.get("BENCH_READERS", "500"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))
ROUNDS = 3
LIMIT = 20
CALLS = int(os.environ.get("API_FUZZ_CALLS", "20000"))
Say = Callable[[str], None]


def catalogue_readers(say: Say) -> list[Result]:
    """500 readers of the catalogue at once: the 95th percentile against bare FastAPI and PostgreSQL, same query."""
    with _service() as world:
        ours_port, token = world.exchange.port, world.token()
        entries = world.call("GET", f"/resources?limit={LIMIT}", token).json()["items"]
        _fill_bare(world, entries)
        with _bare(world) as bare_port:
            theirs_entries = httpx.get(f"http://127.0.0.1:{bare_port}/resources?limit={LIMIT}").json()["items"]
            if theirs_entries != entries or len(entries) != LIMIT:
                raise RuntimeError("the peer does not answer the same")
            ours, theirs = [], []
            for turn in range(ROUNDS):
                theirs.append(_p95(bare_port, f"/resources?limit={LIMIT}", "", say, f"bare {turn + 1}"))
                ours.append(_p95(ours_port, f"/api/v1/resources?limit={LIMIT}", token, say, f"ours {turn + 1}"))
    name = f"{READERS} readers of the catalogue, p95"
    return [Result(name, "bare FastAPI + PostgreSQL, same query", median(ours), median(theirs), "ms", 1.5)]


def api_fuzz(say: Say) -> list[Result]:
    """20,000 random requests to every endpoint, sound and unsound: how many the service failed at."""
    with _service() as world:
        result = fuzz(world, CALLS)
    for failure in result.failures[:20]:
        say(f"  {failure}")
    say(f"  {result.calls} calls to {len(result.operations)} endpoints: {dict(sorted(result.statuses.items()))}")
    return [
        Result("random requests that failed inside", "all requests", len(result.failures), result.calls, "calls", 0)
    ]


@contextmanager
def _service() -> Iterator[World]:
    """Start a service over a database of its own."""
    with running_server() as server, tempfile.TemporaryDirectory(prefix="guantong-bench-") as folder:
        url = server.create_database()
        migrate(url=url)
        exchange = Exchange(Path(folder), url, free_port(), secrets.token_hex(32), server.service_url(url))
        for contract in get_registry().all("gold"):
            with session_scope(url) as session:
                publish_share_version(
                    session,
                    share="population",
                    schema_name=contract.domain,
                    table_name=contract.name,
                    resource=contract.id,
                    delta_version=0,
                    table_uri=f"file:{folder}/{contract.id}",
                    rows=0,
                    schema_json={},
                )
        exchange.recipient("reader", "population")
        exchange.start()
        try:
            yield World(exchange)
        finally:
            exchange.stop()


def _fill_bare(world: World, entries: list[dict]) -> None:
    with session_scope(world.exchange.control_url) as session:
        session.execute(text("CREATE TABLE bare_entry (id TEXT PRIMARY KEY, document JSONB NOT NULL)"))
        for entry in entries:
            document = {name: value for name, value in entry.items() if name != "served"}
            values = {"id": entry["id"], "document": json.dumps(document)}
            session.execute(text("INSERT INTO bare_entry VALUES (:id, CAST(:document AS jsonb))"), values)


@contextmanager
def _bare(world: World) -> Iterator[int]:
    port = free_port()
    environment = {**os.environ, "CONTROL_URL": world.exchange.control_url, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "tests.benchmarks.bare_catalogue", str(port)]
    process = subprocess.Popen(command, cwd=CHECKOUT, env=environment)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/resources?limit=1")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _p95(port: int, path: str, token: str, say: Say, name: str) -> float:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.readers_load",
        str(port),
        path,
        str(READERS),
        str(SECONDS),
        token,
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    took = seen["milliseconds"]
    if seen["wrong"] or len(took) < READERS:
        raise RuntimeError(f"{name}: {seen['wrong']} of {len(took)} answers were not 200")
    p95 = took[int(len(took) * 0.95)]
    rate = len(took) / (SECONDS * 0.8)
    say(f"  {name}: p50 {took[len(took) // 2]:.0f} ms, p95 {p95:.0f} ms, {rate:.0f} answers a second")
    return p95
