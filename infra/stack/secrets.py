"""Secrets of one home, generated at the first start and readable by their owner only (密钥)."""

from __future__ import annotations

import base64
import json
import os
import secrets

from infra.stack.home import Home, read_json, write_private

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
    """Return the secrets by name, generating those that are not there yet."""
    known: dict[str, str] = read_json(home.secrets_file)
    fresh = {name: secrets.token_urlsafe(24) for name in PASSWORDS if name not in known}
    fresh.update({name: secrets.token_hex(32) for name in KEYS if name not in known})
    if "airflow_fernet_key" not in known:
        fresh["airflow_fernet_key"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    if fresh:
        known = {**known, **fresh}
        write_private(home.secrets_file, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return known
