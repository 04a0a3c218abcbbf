"""A lake, a contract folder and a home of each test's own, on the stack that the whole run shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from sqlalchemy import text

from catalog.control.session import session_scope
from catalog.control.tables import CheckResult
from catalog.model import layers
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from tests.expectations.trial import RESOURCE, document, frame_of, rows, write, write_contract


@dataclass
class Site:
    """Where one test works."""

    spark: SparkSession
    home: Path
    contracts: Path

    @property
    def table(self) -> layers.Table:
        return layers.table("silver.trial__resident")

    def declare(self, **government: Any) -> None:
        """Write the trial contract, changed, and forget the registry."""
        write_contract(self.contracts, document(**government))
        get_registry.cache_clear()

    def fill(self, records: list[dict[str, Any]] | None = None) -> int:
        """Write the next version of the trial table and return its number."""
        from jobs.runtime import delta

        write(frame_of(self.spark, rows() if records is None else records), self.table)
        return delta.current_version(self.spark, self.table)

    def require(self, version: int) -> CheckResult:
        """Return the check by which the publisher would publish a version, as the publisher asks for it."""
        from jobs.publish.stage import require_checked
        from jobs.runtime.table_state import pin

        return require_checked(get_registry().get(RESOURCE), replace(pin(self.spark, self.table), version=version))

    def report(self, version: int) -> Path:
        return self.home / "reports" / "checks" / RESOURCE / f"{version}.json"


@pytest.fixture
def site(stack: Any, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    shared = get_settings()
    monkeypatch.setenv("CONTROL_URL", shared.control_url)
    monkeypatch.setenv("SPARK_REMOTE", shared.spark_remote)
    monkeypatch.setenv("IDENTITY_KEY", "0f" * 32)
    monkeypatch.setenv("AUDIT_KEY", shared.require("audit_key"))
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("LAKE_URI", f"file:{tmp_path}/lake")
    monkeypatch.setenv("RESOURCE_PATH", str(tmp_path / "contracts"))
    get_settings.cache_clear()
    with session_scope() as session:
        session.execute(text("DELETE FROM check_result WHERE resource = :resource"), {"resource": RESOURCE})
    made = Site(spark, tmp_path, tmp_path / "contracts")
    made.declare()
    yield made
    monkeypatch.undo()
    get_settings.cache_clear()
    get_registry.cache_clear()
