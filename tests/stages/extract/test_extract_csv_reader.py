"""CSV deliveries, sound and broken; each fixture is named after its defect."""

from __future__ import annotations

import time

import pytest

from jobs.extract.delivery import DeliveryHeldError

HEADER = "统一社会信用代码,店铺名称,开业日期"


def rows_of(*lines: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *lines]) + end


def many(count: int) -> list[str]:
    return [f"C{n},店{n},2024-01-01" for n in range(count)]


def test_values_arrive_as_they_were_sent(read):
    reading, rows = read(rows_of("001,老店 ,2024-9-1", "002,２号店,2023??????", ",,x").encode())
    assert [(r["uscc"], r["shop_name"], r["opened_date"]) for r in rows] == [
        ("001", "老店 ", "2024-9-1"), ("002", "２号店", "2023??????"), ("", "", "x"),
    ]  # fmt: skip
    assert [r["_row_number"] for r in rows] == [2, 3, 4]
    assert (reading.read, reading.accepted, reading.rejected) == (3, 3, [])


def test_gb18030_four_byte_characters_are_read(read):
    _, rows = read(rows_of("1,𠮷野㐂,2024-01-01").encode("gb18030"), encoding="gb18030")
    assert rows[0]["shop_name"] == "𠮷野㐂"


def test_gbk_bytes_are_read_as_gb18030(read):
    _, rows = read(rows_of("1,成都市,2024-01-01", end="\r\n").encode("gbk"), encoding="gb18030")
    assert (rows[0]["shop_name"], rows[0]["opened_date"]) == ("成都市", "2024-01-01")


def test_utf8_with_byte_order_mark_is_read(read):
    reading, rows = read(b"\xef\xbb\xbf" + rows_of("1,店,x").encode())
    assert rows[0]["uscc"] == "1"
    assert reading.notes == []


def test_a_byte_order_mark_decides_over_the_contract_and_is_noted(read):
    reading, rows = read(b"\xef\xbb\xbf" + rows_of("1,店,x").encode(), encoding="gb18030")
    assert rows[0]["shop_name"] == "店"
    assert [note.code for note in reading.notes] == ["ENCODING_DIFFERS"]


@pytest.mark.parametrize("bad", [b"\xff", b"\xff\xff", b"\x81\x20"])
def test_undecodable_byte_is_held_with_its_offset_and_line(read, bad):
    good = rows_of("1,店,x").encode("gb18030")
    with pytest.raises(DeliveryHeldError, match=f"offset {len(good) + 2} \\(line 3\\)") as held:
        read(good + b"2," + bad + b",y\n", encoding="gb18030")
    assert held.value.code == "ENCODING_INVALID"
    assert held.value.rows == 2
    assert held.value.detail == {"byte_offset": len(good) + 2}


def test_undecodable_byte_beyond_the_first_block_is_found_at_its_place(read):
    good = rows_of(*["1,店,x"] * 200_000).encode()
    with pytest.raises(DeliveryHeldError, match=f"offset {len(good)} "):
        read(good + b"\xff\n")


def test_character_cut_off_at_the_end_is_held(read):
    with pytest.raises(DeliveryHeldError) as held:
        read(rows_of("1,店,x").encode() + "店".encode()[:2])
    assert held.value.code == "ENCODING_INVALID"


@pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
def test_wide_encodings_are_named(read, codec):
    with pytest.raises(DeliveryHeldError, match=codec.upper()):
        read(rows_of("1,店,x").encode(codec))


def test_nul_byte_is_held(read):
    with pytest.raises(DeliveryHeldError, match="NUL byte"):
        read(rows_of("1,店\0,x").encode())


