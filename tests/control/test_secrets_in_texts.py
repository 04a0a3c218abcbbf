"""No secret leaves a command by what it says, records or is called with, also where its address cannot be read."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from catalog.control.runs import begin_run, end_run, recent_runs
from catalog.control.session import session_scope
from catalog.model.secret_texts import Secrecy
from catalog.model.settings import CHECKOUT, get_settings
from tests.model.broken_addresses import CANARY, FORMS, HALF, filled, secret_settings

pytestmark = pytest.mark.long

SOURCES = {
    "population.resident": "SOURCE_PUBLIC_SECURITY",
    "licence.drug_business": "SOURCE_DRUG_ADMINISTRATION",
    "population.insured_person": "SOURCE_HUMAN_RESOURCES",
}
"""A database, a drop folder and an interface."""


@dataclass(frozen=True)
class Said:
    """What a process said, and what anybody on the machine could see of it."""

    code: int
    out: str
    lines: frozenset[str]
    """Command lines of it and of its children."""
    held: bool
    """Whether the word was in its environment."""


def run(env: dict[str, str], *arguments: str) -> Said:
    """Run a command, and look at it and its children as the system shows them."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "JAVA_HOME") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *arguments], cwd=CHECKOUT, env={**kept, **env}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    lines, said = set(), []
    reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
    reader.start()
    seen = psutil.Process(process.pid)
    held, until = False, time.monotonic() + 150
    while process.poll() is None and time.monotonic() < until:
        try:
            lines |= {" ".join(one.cmdline()) for one in (seen, *seen.children(recursive=True))}
            held = held or any(CANARY in value for value in seen.environ().values())
        except psutil.Error:
            pass
        time.sleep(0.2)
    process.kill()
    reader.join()
    return Said(process.wait(), said[0], frozenset(lines), held)


FORKED = """
import importlib, json, os, runpy, sys, traceback
job = json.load(sys.stdin)
for name in job["warm"]:
    importlib.import_module(name)
codes = {}
for name, env in job["cases"].items():
    child = os.fork()
    if child == 0:
        out = os.open(f"{job['folder']}/{name}", os.O_WRONLY | os.O_CREAT)
        os.dup2(out, 1), os.dup2(out, 2)
        os.environ.update(env)
        sys.argv = [job["module"], *job["arguments"]]
        code = 0
        try:
            runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(code)
    codes[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
json.dump(codes, sys.stdout)
"""
"""Runs one command many times, each in a process of its own, which need not load the libraries again."""


