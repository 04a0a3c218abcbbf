"""No secret leaves by a log, a record, an error or a traceback, also where its address cannot be read."""

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog.control.masking import mask_text
from catalog.control.runs import begin_run, end_run, recent_runs
from catalog.control.session import session_scope
from catalog.model.errors import GuantongError
from catalog.model.secret_texts import (
    ADDRESS_FIELDS,
    SECRET_FIELDS,
    SecretsHiddenFormatter,
    mask_secrets,
    masked_traceback,
)
from catalog.model.settings import CHECKOUT, Settings, get_settings

CANARY = "KanaRienVogel"
"""What no output may hold, nor the half of it."""
HALF = CANARY[:8]
FORMS = {
    "another system": f"mysql://reader:{CANARY}@db.example.gov/x",
    "slash": f"postgresql://reader:{CANARY}/{CANARY}@127.0.0.1:1/x",
    "blank": f"postgresql://reader:{CANARY} {CANARY}@127.0.0.1:1/x",
    "percent": f"postgresql://reader:{CANARY}%zz{CANARY}@127.0.0.1:1/x",
    "at": f"postgresql://reader:{CANARY}@{CANARY}@127.0.0.1:1/x",
    "no port": f"postgresql://reader:{CANARY}@127.0.0.1:port/x",
    "nobody there": f"postgresql://reader:{CANARY}@127.0.0.1:1/x",
    "words": f"host=127.0.0.1 port=1 user=reader password='{CANARY} {CANARY}'",
    "no scheme": f"reader:{CANARY}@db.example.gov",
    "token instead": f"{CANARY}-{CANARY}",
    "folder": f"sftp://reader:{CANARY}@files.example.gov/inbox",
    "interface": f"https://reader:{CANARY}@127.0.0.1:1/api?access_token={CANARY}",
    "bracket": f"https://reader:{CANARY}@[::1/api",
}
SOURCES = {
    "population.resident": "SOURCE_PUBLIC_SECURITY",
    "licence.drug_business": "SOURCE_DRUG_ADMINISTRATION",
    "population.insured_person": "SOURCE_HUMAN_RESOURCES",
}
"""A database, a drop folder and an interface."""


def environment(url: str, home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "JAVA_HOME") if name in os.environ}
    return {**kept, "CONTROL_URL": url, "GUANTONG_HOME": str(home), **more}


def command(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *arguments], cwd=CHECKOUT, env=env, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode != 0, (arguments, done.stdout)
    assert done.stdout + done.stderr, arguments
    return done.stdout + done.stderr


