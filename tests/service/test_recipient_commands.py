"""Recipients are made, renewed and ended by command; a token is written to one private file and nowhere else."""

import json
import stat

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.migrations import current_revision
from catalog.model.settings import get_settings


@pytest.fixture
def run(exchange, monkeypatch):
    """Run a command of `python -m catalog` in this process, with the service's settings."""
    for name, value in exchange.environment().items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, arguments)
    get_settings.cache_clear()


def test_profiles_are_private_and_tokens_never_shown_unasked(exchange, run):
    done = exchange.command(
        "catalog", "recipients", "add", "by-command", "--department", "taxation", "--share", "population",
        "--purpose", "credit check",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    path = exchange.home / "profiles" / "by-command.share"
    assert str(path) in done.stdout
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    profile = json.loads(path.read_text())
    assert profile["shareCredentialsVersion"] == 1 and profile["endpoint"] == exchange.endpoint
    assert profile["bearerToken"] not in done.stdout + done.stderr
    exchange.tokens["by-command"] = profile["bearerToken"]
    assert exchange.get("/shares", "by-command").json() == {"items": [{"name": "population"}]}

    renewed = run("recipients", "renew", "by-command", "--show")
    fresh = json.loads(path.read_text())["bearerToken"]
    assert fresh != profile["bearerToken"] and fresh in renewed.output
    assert exchange.get("/shares", "by-command").status_code == 401
    exchange.tokens["by-command"] = fresh
    assert exchange.get("/shares", "by-command").status_code == 200


def test_mistakes_are_answered_with_what_to_do(run):
    assert run("recipients", "add", "twice", "--department", "x", "--share", "population").exit_code == 0
    again = run("recipients", "add", "twice", "--department", "x", "--share", "population")
    assert again.exit_code == 2 and "recipients renew twice" in again.output
    assert "no recipient is called nobody" in run("recipients", "revoke", "nobody").output
    assert "is no name" in run("recipients", "add", "../x", "--department", "x", "--share", "y").output
    narrow = run("recipients", "grant", "twice", "--share", "population", "--table", "t", "--purpose", "p")
    assert narrow.exit_code == 2 and "--schema" in narrow.output


def test_grants_can_be_widened_and_ended_share_by_share(exchange, run):
    exchange.recipient("widened", "population", "base", "nothing-yet")
    assert exchange.get("/shares", "widened").json()["items"] == []
    arguments = ("--share", "licence", "--schema", "base", "--purpose", "permits")
    assert run("recipients", "grant", "widened", *arguments).exit_code == 0
    assert run("recipients", "grant", "widened", *arguments, "--days", "2").exit_code == 0
    assert exchange.get("/shares", "widened").json()["items"] == [{"name": "licence"}]
    listed = json.loads(run("recipients", "list", "--json").output)
    mine = next(row for row in listed if row["name"] == "widened")
    assert mine["active"] and {one["purpose"] for one in mine["grants"]} == {"test", "permits"}
    assert "1 grant(s)" in run("recipients", "revoke", "widened", "--share", "licence").output
    assert exchange.get("/shares", "widened").json()["items"] == []


@pytest.mark.parametrize("command", ["batches", "runs", "ledger", "findings", "shares", "deliveries"])
def test_records_are_shown_as_table_and_as_json(run, command):
    shown = run(command)
    assert shown.exit_code == 0 and shown.output
    assert isinstance(json.loads(run(command, "--json").output), list)


def test_the_catalogue_and_the_migration_answer(exchange, run):
    head = current_revision(exchange.control_url)
    assert head and run("migrate").output == f"The control plane is at revision {head}.\n"
    assert json.loads(run("shares", "--json").output)[0]["status"] == "served"
    resources = json.loads(run("resources", "list", "--json").output)
    assert isinstance(resources, list)
    missing = run("resources", "show", "population.nothing")
    assert missing.exit_code == 2 and "no resource" in missing.output