def run_each(folder: Path, cases: dict[str, dict[str, str]], warm: str, module: str, *arguments: str) -> dict[str, str]:
    """Run a command with each environment; return what it said, having seen that it failed every time."""
    folder.mkdir()
    job = {"warm": [warm], "cases": cases, "folder": str(folder), "module": module, "arguments": arguments}
    line = [sys.executable, "-W", "ignore", "-c", FORKED]
    plain = {name: os.environ[name] for name in ("PATH", "LANG", "JAVA_HOME") if name in os.environ}
    done = subprocess.run(
        line, cwd=CHECKOUT, env=plain, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and HALF not in done.stderr, done.stderr
    codes = json.loads(done.stdout)
    assert codes.keys() == cases.keys() and all(codes.values()), codes
    said = {name: (folder / name).read_text() for name in cases}
    assert all(text.strip() for text in said.values())
    return said


def environment(url: str, home: Path, **more: str) -> dict[str, str]:
    return {"CONTROL_URL": url, "GUANTONG_HOME": str(home), **more}


def kept(url: str, home: Path) -> str:
    """Return everything that was written: every row of the database, and every file of the home."""
    with session_scope(url) as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [session.scalars(text(f"SELECT t::text FROM {table} t")).all() for table in tables]  # noqa: S608
    files = [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    return "\n".join([*(row for found in rows for row in found), *files])


@pytest.fixture(scope="module")
def teller() -> Iterator[tuple[str, list[str]]]:
    """An interface that answers each request with the token it was asked with, as a bad server may; what it got."""
    got: list[str] = []

    class Teller(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(self.headers.get("Authorization", ""))
            self.send_response(401, f"no {got[-1]}")
            self.end_headers()
            self.wfile.write(json.dumps({"code": 401, "message": f"{got[-1]} is wrong"}).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Teller)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def reader(database_server) -> Iterator[str]:
    """Return the address of a database whose one role has the word as its password, and nothing to read."""
    address = database_server.url("postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        password = sql.Literal(f"{CANARY}1")
        connection.execute(sql.SQL("CREATE ROLE canary LOGIN PASSWORD {}").format(password))
        yield f"postgresql://canary:{CANARY}1@127.0.0.1:{database_server.port}/postgres"
        connection.execute("DROP ROLE canary")


def forms(resource: str, reader: str, teller: str, silent: str) -> dict[str, str]:
    """Return every way in which a source of this kind is broken."""
    if resource == "population.resident":
        wrong = reader.replace(f"{CANARY}1", f"{CANARY}2")
        return {
            **FORMS,
            "no such table": reader,
            "wrong password": wrong,
            "silent": f"postgresql://r:{CANARY}@{silent}/x",
        }
    some = {name: FORMS[name] for name in ("another system", "at", "token instead", "folder", "interface", "bracket")}
    if resource == "population.insured_person":
        return {**some, "tells the token": teller, "nobody there": f"http://r:{CANARY}@127.0.0.1:1/x"}
    return {**some, "file": f"file:/nowhere/{CANARY}:{CANARY}@x"}


@pytest.mark.parametrize("resource", SOURCES)
def test_a_source_that_is_broken_in_any_way_tells_no_secret(
    control_database, tmp_path, resource, reader, teller, silent
):
    key, broken = SOURCES[resource], forms(resource, reader, teller[0], silent)

    def env(address: str) -> dict[str, str]:
        token = {f"{key}_TOKEN": f"{CANARY}-token"}
        return environment(control_database, tmp_path / "home", **{key: address}, **token)

    (tmp_path / "home").mkdir()
    cases = {name: env(address) for name, address in broken.items()}
    said = run_each(tmp_path / "said", cases, "jobs.extract.stage", "jobs", "extract", "--resource", resource)
    assert {name: text for name, text in said.items() if HALF in text} == {}
    seen = run(env(broken["another system"]), "jobs", "extract", "--resource", resource)
    assert seen.code != 0 and seen.held and HALF not in seen.out, "the word was in use"
    assert any("jobs extract" in line for line in seen.lines) and not [line for line in seen.lines if HALF in line]
    if resource == "population.insured_person":
        assert teller[1] and all(CANARY in told for told in teller[1]), "the token was really sent"
    with session_scope(control_database) as session:
        runs = recent_runs(session, resource=resource, status="failed", limit=99)
        assert len(runs) == len(broken) + 1 and all(run.error for run in runs)
    assert HALF not in kept(control_database, tmp_path)


@pytest.mark.parametrize("name", ["CONTROL_URL", "SERVICE_CONTROL_URL", "OIDC_ISSUER", "SERVICE_URL"])
def test_the_service_and_commands_with_a_broken_setting_tell_no_secret(control_database, tmp_path, name):
    secrets = {one: filled(one) for one, secrecy in secret_settings().items() if secrecy is Secrecy.WHOLE}
    assert {"AUDIT_KEY", "OIDC_CLIENT_SECRET", "SERVICE_SIGNING_KEY"} <= set(secrets)
    wanted = ("another system", "slash", "at", "no port", "nobody there", "words", "token instead", "bracket")
    plain = environment(control_database, tmp_path / "home") | {"SERVICE_URL": "http://127.0.0.1:1", **secrets}
    cases = {form: plain | {name: FORMS[form]} for form in wanted}
    module = (
        ("catalog.cli.records", "catalog", "runs")
        if name == "CONTROL_URL"
        else ("catalog.service.app", "catalog.service")
    )
    said = run_each(tmp_path / "said", cases, *module)
    assert {form: text for form, text in said.items() if HALF in text} == {}
    assert HALF not in kept(control_database, tmp_path)


def test_a_command_with_every_secret_set_works_and_tells_none(control_database, tmp_path):
    values = {name: filled(name) for name in secret_settings()} | {"CONTROL_URL": control_database}
    said = run(environment(control_database, tmp_path) | values, "catalog", "runs")
    assert said.code == 0 and said.held and HALF not in said.out
    refused = run(environment(control_database, tmp_path) | values, "catalog.service")
    assert refused.code != 0 and refused.out.strip() and HALF not in refused.out


def test_the_record_of_a_run_is_masked(control_database, monkeypatch, tmp_path):
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("CONTROL_URL", control_database)
    get_settings.cache_clear()
    begin = begin_run("python -m jobs extract", "extract")
    end_run(begin, error=ValueError(FORMS["another system"]))
    get_settings.cache_clear()
    with session_scope(control_database) as session:
        [run] = recent_runs(session)
        assert run.error == "ValueError: mysql://reader:***@db.example.gov/x"
