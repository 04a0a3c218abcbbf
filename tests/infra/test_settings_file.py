"""Ports, secrets and settings of a home."""

import json
import os
import socket
from collections.abc import Callable

import pytest

from catalog.model.settings import load_settings
from infra.stack.errors import StackError
from infra.stack.home import Home
from infra.stack.ports import LOOPBACK, RANGE, choose_ports, is_free
from infra.stack.secrets import load_secrets
from infra.stack.settings_file import base_environment, update_settings, write_settings
from infra.stack.table import PORTS


@pytest.fixture
def home(make_home: Callable[[str], Home], request: pytest.FixtureRequest) -> Home:
    home = make_home(request.node.name)
    home.create()
    return home


def test_secrets_are_private_long_and_kept(home: Home) -> None:
    first = load_secrets(home)
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600
    assert len(first) >= 10
    assert all(len(value) >= 32 for value in first.values())
    assert len(set(first.values())) == len(first)
    assert load_secrets(home) == first


def test_two_homes_share_no_secret(home: Home, make_home: Callable[[str], Home]) -> None:
    other = make_home("second")
    other.create()
    assert not set(load_secrets(home).values()) & set(load_secrets(other).values())


def test_ports_are_kept(home: Home) -> None:
    first = choose_ports(home, PORTS)
    assert len(set(first.values())) == len(PORTS)
    assert all(port in RANGE and is_free(port) for port in first.values())
    assert choose_ports(home, PORTS) == first
    with socket.create_server((LOOPBACK, first["spark"])):
        assert choose_ports(home, PORTS, ours=["spark"]) == first


def test_a_kept_port_that_somebody_took_is_refused_by_name(home: Home) -> None:
    first = choose_ports(home, PORTS)
    with socket.create_server((LOOPBACK, first["service"])), pytest.raises(StackError) as caught:
        choose_ports(home, PORTS)
    told = str(caught.value)
    assert f"port {first['service']} of service is taken by process {os.getpid()}" in told
    assert str(home.ports_file) in told
    assert "make down" in told
    assert choose_ports(home, PORTS) == first, "nothing was chosen instead"
    kept = {name: port for name, port in first.items() if name != "service"}
    home.ports_file.write_text(json.dumps(kept))
    with socket.create_server((LOOPBACK, first["service"])):
        second = choose_ports(home, PORTS)
    assert second["service"] != first["service"]
    assert {**second, "service": 0} == {**first, "service": 0}


def test_settings_reach_every_command(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAL_DATA", "/data/real")
    write_settings(home, choose_ports(home, PORTS), load_secrets(home))
    assert home.env_file.stat().st_mode & 0o777 == 0o600
    settings = load_settings({"GUANTONG_HOME": str(home.root)})
    assert settings.lake_uri == f"file:{home.root}/lake"
    assert settings.spark_remote.startswith("sc://localhost:")
    assert settings.control_url.startswith("postgresql+psycopg://control:")
    assert settings.source("public_security").endswith("/public_security")
    assert settings.source_token("human_resources") == load_secrets(home)["human_resources_token"]
    assert settings.source("housing") == f"file:{home.root}/departments/housing/outbox"
    assert str(settings.real_data) == "/data/real"


def test_a_setting_can_be_set_and_removed(home: Home) -> None:
    update_settings(home, BUSINESS_DATE="2026-03-02", REAL_DATA="/a")
    update_settings(home, REAL_DATA=None)
    assert home.env_file.read_text() == "BUSINESS_DATE=2026-03-02\n"


def test_processes_read_the_file_and_not_a_frozen_copy(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUSINESS_DATE", "SPARK_REMOTE", "SOURCE_HOUSING", "AIRFLOW__CORE__EXECUTOR"):
        monkeypatch.setenv(name, "of the shell")
    environment = base_environment(home)
    assert environment["GUANTONG_HOME"] == str(home.root)
    assert "of the shell" not in environment.values()
