"""What the tests of extract share: contracts made in code, a reader at hand, a department with a folder or a table."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from catalog.control.session import session_scope
from catalog.control.tables import Batch, Finding, LedgerEntry
from catalog.model.contract import Contract
from catalog.model.layers import bronze_of
from catalog.model.registry import get_registry
from catalog.model.settings import Settings, get_settings
from jobs.extract.delivery import Reading
from jobs.extract.readers import read_file
from jobs.extract.rows import RowSink
from tests.stages.extract.shop_contract import contract_document, file_source

Read = Callable[..., tuple[Reading, list[dict[str, Any]]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read bytes with the reader of a file source; return what it made of them and the rows it landed."""

    def run(
        content: bytes,
        columns: dict[str, str] | None = None,
        items: dict[str, Any] | None = None,
        *,
        rows_wanted: bool = True,
        **source: Any,
    ):
        document = contract_document(file_source(**source), columns=columns)
        document["government"]["items"] |= items or {}
        contract = Contract.model_validate(document)
        path, rows_file = tmp_path / "delivery", tmp_path / "rows.parquet"
        path.write_bytes(content)
        with RowSink(
            rows_file,
            contract,
            batch_id="shop-20260301-00000000",
            source_file="shop.csv",
            received_at=datetime(2026, 3, 1, tzinfo=UTC),
            source_at=None,
        ) as sink:
            reading = read_file(path, contract.source, sink, "shop.csv")
        return reading, pq.read_table(rows_file).to_pylist() if rows_wanted else []

    return run


class Department:
    """A resource with a contract of its own, extracted for real, and what the control plane says about it."""

    def __init__(self, folder: Path, settings: Settings, spark: Any) -> None:
        self.outbox = folder / "outbox"
        self.outbox.mkdir()
        self.resources = folder / "resources" / "licence"
        self.resources.mkdir(parents=True)
        self.settings, self.spark = settings, spark
        self.name = ""
        self.own = uuid.uuid4().hex[:8]
        """Ends its names: lake and control plane are shared."""

    def declare(
        self, name: str, source: dict[str, Any], columns: dict[str, str] | None = None, **items: Any
    ) -> Contract:
        """Write the contract, or write it anew."""
        self.name = name = f"{name}_{self.own}"
        document = contract_document(source, name, columns)
        document["government"]["items"] |= items
        (self.resources / f"{name}.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        get_registry.cache_clear()
        return self.contract

    @property
    def contract(self) -> Contract:
        return get_registry().get(f"licence.{self.name}")

    def drop(
        self, name: str, content: bytes, receipt: dict[str, Any] | None = None, *, at: float | None = None
    ) -> Path:
        """Drop a file, with its receipt if there is one."""
        path = self.outbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at, at))
        if receipt is not None:
            path.with_name(f"{name}.receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
        return path

    def extract(self, batch: str | None = None, **options: Any) -> None:
        from jobs.extract.stage import extract

        extract(f"licence.{self.name}", batch, **options)

    def batches(self, status: str | None = None) -> list[Batch]:
        return self._all(Batch, status=status) if status else self._all(Batch)

    def findings(self, code: str) -> list[Finding]:
        return self._all(Finding, reason_code=code)

    def ledger(self) -> dict[str, tuple[int, int, int]]:
        """Return batch → read, accepted, rejected."""
        return {e.batch_id: (e.read, e.accepted, e.rejected) for e in self._all(LedgerEntry, stage="extract")}

    def _all(self, model: Any, **conditions: Any) -> list[Any]:
        with session_scope() as session:
            found = session.query(model).filter_by(resource=f"licence.{self.name}", **conditions)
            return list(found)

    def bronze(self) -> list[dict[str, Any]]:
        """Return the bronze rows, as dictionaries."""
        frame = self.spark.read.format("delta").load(bronze_of(self.contract).uri)
        return [row.asDict() for row in frame.collect()]

    def assert_balanced(self) -> None:
        """Every batch has its ledger line, and bronze holds what the ledger says was accepted."""
        ledger = self.ledger()
        assert ledger.keys() == {batch.batch_id for batch in self.batches()}
        for batch_id, (read, accepted, rejected) in ledger.items():
            assert read == accepted + rejected, batch_id
        accepted = {batch_id: counts[1] for batch_id, counts in ledger.items() if counts[1]}
        if not accepted:
            return
        found: dict[str, int] = {}
        for row in self.bronze():
            found[row["_batch_id"]] = found.get(row["_batch_id"], 0) + 1
        assert found == accepted


@pytest.fixture
def department(stack: Settings, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Department]:
    """A department of the test's own on the shared engine."""
    monkeypatch.setenv("SOURCE_TRANSPORT", f"file:{tmp_path}/outbox")
    monkeypatch.setenv("RESOURCE_PATH", str(tmp_path / "resources"))
    _forget()
    yield Department(tmp_path, get_settings(), spark)
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    get_settings.cache_clear()
    get_registry.cache_clear()
