"""Workbooks: title rows, merged cells, sections, notes, cell types; and what is held."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from jobs.extract.delivery import DeliveryHeldError

HEADER = ["统一社会信用代码", "店铺名称", "开业日期"]


def workbook(*sheets: list[list[object]], merged: tuple[str, ...] = ()) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(row)
        for block in merged if number == 1 else ():
            sheet.merge_cells(block)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def read_xlsx(read):
    return lambda content, **more: read(content, format="xlsx", **more)


def test_titles_are_skipped_and_row_numbers_are_the_sheets(read_xlsx):
    content = workbook([["店铺清单"], ["填报单位：某局", None, "日期"], HEADER, ["1", "店", "x"]], merged=("A1:C1",))
    reading, rows = read_xlsx(content)
    assert [(r["uscc"], r["_row_number"]) for r in rows] == [("1", 4)]
    assert (reading.read, reading.skipped) == (1, {"title": 2})


def test_cells_become_text_without_damage(read_xlsx):
    cells = [915101070549352, datetime(2024, 9, 1), date(2024, 9, 1)]
    _, rows = read_xlsx(workbook([HEADER, cells, ["007", 80.2, datetime(2024, 9, 1, 10, 30)], [1.0, True, None]]))
    assert [[r["uscc"], r["shop_name"], r["opened_date"]] for r in rows] == [
        ["915101070549352", "2024-09-01", "2024-09-01"],
        ["007", "80.2", "2024-09-01T10:30:00"],
        ["1", "TRUE", None],
    ]


def test_cell_merged_downwards_gives_its_value_to_every_row(read_xlsx):
    content = workbook([HEADER, ["1", "总店", "x"], ["2", None, "y"], ["3", None, "z"]], merged=("B2:B4",))
    reading, rows = read_xlsx(content)
    assert [r["shop_name"] for r in rows] == ["总店"] * 3
    assert [(n.code, n.count) for n in reading.notes] == [("MERGED_CELLS_FILLED", 2)]


def test_section_rows_fill_their_column_and_are_no_data(read_xlsx):
    rows = [HEADER, ["四川省"], ["1", "店", "x"], ["2", "店", "y"], ["重庆市"], ["3", "店", "z"]]
    columns = {"uscc": HEADER[0], "shop_name": HEADER[1], "opened_date": HEADER[2], "province": "省份"}
    reading, landed = read_xlsx(workbook(rows), columns=columns, section_column="province")
    assert [r["province"] for r in landed] == ["四川省", "四川省", "重庆市"]
    assert (reading.read, reading.skipped["section"]) == (3, 2)


def test_notes_totals_blank_rows_and_repeated_headers_are_rejected(read_xlsx):
    rows = [
        HEADER,
        ["1", "店", "x"],
        [None, None, None],
        HEADER,
        ["合计", "1", None],
        ["2", "店", "y"],
        ["以上为全部店铺"],
    ]
    reading, landed = read_xlsx(workbook(rows))
    assert [r["uscc"] for r in landed] == ["1", "2"]
    assert reading.rejected_counts() == {"BLANK_ROW": 1, "REPEATED_HEADER": 1, "NOTE_ROW": 2}
    assert (reading.read, reading.records) == (6, 2)


def test_rows_that_continue_on_a_second_sheet_are_read(read_xlsx):
    reading, rows = read_xlsx(workbook([HEADER, ["1", "店", "x"]], [HEADER, ["2", "店", "y"]]))
    assert [r["uscc"] for r in rows] == ["1", "2"]
    assert len({r["_row_number"] for r in rows}) == 2
    assert reading.read == 2


def test_sheet_of_something_else_is_noted(read_xlsx):
    reading, rows = read_xlsx(workbook([HEADER, ["1", "店", "x"]], [["说明"], ["口径"]]))
    assert len(rows) == 1
    assert [n.code for n in reading.notes] == ["SHEET_IGNORED"]


def test_header_with_line_breaks_is_found(read_xlsx):
    _, rows = read_xlsx(workbook([["统一社会\n信用代码", "店铺 名称", "开业日期"], ["1", "店", "x"]]))
    assert rows[0]["uscc"] == "1"


def test_value_beside_the_columns_is_rejected_as_ragged(read_xlsx):
    rows = [HEADER, *[[str(n), "店", "x"] for n in range(50)], ["99", "店", "x", "多"]]
    reading, landed = read_xlsx(workbook(rows))
    assert reading.rejected_counts() == {"ROW_RAGGED": 1}
    assert len(landed) == 50


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([[*HEADER, "备注"], ["1", "店", "x", "y"]], "COLUMN_ADDED"),
        ([["统一社会信用代码", "店铺名称"], ["1", "店"]], "COLUMN_MISSING"),
        ([["别的"], ["1"]], "COLUMN_MISSING"),
    ],
)
def test_wrong_columns_are_held(read_xlsx, rows, code):
    with pytest.raises(DeliveryHeldError) as held:
        read_xlsx(workbook(rows))
    assert held.value.code == code


def test_what_is_no_workbook_is_held(read_xlsx):
    for content in (b"a,b\n1,2\n", b"PK\x03\x04cut off", workbook([HEADER])[:500]):
        with pytest.raises(DeliveryHeldError) as held:
            read_xlsx(content)
        assert held.value.code == "STRUCTURE_INVALID"


def test_file_of_no_bytes_has_no_records(read_xlsx):
    reading, rows = read_xlsx(b"")
    assert (reading.read, rows) == (0, [])


def test_workbook_that_unpacks_to_a_bomb_is_held(read_xlsx):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sheet.xml", "w") as member:
        for _ in range(1100):
            member.write(b"\0" * (1 << 20))
    with pytest.raises(DeliveryHeldError, match="unpacks to"):
        read_xlsx(out.getvalue())
