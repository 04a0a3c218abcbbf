"""File drops on the real engine: admitted, held, repeated, replayed; nothing lost, nothing counted twice."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.extract.register import Register
from tests.stages.extract.shop_contract import file_source

HEADER = "统一社会信用代码,店铺名称,开业日期\n"
SENT_AT = "2026-03-01T06:00:00+08:00"


def shops(first: int, last: int) -> bytes:
    return (HEADER + "".join(f"C{n},店{n},2024-01-01\n" for n in range(first, last))).encode()


def receipt_of(content: bytes, rows: int, **more: object) -> dict[str, object]:
    return {"rows": rows, "sha256": hashlib.sha256(content).hexdigest(), "sent_at": SENT_AT, **more}


def test_a_day_of_deliveries_is_accounted_for(department):
    department.declare("shop_day", file_source(pattern="*.csv", receipt="required"))
    good, short, added = shops(0, 30), shops(30, 40), b"x".join([shops(40, 42)])
    department.drop("01.csv", good, receipt_of(good, 30), at=1)
    department.drop("02.csv", good, receipt_of(good, 30), at=2)
    department.drop("03.csv", short, receipt_of(short, 12), at=3)
    reordered = "店铺名称,开业日期,统一社会信用代码\n店50,2024-01-01,C50\n".encode()
    department.drop("04.csv", reordered, receipt_of(reordered, 1), at=4)
    added = added.replace("开业日期\n".encode(), "开业日期,备注\n".encode()).replace(b"-01\n", b"-01,n\n")
    department.drop("05.csv", added, receipt_of(added, 2), at=5)
    department.drop("06.csv", shops(60, 63), receipt_of(b"other", 3), at=6)
    department.drop("07.csv", shops(70, 73), at=7)
    department.drop("08.csv.part", shops(80, 83), at=8)
    department.drop("09.csv", shops(90, 92), receipt_of(shops(90, 92), 2, sent_at="2099-01-01T00:00:00+08:00"), at=9)
    department.drop(os.fsdecode("许可.csv".encode("gbk")), shops(100, 102), at=10)

    department.extract()

    department.assert_balanced()
    outcomes = {b.manifest["source_file"]: (b.status, b.reason_code) for b in department.batches()}
    assert outcomes == {
        "01.csv": ("accepted", None),
        "02.csv": ("no_op", "DUPLICATE_DELIVERY"),
        "03.csv": ("held", "SHORT_DELIVERY"),
        "04.csv": ("accepted", None),
        "05.csv": ("held", "COLUMN_ADDED"),
        "06.csv": ("held", "HASH_MISMATCH"),
        "07.csv": ("held", "RECEIPT_MISSING"),
        "09.csv": ("accepted", None),
        "许可.csv": ("held", "RECEIPT_MISSING"),
    }
    [ahead] = department.findings("SOURCE_TIME_AHEAD")
    assert (ahead.place, ahead.detail["source_at"]) == ("09.csv", "2098-12-31T16:00:00+00:00")
    ledger = {b.manifest["source_file"]: department.ledger()[b.batch_id] for b in department.batches()}
    assert ledger["01.csv"] == (30, 30, 0)
    assert ledger["02.csv"] == (0, 0, 0)
    assert ledger["03.csv"] == (10, 0, 10)
    assert ledger["05.csv"] == (2, 0, 2)
    [found] = department.findings("SHORT_DELIVERY")
    assert found.detail == {"declared": 12, "received": 10}
    assert [f.place for f in department.findings("HEADER_REORDERED")] == ["04.csv"]
    rows = {row["uscc"]: row for row in department.bronze()}
    assert len(rows) == 33
    assert all(row["_row_id"] == row["_row_number"] for row in rows.values())
    assert (rows["C50"]["shop_name"], rows["C50"]["opened_date"]) == ("店50", "2024-01-01")
    assert rows["C3"]["_source_at"] == datetime(2026, 2, 28, 22, tzinfo=UTC).replace(tzinfo=None)
    assert (rows["C3"]["_row_number"], rows["C3"]["_source_file"], rows["C3"]["_record_key"]) == (5, "01.csv", "C3")
    assert rows["C3"]["_operation"] == "U"
    _landing_is_whole_and_private(department, good)

    before = {b.batch_id: b.received_at for b in department.batches()}
    department.extract()
    assert {b.batch_id: b.received_at for b in department.batches()} == before

    late = department.outbox / "07.csv.receipt.json"
    late.write_text(json.dumps(receipt_of(shops(70, 73), 3)))
    department.extract()
    department.assert_balanced()
    assert {b.manifest["source_file"]: b.status for b in department.batches()}["07.csv"] == "accepted"
    assert len(department.batches()) == len(before)


def _landing_is_whole_and_private(department, content: bytes) -> None:
    batch = next(b for b in department.batches() if b.manifest["source_file"] == "01.csv")
    assert not Path(batch.location).is_absolute(), "a home that is moved keeps its landing"
    folder = department.settings.landing / batch.location
    assert (folder / "original.csv").read_bytes() == content
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["declared"], manifest["received"], manifest["accepted"]) == (30, 30, 30)
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


def test_a_held_delivery_is_admitted_again_once_the_contract_knows_its_column(department):
    source = file_source(pattern="*.csv")
    department.declare("shop_replay", source)
    department.drop("01.csv", "统一社会信用代码,店铺名称,成立日期\n1,店,2024-01-01\n".encode())
    department.extract()
    [held] = department.batches("held")
    assert held.reason_code == "COLUMN_MISSING"

    department.declare("shop_replay", source, opened_date={"from": ["开业日期", "成立日期"]})
    department.extract(held.batch_id)

    [accepted] = department.batches()
    assert (accepted.batch_id, accepted.status) == (held.batch_id, "accepted")
    assert [row["opened_date"] for row in department.bronze()] == ["2024-01-01"]
    department.assert_balanced()


def test_a_run_that_died_after_writing_is_done_again_under_the_same_id(department, monkeypatch):
    department.declare("shop_retry", file_source(pattern="*.csv"))
    department.drop("01.csv", shops(0, 5))
    with monkeypatch.context() as patch:
        patch.setattr(Register, "accept", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("died")))
        with pytest.raises(ConnectionError):
            department.extract()
    [begun] = department.batches()
    assert begun.status == "received"
    assert len(department.bronze()) == 5

    monkeypatch.setenv("BUSINESS_DATE", "2031-01-01")
    department.extract()

    assert [(b.batch_id, b.status) for b in department.batches()] == [(begun.batch_id, "accepted")]
    department.assert_balanced()


def test_every_member_of_an_archive_is_a_batch_of_its_own(department):
    department.declare("shop_years", file_source(pattern="*.tar.gz", archive_member="years/*.csv"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for year, content in ((2001, shops(0, 4)), (2002, shops(4, 9)), (2003, b"broken")):
            member = tarfile.TarInfo(f"years/{year}.csv")
            member.size, member.mtime = len(content), 1_000_000_000
            archive.addfile(member, io.BytesIO(content))
    department.drop("all.tar.gz", packed.getvalue())
    department.extract()

    members = {b.manifest["source_file"]: (b.status, b.received_rows) for b in department.batches()}
    assert members == {
        "all.tar.gz!years/2001.csv": ("accepted", 4),
        "all.tar.gz!years/2002.csv": ("accepted", 5),
        "all.tar.gz!years/2003.csv": ("held", 0),
    }
    department.assert_balanced()

    department.drop("again.tar.gz", packed.getvalue())
    department.extract()
    assert len(department.batches("no_op")) == 2
    assert len(department.bronze()) == 9
    department.assert_balanced()
