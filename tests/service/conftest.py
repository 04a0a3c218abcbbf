"""The exchange service as a real process over a real database, with two small Delta tables published."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from click.testing import Result
from deltalake import DeltaTable, write_deltalake
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.recipients import add_grant, add_recipient
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.control.tables import ShareVersion
from catalog.model.settings import get_settings
from tests.control.postgres_server import control_database, database_server, free_port

__all__ = ["control_database", "database_server"]

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class Exchange:
    """The running service, and what tests need to know of it."""

    home: Path
    control_url: str
    port: int
    signing_key: str
    service_control_url: str
    audit_key: str = field(default_factory=lambda: secrets.token_hex(32))
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """Further settings of the service."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"{self.url}/delta-sharing"

    @property
    def log(self) -> str:
        return (self.home / "service.log").read_text()

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            "GUANTONG_HOME": str(self.home),
            "CONTROL_URL": self.control_url,
            "SERVICE_CONTROL_URL": self.service_control_url,
            "AUDIT_KEY": self.audit_key,
            "CREDENTIAL_KEY": self.signing_key,
            "SIGN_INS_PER_MINUTE": "100000",
            **self.settings,
            "SERVICE_URL": self.url,
            "SERVICE_SIGNING_KEY": self.signing_key,
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=CHECKOUT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self) -> None:
        with (self.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "catalog.service"],
                cwd=CHECKOUT,
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self.log)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def recipient(
        self, name: str, share: str, schema: str | None = None, table: str | None = None, department: str = "taxation"
    ) -> str:
        """Make a recipient with a grant and return its token."""
        until = datetime.now(UTC) + timedelta(days=1)
        with session_scope(self.control_url) as session:
            made, token = add_recipient(session, name, department=department, expires_at=until)
            add_grant(session, made, share=share, schema_name=schema, table_name=table, purpose="test", valid_to=until)
        self.tokens[name] = token
        return token

    def get(self, path: str, name: str = "reader", **more) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[name]}", **more.pop("headers", {})}
        return httpx.get(f"{self.endpoint}{path}", headers=headers, **more)

    def query(self, path: str, body: dict | None = None, name: str = "reader", **headers) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {self.tokens[name]}", **headers}
        return httpx.post(f"{self.endpoint}{path}/query", json=body or {}, headers=authorization)

    def publish(self, share: str, schema: str, table: str, uri: Path, delta_version: int, **more) -> ShareVersion:
        rows = DeltaTable(str(uri), version=delta_version).to_pyarrow_table().num_rows
        with session_scope(self.control_url) as session:
            return publish_share_version(
                session,
                share=share,
                schema_name=schema,
                table_name=table,
                resource=f"{schema}.{table}",
                delta_version=delta_version,
                table_uri=f"file:{uri}",
                rows=rows,
                schema_json={},
                **more,
            )

    def profile(self, name: str = "reader") -> str:
        path = self.home / f"{name}.share"
        content = {"shareCredentialsVersion": 1, "endpoint": self.endpoint, "bearerToken": self.tokens[name]}
        path.write_text(json.dumps(content))
        return str(path)


def persons(start: int, stop: int) -> pa.Table:
    """Return rows with every type that shared tables use, nulls included."""
    numbers = list(range(start, stop))
    return pa.table(
        {
            "person_id": [f"p{number:05d}" for number in numbers],
            "name": pa.array([None if number % 7 == 0 else f"张{number}" for number in numbers], pa.string()),
            "birth_date": [date(1960 + number % 40, 1 + number % 12, 1) for number in numbers],
            "registered_at": pa.array(
                [datetime(2026, 1, 1, number % 24, tzinfo=UTC) for number in numbers], pa.timestamp("us", "UTC")
            ),
            "fee_cny": pa.array([Decimal(number) / 4 for number in numbers], pa.decimal128(20, 4)),
            "household_size": pa.array(numbers, pa.int64()),
            "is_local": [number % 2 == 0 for number in numbers],
        }
    )


@pytest.fixture(scope="session")
def make_exchange(database_server, tmp_path_factory) -> Iterator[Callable[[], Exchange]]:
    """Return a maker of services, each with a database of its own; all are stopped at the end."""
    from catalog.control.migrations import migrate

    made: list[Exchange] = []

    def make() -> Exchange:
        url = database_server.create_database()
        migrate(url=url)
        home = tmp_path_factory.mktemp("home")
        exchange = Exchange(home, url, free_port(), secrets.token_hex(32), database_server.service_url(url))
        made.append(exchange)
        return exchange

    yield make
    for exchange in made:
        exchange.stop()


@pytest.fixture(scope="session")
def exchange(make_exchange) -> Exchange:
    """Return a service with one table in share `population` (two versions) and one in share `licence`."""
    served: Exchange = make_exchange()
    served.recipient("reader", "population")
    residents = served.home / "lake" / "gold" / "population__resident_basic"
    write_deltalake(residents, persons(0, 40))
    first = served.publish("population", "base", "resident_basic", residents, 0)
    write_deltalake(residents, persons(40, 100), mode="append")
    write_deltalake(residents, persons(100, 130), mode="append")
    second = served.publish("population", "base", "resident_basic", residents, 2)
    assert (first.version, second.version) == (1, 2)
    licences = served.home / "lake" / "gold" / "licence__valid_licence"
    write_deltalake(
        licences, persons(0, 12).append_column("批次", [["甲 乙", "丙/丁", None] * 4]), partition_by=["批次"]
    )
    served.publish("licence", "base", "valid_licence", licences, 0)
    served.recipient("licence-reader", "licence", "base", "valid_licence")
    served.start()
    return served


@pytest.fixture
def run_command(monkeypatch) -> Iterator[Callable[..., Result]]:
    """Run `python -m catalog …` in this process, with the settings of a service."""

    def run(exchange: Exchange, *arguments: str, given: str | None = None) -> Result:
        for name, value in exchange.environment().items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        return CliRunner().invoke(app, arguments, input=given)

    yield run
    get_settings.cache_clear()
