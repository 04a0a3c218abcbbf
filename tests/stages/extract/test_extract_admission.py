"""The border check, receipts, archives, positions: what is decided before anything touches the lake."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.model.contract import Contract
from jobs.extract.admission import check_count, check_not_empty, check_receipt
from jobs.extract.archives import Archive
from jobs.extract.delivery import DeliveryHeldError, Reading, Rejection
from jobs.extract.landing import Received
from jobs.extract.marks import Position
from jobs.extract.receipt import Receipt, read_receipt
from tests.stages.extract.shop_contract import contract_document, file_source


def code_of(call) -> str:
    with pytest.raises(DeliveryHeldError) as held:
        call()
    assert held.value.remedy
    return held.value.code


def test_counts_must_agree_either_way():
    check_count(None, 5, 5, "f")
    check_count(5, 5, 6, "f")
    assert code_of(lambda: check_count(6, 5, 5, "f")) == "SHORT_DELIVERY"
    assert code_of(lambda: check_count(4, 5, 5, "f")) == "SHORT_DELIVERY"


def test_a_delivery_of_blank_rows_is_empty():
    assert code_of(lambda: check_not_empty(Reading(rejected=[Rejection(2, "BLANK_ROW")]), "f")) == "EMPTY_DELIVERY"


@pytest.mark.parametrize(
    ("required", "receipt", "code"),
    [("required", None, "RECEIPT_MISSING"), ("optional", Receipt(rows=1, sha256="0" * 64), "HASH_MISMATCH")],
)
def test_receipt_is_required_and_its_hash_compared(required, receipt, code):
    source = Contract.model_validate(contract_document(file_source(receipt=required))).source
    received = Received(Path("f"), "1" * 64, 1)
    assert code_of(lambda: check_receipt(source, receipt, received, "f")) == code


def test_receipt_time_without_zone_is_beijing_time(tmp_path: Path):
    (tmp_path / "f.csv.receipt.json").write_text('{"rows": 3, "sent_at": "2026-03-01T08:00:00", "department": "x"}')
    receipt = read_receipt(tmp_path / "f.csv", "f.csv")
    assert receipt and receipt.sent_at == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["{", '{"rows": -1}', "{}", '{"rows": 1, "sha256": "abc"}'])
def test_unreadable_receipt_is_held(tmp_path: Path, text: str):
    (tmp_path / "f.csv.receipt.json").write_text(text)
    assert code_of(lambda: read_receipt(tmp_path / "f.csv", "f.csv")) == "RECEIPT_INVALID"


def tar(path: Path, *members: tuple[str, bytes, dict]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content, more in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in more.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_archive_gives_its_members_in_order_and_names_the_rest(tmp_path: Path):
    path = tar(tmp_path / "a.tgz", ("d/b.csv", b"B", {}), ("d/a.csv", b"A", {}), ("readme", b"", {}))
    with Archive(path, "d/*.csv", "a.tgz") as archive:
        assert [(m.name, b"".join(archive.blocks(m))) for m in archive.members] == [
            ("d/a.csv", b"A"),
            ("d/b.csv", b"B"),
        ]
        assert archive.ignored == ["readme"]


@pytest.mark.parametrize(
    "member",
    [
        ("../outside.csv", b"", {}),
        ("/etc/passwd.csv", b"", {}),
        ("link.csv", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("hard.csv", b"", {"type": tarfile.LNKTYPE, "linkname": "x"}),
        ("pipe.csv", b"", {"type": tarfile.FIFOTYPE}),
    ],
)
def test_archive_that_points_outside_is_refused_whole(tmp_path: Path, member):
    path = tar(tmp_path / "a.tgz", ("good.csv", b"A", {}), member)
    assert code_of(lambda: Archive(path, "*.csv", "a.tgz")) == "ARCHIVE_UNSAFE"


def test_archive_bomb_and_repeated_member_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("jobs.extract.archives.TOTAL_LIMIT", 10)
    assert code_of(lambda: Archive(tar(tmp_path / "a", ("a.csv", b"x" * 11, {})), "*", "a")) == "ARCHIVE_UNSAFE"
    twice = tar(tmp_path / "b", ("a.csv", b"1", {}), ("a.csv", b"2", {}))
    assert code_of(lambda: Archive(twice, "*", "b")) == "ARCHIVE_UNSAFE"


def test_archive_cut_off_or_without_members_is_held(tmp_path: Path):
    path = tar(tmp_path / "a.tgz", ("a.csv", b"A" * 100_000, {}))
    (tmp_path / "cut").write_bytes(path.read_bytes()[:60])
    assert code_of(lambda: Archive(tmp_path / "cut", "*", "cut")) == "ARCHIVE_UNSAFE"
    assert code_of(lambda: Archive(path, "*.txt", "a")) == "EMPTY_DELIVERY"


def test_position_waits_for_transactions_that_were_running():
    first = Position().advance(running_from=90, next_number=100, reached="1000")
    assert first.start == "", "something was running during the first reading: the second reads it all"
    second = Position.from_json(first.to_json()).advance(running_from=100, next_number=110, reached="2000")
    assert (second.start, second.reached) == ("1000", "2000")
    calm = second.advance(running_from=120, next_number=120, reached="3000")
    assert (calm.start, len(calm.marks)) == ("3000", 1)