def kept(url: str, home: Path) -> str:
    """Return everything that was written: every text of the database, and every file of the home."""
    with session_scope(url) as session:
        tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [session.scalars(text(f"SELECT t::text FROM {table} t")).all() for table in tables]  # noqa: S608
    files = [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    return "\n".join([*(row for found in rows for row in found), *files])


@pytest.mark.parametrize("resource", SOURCES)
def test_a_source_that_is_broken_in_any_way_tells_no_secret(control_database, tmp_path, resource):
    key, said = SOURCES[resource], {}
    for name, address in FORMS.items():
        env = environment(control_database, tmp_path, **{key: address, f"{key}_TOKEN": f"{CANARY}-token"})
        said[name] = command(env, "jobs", "extract", "--resource", resource)
    assert {name: out for name, out in said.items() if HALF in out} == {}
    assert all(out.strip() for out in said.values())
    with session_scope(control_database) as session:
        runs = recent_runs(session, resource=resource, status="failed", limit=99)
        assert len(runs) == len(FORMS) and all(run.error for run in runs)
        assert [run.error for run in runs if HALF in (run.error or "")] == []
    assert HALF not in kept(control_database, tmp_path)
    shown = subprocess.run(
        [sys.executable, "-m", "catalog", "runs", "--json"], cwd=CHECKOUT, capture_output=True, text=True,
        env=environment(control_database, tmp_path), timeout=120,
    ).stdout  # fmt: skip
    assert len(json.loads(shown)) == len(FORMS) and HALF not in shown


@pytest.mark.parametrize("name", ["CONTROL_URL", "SERVICE_CONTROL_URL", "OIDC_ISSUER", "SERVICE_URL"])
def test_the_service_and_commands_with_a_broken_setting_tell_no_secret(control_database, tmp_path, name):
    secrets = {one.upper(): f"{CANARY}{number}" for number, one in enumerate(SECRET_FIELDS)}
    for form in ("another system", "slash", "at", "no port", "nobody there", "words", "token instead", "bracket"):
        more = {"SERVICE_URL": "http://127.0.0.1:1", **secrets, name: FORMS[form]}
        env = environment(control_database, tmp_path) | more
        said = command(env, "catalog.service") if name != "CONTROL_URL" else command(env, "catalog", "runs")
        assert HALF not in said, (form, said)


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Return a function that puts settings into force."""

    def put(**values: str) -> None:
        monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        get_settings.cache_clear()
        get_settings()

    yield put
    monkeypatch.undo()
    get_settings.cache_clear()


def test_every_setting_that_may_hold_a_secret_is_known(settings):
    aliases = {name: field.alias for name, field in Settings.model_fields.items() if field.alias}
    texts = {name for name, field in Settings.model_fields.items() if field.annotation is str and field.default == ""}
    named = {*SECRET_FIELDS, *ADDRESS_FIELDS}
    open_ones = {"webhook_hosts", "oidc_client_id", "notice_mail_from", "notice_mail_to", "resource_path"}
    assert texts == named | open_ones, "say in secret_texts whether a new setting may hold a secret"
    settings(**{aliases[name]: f"{CANARY}-{name}" for name in named}, SOURCE_X=CANARY + "-x", SOURCE_X_TOKEN=CANARY)
    for name in named:
        assert mask_secrets(f"cannot use {CANARY}-{name} here") == "cannot use *** here", name
    assert HALF not in mask_secrets(f"{CANARY}-x and {CANARY}")


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_an_address_are_hidden_wherever_they_come_up(settings, form):
    settings(SOURCE_X=FORMS[form])
    for said in (FORMS[form], f"Port could not be cast to integer value as '{CANARY}'", f"'{CANARY}' has no ="):
        assert HALF not in mask_secrets(said)


def test_errors_records_and_log_lines_are_masked(settings, control_database):
    settings(SOURCE_X=FORMS["slash"], CONTROL_URL=control_database)
    error = GuantongError(f"cannot open {FORMS['slash']}", place=FORMS["at"], remedy="mend it")
    assert HALF not in str(error) + error.args[0] and "reader:***@" in str(error) and "mend it" in str(error)
    begin = begin_run("python -m jobs extract", "extract")
    end_run(begin, error=ValueError(FORMS["slash"]))
    with session_scope(control_database) as session:
        [run] = recent_runs(session)
        assert run.error is not None and run.error.startswith("ValueError: postgresql://reader:***")
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "a %s", (FORMS["slash"],), None)
    try:
        raise KeyError(FORMS["slash"]) from ValueError(CANARY)
    except KeyError as caught:
        record.exc_info = (type(caught), caught, caught.__traceback__)
        trace = masked_traceback(caught)
    line = SecretsHiddenFormatter("%(message)s").format(record)
    assert HALF not in line + trace and "Traceback" in line and "test_secrets_in_texts.py" in trace


def test_what_is_no_secret_stays_readable(settings):
    settings(SOURCE_X="file:/data/inbox/water", SPARK_REMOTE="sc://127.0.0.1:15002")
    for said in (
        "/data/inbox/water is not a folder", "sc://127.0.0.1:15002 does not answer", "row 3 of f.csv: 12:30 is no day",
        "population.resident|N2: name, 甲@乙", "python -m jobs extract --resource population.resident",
        "postgresql://127.0.0.1:5432/control",
    ):  # fmt: skip
        assert mask_text(said) == said


def test_masking_takes_no_time_whatever_a_text_holds(settings):
    settings(SOURCE_X=FORMS["slash"])
    began = time.process_time()
    for sign in (":", "@", "a:", "=", "password=", "'", "x" * 9, "secret", "://"):
        mask_secrets(sign * (20_000 // len(sign)))
    assert time.process_time() - began < 3