@pytest.mark.parametrize(("sent", "declared"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_a_header_that_only_another_encoding_can_read_decides_and_is_noted(read, sent, declared):
    reading, rows = read(rows_of("1,老店,x").encode(sent), encoding=declared)
    assert rows[0]["shop_name"] == "老店"
    assert [(n.code, n.detail["found"]) for n in reading.notes] == [("ENCODING_DIFFERS", sent)]


def test_utf8_under_a_gb18030_contract_is_held_where_no_name_decides(read):
    with pytest.raises(DeliveryHeldError, match="every byte below the first line fits utf-8") as held:
        read(rows_of("1,老店,x", header="uscc,shop_name,opened_date").encode(), encoding="gb18030")
    assert (held.value.code, held.value.rows) == ("ENCODING_INVALID", 1)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_named(read, codec):
    with pytest.raises(DeliveryHeldError, match="UTF-16 without byte order mark"):
        read(rows_of("1,店,x").encode(codec))


def test_reordered_header_maps_by_name_and_is_noted(read):
    reading, rows = read("开业日期,统一社会信用代码,店铺名称\n2024-01-01,1,店\n".encode())
    assert (rows[0]["uscc"], rows[0]["shop_name"], rows[0]["opened_date"]) == ("1", "店", "2024-01-01")
    assert [note.code for note in reading.notes] == ["HEADER_REORDERED"]


def test_header_names_are_compared_without_blanks_and_invisible_characters(read):
    reading, rows = read("\u200b统一社会信用代码 ,　店铺名称,开业日期\u00a0\n1,店,x\n".encode())
    assert rows[0]["uscc"] == "1"
    assert reading.notes == []


def test_column_added_is_held_with_its_name(read):
    with pytest.raises(DeliveryHeldError, match="备注 is not in the contract") as held:
        read(rows_of("1,店,x,y", "2,店,x,y", header=HEADER + ",备注").encode())
    assert (held.value.code, held.value.rows) == ("COLUMN_ADDED", 2)


def test_column_added_is_noted_where_the_contract_says_so(read):
    reading, rows = read(rows_of("1,店,x,y", header=HEADER + ",备注").encode(), unknown_columns="note")
    assert rows[0]["opened_date"] == "x"
    assert [note.code for note in reading.notes] == ["COLUMN_ADDED"]


def test_column_missing_is_held_and_names_what_came_instead(read):
    with pytest.raises(DeliveryHeldError, match="opened_date is missing; unknown: 成立日期") as held:
        read(rows_of("1,店,x", header="统一社会信用代码,店铺名称,成立日期").encode())
    assert held.value.code == "COLUMN_MISSING"


def test_first_row_that_is_data_is_held_and_never_shown(read):
    with pytest.raises(DeliveryHeldError) as held:
        read("110105194912310021,王某,1\n".encode())
    assert held.value.code == "COLUMN_MISSING"
    assert "王某" not in f"{held.value}{held.value.detail}"


def test_optional_column_may_be_missing(read):
    items = {"opened_date": {"from": ["开业日期"], "optional": True}}
    _, rows = read(rows_of("1,店", header="统一社会信用代码,店铺名称").encode(), items=items)
    assert rows[0]["opened_date"] is None


def test_column_repeated_is_held(read):
    with pytest.raises(DeliveryHeldError) as held:
        read(rows_of("1,店,x,y", header=HEADER + ",开业日期").encode())
    assert held.value.code == "COLUMN_REPEATED"


def test_unclosed_quote_never_becomes_one_giant_row(read):
    lines = many(50)
    lines[10] = 'C10,"店10,2024-01-01'
    with pytest.raises(DeliveryHeldError, match="line 12") as held:
        read(rows_of(*lines).encode())
    assert (held.value.code, held.value.rows) == ("STRUCTURE_INVALID", 50)


def test_unclosed_quote_that_a_later_row_closes_is_held(read):
    lines = many(50)
    lines[10], lines[20] = 'C10,"店10,2024-01-01', 'C20,店20",2024-01-01'
    with pytest.raises(DeliveryHeldError) as held:
        read(rows_of(*lines).encode())
    assert held.value.code == "STRUCTURE_INVALID"


def test_text_after_a_closing_quote_is_held(read):
    with pytest.raises(DeliveryHeldError, match="quote"):
        read(rows_of('1,"店"铺,x').encode())


def test_field_longer_than_any_text_is_held(read):
    with pytest.raises(DeliveryHeldError, match="field limit"):
        read(rows_of(f'1,"{"店" * 200_000}",x').encode())


def test_line_breaks_inside_quotes_are_kept(read):
    reading, rows = read(rows_of('1,"一行\r\n二行",x', "2,店,y").encode())
    assert rows[0]["shop_name"] == "一行\r\n二行"
    assert [r["_row_number"] for r in rows] == [2, 4]
    assert reading.read == 2


def test_ragged_row_is_rejected_by_its_number_and_the_rest_stands(read):
    lines = many(100)
    lines[7], lines[9] = "C7,店7", "C9,店9,2024-01-01,多"
    reading, rows = read(rows_of(*lines).encode())
    assert [(r.row_number, r.code, r.detail) for r in reading.rejected] == [
        (9, "ROW_RAGGED", "2 cells, 3 expected"), (11, "ROW_RAGGED", "4 cells, 3 expected"),
    ]  # fmt: skip
    assert (reading.read, reading.accepted, len(rows)) == (100, 98, 98)
    assert reading.records == 100


def test_a_file_of_ragged_rows_is_held(read):
    lines = many(100)
    lines[:6] = ["C,店"] * 6
    with pytest.raises(DeliveryHeldError, match="6 of 100 rows") as held:
        read(rows_of(*lines).encode())
    assert (held.value.code, held.value.rows) == ("STRUCTURE_INVALID", 100)


def test_blank_rows_and_repeated_headers_are_rejected_and_are_no_records(read):
    reading, _ = read(rows_of("1,店,x", "", ",,", " , , ", HEADER, "2,店,y").encode())
    assert reading.rejected_counts() == {"BLANK_ROW": 3, "REPEATED_HEADER": 1}
    assert (reading.read, reading.accepted, reading.records) == (6, 2, 2)


def test_file_without_last_line_end_loses_nothing(read):
    _, rows = read(rows_of("1,店,x").encode().rstrip())
    assert len(rows) == 1


@pytest.mark.parametrize("content", [b"", HEADER.encode() + b"\n"])
def test_empty_file_has_no_records(read, content):
    reading, rows = read(content)
    assert (reading.read, rows) == (0, [])


def test_file_without_header_is_read_by_position_where_the_contract_says_so(read):
    _, rows = read("1,店,x\n2,店,y\n".encode(), header_required=False)
    assert [(r["uscc"], r["opened_date"], r["_row_number"]) for r in rows] == [("1", "x", 1), ("2", "y", 2)]


def test_constants_row_numbers_and_file_names_fill_columns(read):
    columns = {"row": "行", "list_file": "文件", "uscc": "统一社会信用代码", "city": "城市"}
    items = {"row": {"from": ["_row_number"]}, "list_file": {"from": ["_source_file"]}}
    _, rows = read("统一社会信用代码\n9\n".encode(), columns, items, constants={"city": "成都"}, key=["row"])
    assert [rows[0][c] for c in columns] == ["2", "shop.csv", "9", "成都"]


def test_two_hundred_thousand_rows_take_seconds(read):
    content = rows_of(*[f"91510100MA6{n:07},成都市第{n}号店铺,2024-01-01" for n in range(200_000)]).encode("gb18030")
    started = time.process_time()
    reading, _ = read(content, encoding="gb18030", rows_wanted=False)
    assert reading.accepted == 200_000
    assert time.process_time() - started < 6
