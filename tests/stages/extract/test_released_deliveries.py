"""Released deliveries on the real engine: taken up by the next extract, once, and no more than was released."""

from __future__ import annotations

import hashlib
import uuid

import psycopg
import pytest

from catalog.control.batches import pending_batches
from catalog.control.held_deliveries import decide, find_held
from catalog.control.session import session_scope
from catalog.model.state_machine import Actor

COLUMNS = {"record_no": "记录号", "name": "姓名", "note": "备注"}
OFFICER = Actor("person:示范经办", "transport", frozenset({"provider_officer"}))
HOST = Actor("person:示范主管", "data_administration", frozenset({"host_authority"}))
HEADER = "统一社会信用代码,店铺名称,开业日期\n"


def release(batch_id: str) -> None:
    with session_scope() as session:
        decide(session, batch_id, "confirm", OFFICER, "行数以本件为准")
        decide(session, batch_id, "release", HOST, "已核实书面说明")


def file_source(**more):
    return {"kind": "file", "server": "transport", "format": "csv", "encoding": "utf-8", "key": ["uscc"],
            "pattern": "*.csv", **more}  # fmt: skip


def shops(count: int) -> bytes:
    return (HEADER + "".join(f"U{n},店{n},2026-01-01\n" for n in range(count))).encode()


def test_a_short_delivery_that_was_released_is_accepted_by_the_next_extract(department):
    department.declare("short", file_source(receipt="required"))
    content = shops(10)
    digest = hashlib.sha256(content).hexdigest()
    department.drop("1.csv", content, {"rows": 12, "sha256": digest})
    department.extract()
    [held] = department.batches("held")
    assert department.ledger()[held.batch_id] == (10, 0, 10)
    department.extract()
    assert [batch.status for batch in department.batches()] == ["held"], "nothing was decided"
    release(held.batch_id)
    for _ in range(2):
        department.extract()
        assert [(b.batch_id, b.status) for b in department.batches()] == [(held.batch_id, "accepted")]
        assert department.ledger()[held.batch_id] == (10, 10, 0)
    assert len(department.bronze()) == 10
    department.assert_balanced()
    with session_scope() as session:
        waiting = pending_batches(session, department.contract.id, "conform")
        assert [batch.batch_id for batch in waiting] == [held.batch_id]
        assert find_held(session, held.batch_id).decision("release").applied_in == held.batch_id


def test_a_file_without_its_receipt_and_one_taken_back(department):
    department.declare("bare", file_source(receipt="required"))
    department.drop("1.csv", shops(5))
    department.drop("2.csv", shops(7))
    department.extract()
    first, second = sorted(department.batches("held"), key=lambda batch: batch.received_rows or 0)
    assert {first.reason_code, second.reason_code} == {"RECEIPT_MISSING"}
    names = {batch.batch_id: batch.manifest["source_file"] for batch in (first, second)}
    wanted = next(batch for batch in (first, second) if names[batch.batch_id] == "1.csv")
    other = next(batch for batch in (first, second) if batch is not wanted)
    release(wanted.batch_id)
    with session_scope() as session:
        decide(session, other.batch_id, "reject", OFFICER, "重新报送")
    department.extract()
    states = {batch.batch_id: batch.status for batch in department.batches()}
    assert states == {wanted.batch_id: "accepted", other.batch_id: "rejected"}
    assert len(department.bronze()) == 5
    department.assert_balanced()


@pytest.fixture
def live(stack, department):
    name = f"live_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(stack.source("public_security"), autocommit=True) as source:
        source.execute(f"CREATE TABLE {name} (record_no bigint, name text, note text, updated_at timestamptz)")
        source.execute(
            f"INSERT INTO {name} SELECT n, '名' || n, '', '2026-03-01 08:00+08' FROM generate_series(1, 100) n"  # noqa: S608
        )
        block = {"kind": "watermark", "server": "public_security", "table": name, "key": ["record_no"]}
        department.declare(name, block, COLUMNS)
        yield source, name


def test_released_deletions_come_in_as_far_as_they_were_seen(department, live):
    source, name = live
    department.extract()
    source.execute(f"DELETE FROM {name} WHERE record_no <= 30")  # noqa: S608
    department.extract()
    [held] = department.batches("held")
    release(held.batch_id)
    source.execute(f"DELETE FROM {name} WHERE record_no BETWEEN 41 AND 80")  # noqa: S608
    department.extract()
    assert not [row for row in department.bronze() if row["_operation"] == "D"], "forty more were never released"
    source.execute(
        f"INSERT INTO {name} SELECT n, '名' || n, '', '2026-03-01 08:00+08' FROM generate_series(41, 80) n"  # noqa: S608
    )
    department.extract()
    gone = [row["record_no"] for row in department.bronze() if row["_operation"] == "D"]
    assert sorted(map(int, gone)) == list(range(1, 31))
    closed = next(batch for batch in department.batches() if batch.batch_id == held.batch_id)
    assert closed.status == "no_op" and department.ledger()[held.batch_id] == (0, 0, 0)
    department.assert_balanced()
    before = len(department.bronze())
    source.execute(f"DELETE FROM {name} WHERE record_no BETWEEN 31 AND 60")  # noqa: S608
    department.extract()
    assert len(department.bronze()) == before, "a release is used once"


def test_a_release_ends_when_the_records_are_back_and_others_of_the_same_number_are_held_anew(department, live):
    source, name = live
    department.extract()
    source.execute(f"DELETE FROM {name} WHERE record_no <= 30")  # noqa: S608
    department.extract()
    [held] = department.batches("held")
    release(held.batch_id)
    source.execute(f"DELETE FROM {name} WHERE record_no BETWEEN 41 AND 70")  # noqa: S608
    source.execute(
        f"INSERT INTO {name} SELECT n, '名' || n, '', '2026-03-01 08:00+08' FROM generate_series(1, 30) n"  # noqa: S608
    )
    for _ in range(2):
        department.extract()
        assert not [row for row in department.bronze() if row["_operation"] == "D"], "nobody released these"
    states = {batch.batch_id: batch.status for batch in department.batches() if batch.reason_code == "MASS_DELETE"}
    assert states.pop(held.batch_id) == "no_op" and list(states.values()) == ["held"]
    department.assert_balanced()
