"""Airflow is configured with options it has, named users and loopback addresses."""

from collections.abc import Callable
from pathlib import Path

import airflow
import pytest
import yaml

from infra.stack.airflow import USERS, airflow_environment, write_passwords
from infra.stack.home import CHECKOUT, Home, read_json
from infra.stack.postgres import Postgres
from infra.stack.secrets import load_secrets


@pytest.fixture
def environment(make_home: Callable[[str], Home]) -> dict[str, str]:
    home = make_home("airflow")
    home.create()
    secrets = load_secrets(home)
    (home.root / "airflow").mkdir(exist_ok=True)
    write_passwords(home, secrets)
    return airflow_environment(home, Postgres(home, 5432, secrets, None, home.root), 8080, secrets)


def test_every_variable_is_an_option_of_the_installed_airflow(environment: dict[str, str]) -> None:
    folder = Path(airflow.__path__[0]) / "config_templates"
    options = yaml.safe_load((folder / "config.yml").read_text())
    known = {f"AIRFLOW__{section}__{name}".upper() for section in options for name in options[section]["options"]}
    ours = {name for name in environment if name.startswith("AIRFLOW__")}
    assert len(ours) > 40
    assert ours <= known, ours - known


def test_named_users_with_our_passwords_only(environment: dict[str, str]) -> None:
    path = Path(environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert path.stat().st_mode & 0o777 == 0o600
    passwords = read_json(path)
    assert set(passwords) == set(USERS)
    assert all(len(value) >= 32 for value in passwords.values())
    assert environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"


def test_addresses_follow_the_port_and_the_checkout(environment: dict[str, str]) -> None:
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8080/execution/"
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(CHECKOUT / "dags")
    assert environment["PYTHONPATH"] == str(CHECKOUT)
