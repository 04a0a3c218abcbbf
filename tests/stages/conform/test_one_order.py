"""Which version stands: late files, wrong clocks, keys that move, are freed or disputed, side by side in one table."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from catalog.control.positions import get_table_position, set_position
from catalog.control.session import in_transaction, session_scope
from catalog.lake import query
from catalog.model.layers import set_aside_of, table_of
from catalog.model.row_text import row_hash
from catalog.model.source import FeedSource, FileSource, FullSource
from catalog.model.version_order import BatchOrder, order_of
from catalog.proof.silver import prove_silver
from jobs.conform.stage import conform
from jobs.runtime.lease import AlreadyRunningError, leased
from jobs.runtime.row_hash import row_hash as hash_column
from jobs.runtime.versions import order_column
from jobs.upgrade import upgrade
from tests.stages.extract.shop_contract import file_source

COLUMNS = {"code": "代码", "record_no": "记录号", "mobile": "手机", "landline": "座机"}
HEADER = "代码,记录号,手机,座机\n"


def living(department):
    rows = query("SELECT * FROM s WHERE NOT _is_deleted", s=table_of(department.contract)) or []
    found = {r["record_no"]: (r["code"], r["mobile"], r["landline"]) for r in rows}
    assert len(found) == len(rows), "a record lives under one key"
    return found


def set_aside(department):
    rows = query("SELECT * FROM a", a=set_aside_of(department.contract)) or []
    return {(r["_record_key"], r["reasons"][0]) for r in rows}


def drop(department, day, lines, *, sent_at=None):
    """Drop a file made on a day of March."""
    sent = sent_at or f"2026-03-{day:02}T08:00:00+08:00"
    content = HEADER + "".join(f"{line}\n" for line in lines)
    name = f"{len(department.batches())}-{day}.csv"
    department.drop(name, content.encode(), {"rows": len(lines), "sent_at": sent})


def deliver(department, day, lines, *, sent_at=None):
    """Drop a file made on a day of March, take it in and conform it."""
    drop(department, day, lines, sent_at=sent_at)
    department.extract()
    conform(department.contract.id)


def test_files_stand_by_when_they_were_made_whatever_arrives_late(department):
    department.declare("ordered", file_source(key=["record_no"]), COLUMNS)
    steady = ["S1,90,x,", "S2,91,x,"]
    first = [
        "A1,1,甲,", "B1,2,x,", "C1,3,88886666,", "E1,5,x,", "F1,6,x,", "G1,7,x,", "H1,8,x,", "I1,9,x,",
        "T1,12,old,", "T1,12,new,",
    ]  # fmt: skip
    deliver(department, 2, [*steady, *first])
    swapped, chain = ["F1,5,x,", "E1,6,x,"], ["H1,7,x,", "I1,8,x,"]
    deliver(department, 4, ["A1,1,甲,", "B3,2,x,", "C1,3,,88886666", *swapped, *chain, "D1,4,new,", ",14,x,"])
    now = living(department)
    assert now["3"] == ("C1", None, "88886666"), "a value that moves to the empty column beside it is a change"
    assert (now["5"][0], now["6"][0]) == ("F1", "E1"), "two records may exchange their keys"
    assert (now["7"][0], now["8"][0], now["9"][0]) == ("G1", "H1", "I1"), "who is refused a key gives none up"
    assert now["12"][1] == "new"
    refused = {("7", "DUPLICATE_KEY"), ("8", "DUPLICATE_KEY"), ("14", "REQUIRED_MISSING")}
    assert set_aside(department) == refused
    deliver(department, 3, ["A1,1,乙,", "B2,2,x,", "D1,4,old,", "J1,13,x,"])
    now = living(department)
    assert now["1"] == ("A1", "甲", None), "a late file does not undo what a newer one confirmed"
    assert now["2"] == ("B3", "x", None), "nor does it give a record a second key"
    assert now["4"][1] == "new"
    assert "13" in now, "what only the late file says is taken"
    deliver(department, 5, ["A1,1,遗,"], sent_at="2099-01-01T00:00:00+08:00")
    assert living(department)["1"][1] == "遗", "a time to come tells nothing, so the delivery follows the newest"
    deliver(department, 6, ["A1,1,丙,", "K1,15,x,"])
    assert living(department)["1"][1] == "丙", "and freezes nothing"
    drop(department, 5, ["K2,15,x,"])
    deliver(department, 7, ["K2,16,x,", "K2,15,x,"])
    now = living(department)
    assert (now["15"][0], now["16"][0]) == ("K1", "K2"), "a claim given up since counts from when it is made again"
    replayed = department.batches()
    oldest = min(replayed, key=lambda batch: batch.arrival)
    before = living(department)
    conform(department.contract.id, oldest.batch_id)
    assert living(department) == before, "a batch judged again puts no older version back"
    hold_the_upgrade(department)
    hold_the_proof(department, replayed)


def hold_the_upgrade(department):
    """Rows of an older home get hash, order and identity once; who had read the table has read it still."""
    table, asked = table_of(department.contract), "SELECT record_no, _row_hash, _row_id, _order FROM s"
    told = {row["record_no"]: row for row in query(asked, s=table)}
    lake = DeltaTable(table.local_path)
    lake.update(updates={"_row_hash": "0", "_row_id": "NULL", "_order": "NULL"})
    old = DeltaTable(table.local_path).version()
    in_transaction(lambda session: set_position(session, "reader", table.name, str(old)))
    upgrade([department.contract.id])
    assert {row["record_no"]: row for row in query(asked, s=table)} == told
    now = DeltaTable(table.local_path).version()
    kept = in_transaction(lambda session: get_table_position(session, "reader", table.name))
    assert now > old
    assert kept.version == now
    upgrade([department.contract.id])
    assert DeltaTable(table.local_path).version() == now


def hold_the_proof(department, batches):
    """The proof of the ledger counts every row once, and sees a record that is gone from silver."""
    with session_scope() as session:
        proof = prove_silver(session, department.contract, 1)
    assert proof.holds, proof.differences
    assert sum(proof.compared.values()) == sum(b.received_rows for b in batches)
    assert proof.compared["set aside"] == 4
    table = table_of(department.contract)
    DeltaTable(table.local_path).delete("record_no = '13'")
    with session_scope() as session:
        proof = prove_silver(session, department.contract, 1)
    assert [(d.code, d.where) for d in proof.differences] == [("LOST", "record 13")]


def test_a_feed_stands_by_its_cursor_and_keys_may_pass_on_in_one_batch(department):
    name = f"passing_{department.own}"
    block = {"kind": "feed", "server": "public_security", "table": name, "key": ["record_no"], "cursor": "feed_id"}
    with psycopg.connect(department.settings.source("public_security"), autocommit=True) as source:
        source.execute(
            f"CREATE TABLE {name} (feed_id bigint PRIMARY KEY, code text, record_no bigint, mobile text, "
            "landline text, cd_operation text, cd_time timestamptz, cd_batch text DEFAULT 'B1')"
        )
        department.declare("passing", block, COLUMNS)

        def tell(*rows):
            for cursor, operation, record, code, second in rows:
                at = f"2026-03-01 08:00:{second:02}+08"
                values = (cursor, code, record, operation, at)
                insert = f"INSERT INTO {name} (feed_id, code, record_no, cd_operation, cd_time) VALUES (%s,%s,%s,%s,%s)"  # noqa: S608
                source.execute(insert, values)
            department.extract()
            conform(department.contract.id)

        tell((10, "I", 1, "K1", 5), (11, "I", 2, "K2", 5), (12, "I", 3, "K3", 5))
        tell((20, "D", 1, "K1", 3), (21, "D", 2, "K2", 6), (22, "I", 4, "K2", 7), (23, "U", 3, "K5", 4))
        assert {r: row[0] for r, row in living(department).items()} == {"3": "K5", "4": "K2"}
        tell((30, "D", 3, None, 1), (31, "I", 5, "K5", 1))
        assert {r: row[0] for r, row in living(department).items()} == {"4": "K2", "5": "K5"}
    assert set_aside(department) == set()


def test_a_resource_is_worked_on_by_one_run_at_a_time(department, monkeypatch):
    department.declare("alone", file_source(key=["record_no"]), COLUMNS)
    deliver(department, 2, ["A1,1,x,"])
    monkeypatch.setattr("jobs.runtime.lease.PATIENCE_SECONDS", 0.5)
    inside, go = threading.Event(), threading.Event()

    def hold():
        with leased(department.contract.id, "conform", uuid.uuid4()):
            inside.set()
            go.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert inside.wait(60)
    with pytest.raises(AlreadyRunningError, match="conform by"):
        conform(department.contract.id)
    go.set()
    other.join()
    conform(department.contract.id)


SOURCES = {
    "feed": FeedSource(kind="feed", server="x", key=["k"], table="t", cursor="n"),
    "file": FileSource(kind="file", server="x", key=["k"], format="csv"),
    "full": FullSource(kind="full", server="x", key=["k"], table="t"),
}
TEXTS = st.one_of(st.none(), st.text(max_size=6), st.sampled_from(['"', "\\", "\n", "\x00", "\x1f", "中😀", "null"]))
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
NUMBERS = st.integers(-(10**15), 10**15).map(lambda n: Decimal(n).scaleb(-4))
ROWS = st.lists(
    st.tuples(
        TEXTS, TEXTS, st.none() | DAYS, st.none() | NUMBERS, st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.booleans(), st.none() | MOMENTS, st.none() | st.lists(TEXTS, max_size=3),
    ),
    min_size=200, max_size=300,
)  # fmt: skip


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS)
def test_the_engine_and_plain_python_give_a_row_one_number(spark, rows):
    kinds = "a string, b string, c date, d decimal(20,4), e bigint, f boolean, g timestamp, h array<string>"
    frame = spark.createDataFrame(rows, kinds)
    found = [row["n"] for row in frame.select(hash_column(*frame.columns).alias("n")).collect()]
    assert found == [row_hash(row) for row in rows]
    assert len(set(found)) == len(set(map(repr, rows)))


def test_the_engine_and_plain_python_give_a_version_one_place(spark):
    arrival = 1_772_323_200_000_000
    base = datetime(2026, 3, 1, tzinfo=UTC)
    moments = [None, base - timedelta(days=1), base + timedelta(minutes=9), base + timedelta(days=30_000)]
    rows = [("b", at, row, gone) for at in moments for row in (None, 0, 7) for gone in (False, True)]
    kinds = "_batch_id string, _source_at timestamp, _row_number bigint, _is_deleted boolean"
    frame = spark.createDataFrame(rows, kinds)
    batch = BatchOrder(arrival, generation=11, made=22)
    for source in SOURCES.values():
        found = frame.select(order_column(source, {"b": batch}).alias("o"), F.lit(1)).collect()
        expected = [order_of(source, batch, at, row, is_deletion=gone) for _, at, row, gone in rows]
        assert [tuple(row["o"]) for row in found] == [tuple(order) for order in expected]
