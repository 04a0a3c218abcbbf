"""Secrets of one home, generated at the first start and readable by their owner only (密钥)."""

from __future__ import annotations

import base64
import json
import os
import secrets
from contextlib import suppress

from catalog.model.secret_texts import hide_also
from infra.stack.errors import StackError
from infra.stack.home import MIGRATED, Home, read_json, write_private

PASSWORDS = (
    "postgres",
    "control",
    "guantong_service",
    "airflow",
    "public_security",
    "market_regulation",
    "human_resources_token",
    "spark_token",
    "airflow_engineer",
    "airflow_officer",
    "airflow_session_key",
    "airflow_jwt_key",
)
KEYS = ("service_signing_key", "identity_key", "audit_key", "credential_key")


def load_secrets(home: Home) -> dict[str, str]:
    """Return the secrets by name, generating those that are not there yet; from then on this process hides them.

    Raises:
        StackError: when the file is gone or damaged though the home has a database, so that new keys would make new
            ids of every entity and leave the audit unproven.
    """
    known = _known(home)
    fresh = {name: secrets.token_urlsafe(24) for name in PASSWORDS if name not in known}
    fresh.update({name: secrets.token_hex(32) for name in KEYS if name not in known})
    if "airflow_fernet_key" not in known:
        fresh["airflow_fernet_key"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    if fresh or home.secrets_file.stat().st_mode & 0o077:
        known = {**known, **fresh}
        write_private(home.secrets_file, json.dumps(known, indent=1, sort_keys=True) + "\n")
    hide_also(known.values())
    return known


def hide_known_secrets(home: Home) -> None:
    """Have this process hide the secrets of a home in what it says, where there are some."""
    with suppress(StackError):
        hide_also(_known(home).values())


def _known(home: Home) -> dict[str, str]:
    try:
        found: object = read_json(home.secrets_file)
    except ValueError:
        found = None
    known: dict[str, str] = found if isinstance(found, dict) else {"": ""}
    has_database = (home.root / MIGRATED).exists()
    is_whole = all(isinstance(value, str) and name and value for name, value in known.items())
    if is_whole and ("identity_key" in known or not has_database):
        return known
    raise StackError(
        f"the secrets of this home are {'damaged' if known else 'gone, and its database is there'}",
        place=str(home.secrets_file),
        remedy="put the file back from the backup; with new keys every entity would get another id",
    )
