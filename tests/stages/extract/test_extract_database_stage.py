"""Department databases on the real engine: feeds, watermarks and whole tables, with the ways rows get lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from catalog.model.errors import DeliveryRefusedError
from catalog.model.settings import Settings
from jobs.extract import known_records, landing
from jobs.extract.register import Register

COLUMNS = {"record_no": "记录号", "name": "姓名", "note": "备注"}


@pytest.fixture
def source(stack: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stack.source("public_security"), autocommit=True) as connection:
        yield connection


def declared(department: Any, name: str, kind: str, **more: Any) -> None:
    block = {"kind": kind, "server": "public_security", "table": name, "key": ["record_no"], **more}
    department.declare(name, block, COLUMNS)


def unique(stem: str) -> str:
    """Return a name that no other test uses: lake and control plane are shared."""
    return f"{stem}_{uuid.uuid4().hex[:8]}"


def versions(department: Any) -> list[tuple[Any, ...]]:
    rows = [(r["_operation"], r["record_no"], r["name"]) for r in department.bronze()]
    return sorted(rows, key=str)


@pytest.fixture
def feed(source: psycopg.Connection, department: Any) -> str:
    name = unique("feed")
    source.execute(
        f"CREATE TABLE {name} (feed_id bigint PRIMARY KEY, record_no bigint, name text, note text, "
        "cd_operation text, cd_time timestamptz DEFAULT '2026-03-01 08:00+08', cd_batch text DEFAULT 'B1')"
    )
    declared(department, name, "feed", cursor="feed_id", partitions=2)
    return name


def put(connection: psycopg.Connection, table: str, cursor: int, operation: str, record: int, name: str | None) -> None:
    connection.execute(
        f"INSERT INTO {table} (feed_id, record_no, name, cd_operation) VALUES (%s, %s, %s, %s)",  # noqa: S608
        (cursor, record, name, operation),
    )


def test_feed_is_followed_even_behind_a_transaction_that_commits_late(source, department, feed):
    put(source, feed, 1, "I", 11, "甲")
    put(source, feed, 2, "i", 12, None)
    with psycopg.connect(source.info.dsn, password=source.info.password) as slow:
        put(slow, feed, 3, "U", 11, "甲二")
        source.execute(
            f"INSERT INTO {feed} (feed_id, record_no, name, cd_operation) "  # noqa: S608
            "SELECT n, n, '丙', 'U' FROM generate_series(4, 2999) n"
        )
        department.extract()
        assert len(department.bronze()) == 2_998
        slow.commit()
    put(source, feed, 3_000, "D", 12, None)
    department.extract()

    rows = department.bronze()
    assert sorted(row["_row_number"] for row in rows) == list(range(1, 3_001))
    assert versions(department)[:3] == [("D", "12", None), ("I", "11", "甲"), ("I", "12", None)]
    assert {row["_source_file"] for row in rows} == {f"public.{feed}#B1"}
    assert [b.received_rows for b in sorted(department.batches(), key=lambda b: b.received_at)] == [2_998, 2]
    department.assert_balanced()

    department.extract()
    assert len(department.batches()) == 2


def test_feed_that_was_rebuilt_is_noticed(source, department, feed):
    put(source, feed, 500, "I", 11, "甲")
    department.extract()
    source.execute(f"DELETE FROM {feed}")  # noqa: S608
    department.extract()
    put(source, feed, 1, "I", 12, "乙")
    with pytest.raises(DeliveryRefusedError, match="ends at 1, it was read up to 500") as refused:
        department.extract()
    assert refused.value.code == "CURSOR_WENT_BACK"
    assert len(department.bronze()) == 1


def test_feed_that_was_loaded_anew_is_read_whole_as_a_generation_of_its_own(source, department, feed, monkeypatch):
    for number in (1, 2, 5):
        put(source, feed, number, "I", number, "甲")
    department.extract()
    source.execute(f"DELETE FROM {feed}")  # noqa: S608
    for number in (1, 2, 5, 6):
        put(source, feed, number, "I", 10 + number, "乙")
    with pytest.raises(DeliveryRefusedError, match="--feed-restarted") as refused:
        department.extract()
    assert refused.value.code == "FEED_RESTARTED"
    with monkeypatch.context() as patch:
        patch.setattr(Register, "accept", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("died")))
        with pytest.raises(ConnectionError):
            department.extract(feed_restarted=True)
    department.extract(feed_restarted=True)
    put(source, feed, 3, "U", 11, "乙二")
    department.extract()
    department.extract()

    first, second, third = sorted(department.batches(), key=lambda b: b.arrival)
    assert [b.received_rows for b in (first, second, third)] == [3, 4, 1]
    generations = [b.manifest["generation_batch"] for b in (first, second, third)]
    assert generations == [first.batch_id, second.batch_id, second.batch_id]
    assert [v[1] for v in versions(department)] == ["1", "11", "12", "15", "16", "2", "5", "11"]
    identities = {(row["_batch_id"], row["_row_id"]) for row in department.bronze()}
    assert len(identities) == 8
    department.assert_balanced()


def test_feed_with_an_unknown_operation_is_held_and_its_position_stands(source, department, feed):
    put(source, feed, 1, "I", 11, "甲")
    put(source, feed, 2, "X", 12, "乙")
    department.extract()
    [held] = department.batches()
    assert (held.status, held.reason_code) == ("held", "OPERATION_UNKNOWN")
    assert department.ledger()[held.batch_id] == (2, 0, 2)

    source.execute(f"UPDATE {feed} SET cd_operation = 'U' WHERE feed_id = 2")  # noqa: S608
    department.extract()
    assert versions(department) == [("I", "11", "甲"), ("U", "12", "乙")]


@pytest.fixture
def live(source: psycopg.Connection, department: Any) -> str:
    name = unique("live")
    source.execute(f"CREATE TABLE {name} (record_no bigint PRIMARY KEY, name text, note text, updated_at timestamptz)")
    declared(department, name, "watermark", partition_column="record_no", partitions=2)
    source.execute(
        f"INSERT INTO {name} SELECT n, '名' || n, NULL, '2026-03-01 08:00+08'::timestamptz + n * interval '1 minute' "  # noqa: S608
        "FROM generate_series(1, 100) n"
    )
    return name


def change(connection: psycopg.Connection, table: str, record: int, name: str, at: str | None) -> None:
    connection.execute(
        f"INSERT INTO {table} (record_no, name, updated_at) VALUES (%s, %s, %s) "  # noqa: S608
        "ON CONFLICT (record_no) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at",
        (record, name, at),
    )


def _not_called(*_: object) -> None:
    raise AssertionError("what is kept of the last reading spares this")


def test_watermark_loses_nothing(source, department, live, monkeypatch):
    department.extract()
    assert len(department.bronze()) == 100
    first = department.batches()[0]
    assert (first.declared_rows, first.received_rows, first.kind) == (100, 100, "incremental")

    change(source, live, 5, "改", "2026-03-02 08:00+08")
    change(source, live, 101, "没有时间", None)
    change(source, live, 102, "时间很早", "2020-01-01 08:00+08")
    change(source, live, 9, "改于过去", "2019-01-01 08:00+08")
    change(source, live, 103, "时间在未来", "2999-01-01 08:00+08")
    source.execute(f"DELETE FROM {live} WHERE record_no IN (7, 8)")  # noqa: S608
    department.extract()

    new = [v for v in versions(department) if v[2] is None or not v[2].startswith("名")]
    assert new == [
        ("D", "7", None), ("D", "8", None),
        ("U", "101", "没有时间"), ("U", "102", "时间很早"), ("U", "103", "时间在未来"), ("U", "5", "改"),
        ("U", "9", "改于过去"),
    ]  # fmt: skip
    [recovered] = department.findings("MISSED_ROWS_RECOVERED")
    assert recovered.count == 2

    change(source, live, 5, "名5", "2026-03-03 08:00+08")
    change(source, live, 104, "未来之后", "2026-03-03 08:00+08")
    with monkeypatch.context() as patch:
        patch.setattr(known_records, "record_states", _not_called)
        department.extract()
    assert ("U", "104", "未来之后") in versions(department)
    assert versions(department).count(("U", "5", "名5")) == 2, "a value changed back is a new version"

    batches = len(department.batches())
    department.extract()
    assert len(department.batches()) == batches
    department.assert_balanced()


def test_times_that_no_calendar_has_hide_no_change_and_are_noted_once(source, department, live):
    change(source, live, 5, "无尽", "infinity")
    change(source, live, 6, "太古", "-infinity")
    change(source, live, 7, "将来", "2999-01-01 08:00+08")
    department.extract()
    [noted] = department.findings("SOURCE_TIME_AHEAD")
    assert noted.count == 2
    department.extract()
    assert len(department.batches()) == 1

    for names in (("改", "改古", "改来"), ("无尽", "太古", "将来")):
        for record, name, at in zip((5, 6, 7), names, ("infinity", "-infinity", "2999-01-01 08:00+08"), strict=True):
            change(source, live, record, name, at)
        department.extract()
        department.extract()
    assert [b.received_rows for b in sorted(department.batches(), key=lambda b: b.arrival)] == [100, 3, 3]
    source.execute(f"DELETE FROM {live} WHERE record_no = 8")  # noqa: S608
    department.extract()
    change(source, live, 8, "名8", "2026-03-01 08:08+08")
    department.extract()
    assert [v[0] for v in versions(department) if v[1] == "8"] == ["D", "U", "U"], "what was restored lives again"
    department.assert_balanced()


def test_records_known_are_found_again_from_bronze_when_their_file_is_lost_or_stale(source, department, live):
    department.extract()
    [kept] = landing_files(department)
    stale = kept.read_bytes()
    source.execute(f"DELETE FROM {live} WHERE record_no = 7")  # noqa: S608
    kept.unlink()
    department.extract()
    assert [v for v in versions(department) if v[0] == "D"] == [("D", "7", None)]

    kept.write_bytes(stale)
    source.execute(f"DELETE FROM {live} WHERE record_no = 8")  # noqa: S608
    department.extract()
    assert [v for v in versions(department) if v[0] == "D"] == [("D", "7", None), ("D", "8", None)]
    assert oct(kept.stat().st_mode & 0o777) == "0o600"
    department.assert_balanced()


def landing_files(department: Any) -> list[Path]:
    return list(landing.dataset_folder(department.contract).glob(known_records.FILE))


def test_mass_deletion_waits_for_a_person_while_changes_go_on(source, department, live):
    department.extract()
    source.execute(f"DELETE FROM {live} WHERE record_no <= 30")  # noqa: S608
    change(source, live, 50, "改", "2026-03-02 08:00+08")
    department.extract()
    [held] = department.batches("held")
    assert (held.reason_code, department.ledger()[held.batch_id]) == ("MASS_DELETE", (30, 0, 30))
    assert ("U", "50", "改") in versions(department)

    department.extract(allow_mass_delete=True)
    assert sum(1 for v in versions(department) if v[0] == "D") == 30
    department.assert_balanced()


def test_a_run_that_died_after_writing_is_done_again_under_the_same_id(source, department, live, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Register, "accept", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("died")))
        with pytest.raises(ConnectionError):
            department.extract()
    [begun] = department.batches()
    change(source, live, 200, "后来", "2026-03-02 08:00+08")
    department.extract()
    assert [(b.batch_id, b.status) for b in department.batches()] == [(begun.batch_id, "accepted")]
    assert len(department.bronze()) == 101
    department.assert_balanced()


def test_whole_table_brings_only_what_changed(source, department):
    name = unique("whole")
    source.execute(f'CREATE TABLE {name} (record_no bigint, "姓名" text, "备注" text, secret text)')
    source.execute(f"INSERT INTO {name} SELECT n, '名' || n, NULL FROM generate_series(1, 10) n")  # noqa: S608
    declared(department, name, "full")
    department.extract()
    department.extract()
    assert len(department.batches()) == 1
    assert department.batches()[0].manifest["columns_unread"] == ["secret"]

    source.execute(f"UPDATE {name} SET \"备注\" = '改' WHERE record_no = 3")  # noqa: S608
    source.execute(f"DELETE FROM {name} WHERE record_no = 4")  # noqa: S608
    department.extract()
    assert len(department.bronze()) == 12
    source.execute(f"INSERT INTO {name} VALUES (4, '名4', NULL)")  # noqa: S608
    department.extract()
    assert [v for v in versions(department) if v[1] == "4"] == [("D", "4", None), ("U", "4", "名4"), ("U", "4", "名4")]
    department.assert_balanced()


def test_a_column_that_went_away_fails_with_its_name_and_moves_nothing(source, department, live):
    source.execute(f"ALTER TABLE {live} RENAME COLUMN name TO full_name")
    with pytest.raises(DeliveryRefusedError, match=r"column name is not there.*full_name") as refused:
        department.extract()
    assert refused.value.code == "COLUMN_MISSING"
    assert department.batches() == []
