"""The way back from a damaged silver table without a backup: made anew from bronze, batch after batch."""

import shutil
from pathlib import Path

import pytest

from catalog.control.session import session_scope
from catalog.control.tables import LedgerEntry
from catalog.delta_log import TableDamagedError
from catalog.lake import query
from catalog.model.layers import bronze_of, set_aside_of, table_of
from jobs.conform.stage import conform
from tests.stages.extract.shop_contract import file_source

HEADER = "代码,记录号,手机\n"


def rows(table, *columns):
    found = query("SELECT * FROM t", t=table) or []
    return sorted(tuple(row[name] for name in columns) for row in found if not row.get("_is_deleted"))


def state(department):
    contract = department.contract
    stands = rows(table_of(contract), "code", "record_no", "mobile", "_batch_id")
    with session_scope() as session:
        lines = session.query(LedgerEntry).filter_by(resource=contract.id, stage="conform")
        ledger = sorted((e.batch_id, e.read, e.accepted, e.set_aside, e.rejected) for e in lines)
    return stands, rows(set_aside_of(contract), "_record_key", "_batch_id"), ledger


def test_silver_made_anew_from_bronze_is_what_it_was(department):
    contract = department.declare(
        "anew", file_source(key=["record_no"]), {"code": "代码", "record_no": "记录号", "mobile": "手机"}
    )
    days = [["A1,1,甲", "B1,2,乙", "C1,3,丙"], ["A1,1,甲甲", "A1,4,丁", "B2,2,乙"]]
    for day, lines in enumerate(days, 2):
        content = HEADER + "".join(f"{line}\n" for line in lines)
        receipt = {"rows": len(lines), "sent_at": f"2026-03-{day:02}T08:00:00+08:00"}
        department.drop(f"{day}.csv", content.encode(), receipt)
    department.extract()
    conform(contract.id)
    before = state(department)
    assert before[0] and before[1]
    silver, aside = Path(table_of(contract).local_path), Path(set_aside_of(contract).local_path)
    newest = max((silver / "_delta_log").glob("*.json"))
    newest.write_bytes(b"")
    batch_ids = [batch.batch_id for batch in sorted(department.batches("accepted"), key=lambda b: b.arrival)]
    with pytest.raises(TableDamagedError) as caught:
        conform(contract.id, batch_ids[-1])
    assert caught.value.place == str(newest)
    for folder in (silver, aside):
        shutil.rmtree(folder)
    for batch_id in batch_ids:
        conform(contract.id, batch_id)
    assert state(department) == before
    assert query("SELECT * FROM t", t=bronze_of(contract))
