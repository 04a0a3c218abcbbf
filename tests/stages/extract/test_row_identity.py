"""Which row is which (行与记录的标识): keys of several parts, rows that come twice, tables of every kind."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from catalog.model.contract import Contract
from catalog.model.record_keys import record_key_of
from jobs.extract.bronze import record_key
from jobs.extract.source_table import SourceTable
from jobs.extract.windows import record_key as record_key_sql
from tests.stages.extract.shop_contract import contract_document
from tests.stages.extract.test_extract_database_stage import source, unique  # noqa: F401

PARTS = ["", None, "A", "1", "|", "\\", "\\|", "|\\", "A|1", "A\\", "\\\\", "中文|、\\", " ", "a\nb", "%_'\"", "😀|"]
COLUMNS = {"record_no": "记录号", "name": "姓名", "note": "备注"}
_nasty = st.lists(st.one_of(st.none(), st.text(st.sampled_from("a|\\中")), st.text()), min_size=2, max_size=3)


@given(_nasty, _nasty)
def test_no_two_keys_look_alike(one, other):
    if len(one) == len(other):
        assert (record_key_of(one) == record_key_of(other)) == ([x or "" for x in one] == [x or "" for x in other])


def test_engine_database_and_python_make_one_key(spark, source):  # noqa: F811
    values = list(itertools.product(PARTS, PARTS))
    source.execute("CREATE TEMP TABLE nasty (record_no text, name text)")
    with source.cursor() as cursor:
        cursor.executemany("INSERT INTO nasty VALUES (%s, %s)", values)
    table = SourceTable("pg_temp", "nasty", {}, {"record_no": "record_no", "name": "name"})
    frame = spark.createDataFrame(values, "record_no string, name string")
    for key in (["record_no"], ["record_no", "name"]):
        block = {"kind": "full", "server": "public_security", "table": "nasty", "key": key}
        contract = Contract.model_validate(contract_document(block, "nasty", COLUMNS))
        expected = sorted(record_key_of(pair[: len(key)]) for pair in values)
        query = sql.SQL("SELECT {} FROM nasty").format(record_key_sql(table, key))
        assert sorted(row[0] for row in source.execute(query)) == expected
        assert sorted(row[0] for row in frame.select(record_key(contract)).collect()) == expected


def test_records_of_a_materialised_view_that_doubles_them(department, source):  # noqa: F811
    name = unique("doubled")
    source.execute(f"CREATE TABLE {name} (record_no text, name text, note text)")
    values = [
        ("A|1", "2", "甲"),
        ("A", "1|2", "乙"),
        ("B", "1", "一"),
        ("B", "1", "二"),
        ("C", "1", "同"),
        ("C", "1", "同"),
    ]
    with source.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES (%s, %s, %s)", values)  # noqa: S608
    source.execute(f"CREATE MATERIALIZED VIEW {name}_view AS SELECT * FROM {name}")  # noqa: S608

    def change(statement: str) -> list[tuple[str, ...]]:
        before = {(row["_batch_id"], row["_row_id"]) for row in department.bronze()}
        source.execute(statement.format(name))
        source.execute(f"REFRESH MATERIALIZED VIEW {name}_view")
        department.extract()
        rows = [row for row in department.bronze() if (row["_batch_id"], row["_row_id"]) not in before]
        return sorted((row["_operation"], row["_record_key"], row["note"] or "") for row in rows)

    block = {"kind": "full", "server": "public_security", "table": f"{name}_view", "key": ["record_no", "name"]}
    department.declare(name, block, COLUMNS)
    department.extract()
    assert len({row["_row_id"] for row in department.bronze()}) == len(values)
    [repeated] = department.findings("RECORD_REPEATED")
    assert repeated.count == 2
    assert change("SELECT 1") == []
    assert change("DELETE FROM {} WHERE record_no = 'A|1'") == [("D", "A\\|1|2", "")]
    assert change("UPDATE {} SET note = '三' WHERE note = '二'") == [("U", "B|1", "一"), ("U", "B|1", "三")]
    assert change("DELETE FROM {} WHERE note = '一'") == [("U", "B|1", "三")]
    assert change("SELECT 1") == []
    department.assert_balanced()
