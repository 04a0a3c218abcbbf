"""JSON deliveries: a list, a wrapped list, one record per line; and what is held."""

from __future__ import annotations

import json

import pytest

from jobs.extract.delivery import DeliveryHeldError

RECORD = {"统一社会信用代码": "1", "店铺名称": "店", "开业日期": "2024-01-01"}


@pytest.fixture
def read_json(read):
    return lambda document, **source: read(
        document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode(),
        format="json",
        **source,
    )


def test_list_is_read(read_json):
    reading, rows = read_json([RECORD, RECORD | {"店铺名称": None}])
    assert [(r["uscc"], r["shop_name"], r["_row_number"]) for r in rows] == [("1", "店", 1), ("1", None, 2)]
    assert reading.records == 2


def test_wrapped_list_is_read(read_json):
    _, rows = read_json({"answer": {"rows": [RECORD]}}, records_path="answer.rows")
    assert rows[0]["opened_date"] == "2024-01-01"


def test_lines_are_read(read_json):
    lines = "\n".join(json.dumps(RECORD, ensure_ascii=False) for _ in range(3))
    _, rows = read_json(lines.encode())
    assert len(rows) == 3


def test_numbers_keep_every_digit(read_json):
    text = '[{"统一社会信用代码": 915101070549352001, "店铺名称": 80.20, "开业日期": true}]'
    _, rows = read_json(text.encode())
    assert [rows[0][c] for c in ("uscc", "shop_name", "opened_date")] == ["915101070549352001", "80.20", "true"]


def test_nested_values_stay_readable(read_json):
    _, rows = read_json([RECORD | {"店铺名称": ["甲", "乙"]}])
    assert rows[0]["shop_name"] == '["甲", "乙"]'


def test_order_of_names_means_nothing(read_json):
    reading, _ = read_json([dict(reversed(RECORD.items()))])
    assert reading.notes == []


def test_name_in_some_records_only_is_no_missing_column(read_json):
    _, rows = read_json([RECORD, {"统一社会信用代码": "2", "店铺名称": "店"}])
    assert rows[1]["opened_date"] is None


def test_what_is_no_record_is_rejected(read_json):
    reading, rows = read_json([RECORD] * 40 + ["text", {}])
    assert reading.rejected_counts() == {"ROW_RAGGED": 1, "BLANK_ROW": 1}
    assert (reading.read, len(rows)) == (42, 40)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b'[{"\xe5\xba', "ENCODING_INVALID"),
        (b'[{"a": 1}', "STRUCTURE_INVALID"),
        (b'{"a": 1}\n{"a": ', "STRUCTURE_INVALID"),
        ('[{"店铺名称": "a", "店铺名称": "b"}]'.encode(), "STRUCTURE_INVALID"),
        (b'"text"', "STRUCTURE_INVALID"),
        ([RECORD | {"备注": ""}], "COLUMN_ADDED"),
        ([{"统一社会信用代码": "1", "店铺名称": "店"}], "COLUMN_MISSING"),
        (json.dumps([RECORD | {"店铺名称": "\ud83d"}]).encode(), "ENCODING_INVALID"),
    ],
)
def test_what_cannot_be_understood_is_held(read_json, document, code):
    with pytest.raises(DeliveryHeldError) as held:
        read_json(document)
    assert held.value.code == code


def test_absent_records_path_is_held(read_json):
    with pytest.raises(DeliveryHeldError, match="no 'rows' in the document"):
        read_json({"data": []}, records_path="rows")
