"""Ports, secrets and settings of a home."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.model.errors import SettingsFileError
from catalog.model.secret_texts import mask_secrets
from catalog.model.settings import load_settings, read_env_file
from infra.stack.errors import StackError
from infra.stack.home import MIGRATED, Home, write_private
from infra.stack.ports import LOOPBACK, RANGE, choose_ports, is_free
from infra.stack.secrets import load_secrets
from infra.stack.settings_file import base_environment, update_settings, write_settings
from infra.stack.supervisor import build_table
from infra.stack.table import FULL, PORTS


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


VALUES = (
    "plain", "", " ", "two words", "it's", 'say "so"', "$HOME", "${HOME}", "$(id)", "`id`", "a;b&c|d", "#no comment",
    "a#b",
    "back\\slash", "\\", "tab\there", "~", "*", "!1", "k=v=w", "政务 数据'$x", "sc://localhost:1/;token=x", "\u2028",
    "'",
)  # fmt: skip


def test_a_shell_reads_the_file_as_we_do(home: Home, tmp_path: Path) -> None:
    values = {f"V{number}": value for number, value in enumerate(VALUES)}
    update_settings(home, **values)
    script = 'set -a; . "$1"; set +a; exec env -0'
    line = ["bash", "-c", script, "bash", str(home.env_file)]
    done = subprocess.run(
        line, env={"HOME": "/root", "LC_ALL": "C.UTF-8"}, cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stderr == b""
    told = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry.startswith("V"))
    assert told == values == read_env_file(home.env_file)
    assert home.env_file.stat().st_mode & 0o777 == 0o600


def test_what_no_line_can_hold_is_refused_and_the_file_stays(home: Home) -> None:
    update_settings(home, A="1")
    for name, value in (("B", "two\nlines"), ("B", "a\rb"), ("B-C", "1"), ("", "1"), ("B; id", "1")):
        with pytest.raises(SettingsFileError):
            update_settings(home, **{name: value})
    assert home.env_file.read_text() == "A=1\n"


def test_a_line_that_is_no_setting_is_refused_by_place_without_its_value(home: Home) -> None:
    for line in ("A=it's", "A=two words", "A", "1A=x"):
        home.env_file.write_text(f"# words\nexport B='x' # more\n{line}\n")
        with pytest.raises(SettingsFileError) as caught:
            read_env_file(home.env_file)
        assert f"{home.env_file}:3" in str(caught.value) and "words" not in str(caught.value)
    home.env_file.write_text("# words\nexport B='x y' # more\n\n  C=1\n")
    assert read_env_file(home.env_file) == {"B": "x y", "C": "1"}


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"A=\xff\n", "not in UTF-8"), (b"BUSINESS_DATE=yester\n", "BUSINESS_DATE"), (b"PAGE_BYTES=7\n", "PAGE_BYTES"),
     (b"AUDIT_DIGEST=yester\n", "AUDIT_DIGEST")],
    ids=["encoding", "day", "number", "choice"],
)  # fmt: skip
def test_a_file_or_a_value_that_cannot_be_used_is_told_with_place_and_remedy(
    home: Home, content: bytes, says: str
) -> None:
    home.env_file.write_bytes(content)
    with pytest.raises(SettingsFileError, match=says) as caught:
        load_settings({"GUANTONG_HOME": str(home.root)})
    assert str(home.env_file) in str(caught.value) and "remedy" in str(caught.value)
    assert "yester" not in str(caught.value)


def test_a_mark_before_the_first_line_is_no_part_of_it(home: Home) -> None:
    home.env_file.write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert read_env_file(home.env_file) == {"A": "1", "B": "2"}


def test_a_private_file_is_whole_or_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home.root / "secrets.json"
    write_private(path, "before")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("infra.stack.home.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_private(path, "after")
    assert path.read_text() == "before" and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in home.root.iterdir() if "secrets" in one.name] == ["secrets.json"]


def test_secrets_that_others_may_read_are_closed_again(home: Home) -> None:
    first = load_secrets(home)
    home.secrets_file.chmod(0o644)
    assert load_secrets(home) == first
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"postgres": "x"}', '{"identity_key": ""}', None])
def test_lost_keys_are_not_made_anew_beside_a_database(home: Home, damage: str | None) -> None:
    load_secrets(home)
    (home.root / MIGRATED).write_text("")
    if damage is None:
        home.secrets_file.unlink()
    else:
        home.secrets_file.write_text(damage)
    with pytest.raises(StackError, match="from the backup"):
        load_secrets(home)
    assert damage is None or home.secrets_file.read_text() == damage


@pytest.mark.skipif(shutil.which("java") is None, reason="the engine's command names its Java")
def test_no_secret_is_in_a_command_line_of_the_stack(home: Home) -> None:
    table = build_table(FULL, home)
    secrets = load_secrets(home)
    lines = {spec.name: " ".join(spec.command()) for spec in table}
    assert {"postgres", "spark", "service", "airflow-api", "recipient"} <= set(lines)
    assert [(name, key) for name, line in lines.items() for key, value in secrets.items() if value in line] == []
    given = {value for spec in table for value in spec.environment().values()}
    assert secrets["spark_token"] in given, "it is given another way"


def test_this_process_hides_what_it_loaded(home: Home) -> None:
    for value in load_secrets(home).values():
        assert mask_secrets(f"as {value} said") == "as *** said"


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
