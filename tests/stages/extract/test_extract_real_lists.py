"""The real departmental lists, row for row; skipped where the folder is not there."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.control.ledger import ledger_entries
from catalog.control.session import session_scope
from catalog.model.layers import bronze_of
from catalog.model.registry import get_registry
from catalog.model.settings import Settings, get_settings
from jobs.extract.readers import read_file
from jobs.extract.rows import RowSink
from tests.real_lists import real_lists_folder

ROWS = {
    "education.university_2011": (2_101, 0),
    "education.university_2017": (2_631, 0),
    "legal_entity.geohazard_credit": (407, 0),
    "legal_entity.highway_credit": (14_640, 0),
    "legal_entity.highway_credit_multivalue": (206, 0),
    "legal_entity.registry_1998_list": (3_797, 0),
    "legal_entity.registry_1998_wrapped": (3_797, 0),
    "legal_entity.registry_sichuan": (107_803, 0),
    "legal_entity.sichuan_transport_credit": (15_121, 1),
    "licence.water_qualification": (6_245, 0),
}
"""Resource → rows read, rows rejected."""


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = real_lists_folder()
    monkeypatch.setenv("SOURCE_REAL_DATA", f"file:{folder}")
    get_settings.cache_clear()
    return folder


def test_every_contract_on_a_real_list_has_its_number_here():
    assert set(ROWS) == {contract.id for contract in get_registry().all("silver", real=True)}


@pytest.mark.parametrize("resource", sorted(ROWS))
def test_every_row_is_accounted_for(stack: Settings, spark, real_data: Path, resource: str):
    from jobs.extract.stage import extract

    extract(resource)

    read, rejected = ROWS[resource]
    with session_scope() as session:
        entries = ledger_entries(session, resource=resource, stage="extract")
    assert sum(e.read for e in entries) == read
    assert sum(e.rejected for e in entries) == rejected
    assert all(e.read == e.accepted + e.rejected for e in entries)
    contract = get_registry().get(resource)
    bronze = spark.read.format("delta").load(bronze_of(contract).uri)
    assert Counter(row["_batch_id"] for row in bronze.select("_batch_id").collect()) == {
        e.batch_id: e.accepted for e in entries
    }
    if resource == "legal_entity.registry_sichuan":
        assert len(entries) == 33
    if resource.startswith("education."):
        landed = get_settings().landing / "education" / contract.name
        sections = pq.read_table(next(landed.glob("*/rows.parquet")))["province_section"].to_pylist()
        assert len(set(sections)) == 31
        assert None not in sections


@pytest.mark.parametrize("resource", [name for name in ROWS if name.startswith("education.")])
def test_every_school_stands_under_its_province(real_data: Path, tmp_path: Path, resource: str):
    """Each section row says how many schools follow it, so every single one can be held against that."""
    contract, rows_file = get_registry().get(resource), tmp_path / "rows.parquet"
    file = next(real_data.glob(contract.source.pattern))
    stamps = {"batch_id": "b", "source_file": file.name, "received_at": datetime.now(UTC), "source_at": None}
    with RowSink(rows_file, contract, **stamps) as sink:
        reading = read_file(file, contract.source, sink, file.name)
    landed = pq.read_table(rows_file)
    assert (reading.accepted, landed.num_rows, reading.rejected) == (ROWS[resource][0], ROWS[resource][0], [])
    counted = Counter(landed["province_section"].to_pylist())
    assert len(counted) == reading.skipped["section"] == 31
    assert {section: int(re.findall(r"(\d+)所", section)[0]) for section in counted} == counted
    assert len(set(landed["university_name"].to_pylist())) == landed.num_rows
