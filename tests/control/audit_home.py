"""Settings under which the audit can be written in a test's own process."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.model.settings import get_settings


@pytest.fixture
def audit_home(tmp_path, monkeypatch) -> Iterator[Path]:
    """Return a fresh home with keys of its own."""
    for name in ("AUDIT_KEY", "CREDENTIAL_KEY"):
        monkeypatch.setenv(name, secrets.token_hex(32))
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()
