"""The settings that the stack gives to every command, in ``$GUANTONG_HOME/env`` (配置文件)."""

from __future__ import annotations

import os

from catalog.control.privileges import SERVICE_ROLE
from catalog.model.settings import CHECKOUT, read_env_file, write_env_lines
from infra.stack.home import Home, write_private

PASSED_ON = ("LAKE_URI", "REAL_DATA", "RESOURCE_PATH")
"""Settings of the caller's shell that the whole stack follows once it is started from there."""

NOT_FROZEN = (
    *PASSED_ON,
    "BUSINESS_DATE",
    "SPARK_REMOTE",
    "CONTROL_URL",
    "SERVICE_URL",
    "SERVICE_SIGNING_KEY",
    "SERVICE_CONTROL_URL",
    "AUDIT_KEY",
    "CREDENTIAL_KEY",
)
"""Left out of the processes' environment, so that each command reads the file as it is then."""


def update_settings(home: Home, **values: str | None) -> None:
    """Set ``values`` in the file, keeping the other lines; None removes a line."""
    merged: dict[str, str | None] = {**read_env_file(home.env_file), **values}
    write_private(home.env_file, write_env_lines({key: value for key, value in merged.items() if value is not None}))


def write_settings(home: Home, ports: dict[str, int], secrets: dict[str, str]) -> None:
    """Write the addresses and keys of the embedded stack, and the caller's own settings, to the file."""
    database = f"127.0.0.1:{ports['postgres']}"
    outbox = home.root / "departments"
    values = {
        "LAKE_URI": f"file:{home.root}/lake",
        "SPARK_REMOTE": f"sc://localhost:{ports['spark']}/;token={secrets['spark_token']}",
        "CONTROL_URL": f"postgresql+psycopg://control:{secrets['control']}@{database}/control",
        "SERVICE_CONTROL_URL": f"postgresql+psycopg://{SERVICE_ROLE}:{secrets[SERVICE_ROLE]}@{database}/control",
        "AUDIT_KEY": secrets["audit_key"],
        "CREDENTIAL_KEY": secrets["credential_key"],
        "SERVICE_URL": f"http://127.0.0.1:{ports['service']}",
        "SERVICE_SIGNING_KEY": secrets["service_signing_key"],
        "IDENTITY_KEY": secrets["identity_key"],
        "SOURCE_HUMAN_RESOURCES": f"http://127.0.0.1:{ports['departments']}",
        "SOURCE_HUMAN_RESOURCES_TOKEN": secrets["human_resources_token"],
    }
    for owner in ("public_security", "market_regulation"):
        values[f"SOURCE_{owner.upper()}"] = f"postgresql://{owner}:{secrets[owner]}@{database}/{owner}"
    for department in ("drug_administration", "housing", "transport"):
        values[f"SOURCE_{department.upper()}"] = f"file:{outbox / department / 'outbox'}"
    values.update({key: os.environ[key] for key in PASSED_ON if os.environ.get(key)})
    update_settings(home, **values)


def base_environment(home: Home) -> dict[str, str]:
    """Return the environment that every process of the stack starts from."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in NOT_FROZEN and not key.startswith(("AIRFLOW", "SOURCE_", "SPARK_"))
    }
    return {
        **kept,
        "GUANTONG_HOME": str(home.root),
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }
