"""Workbooks as people fill them in, and what only bears their name (电子表格)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import openpyxl

from tests.corpus.case import NAMES, Case, Row, admitted, held

G = "structure"
ROW: Row = ("1", "店", "x")
CELLS = list(ROW)
PROVINCE = {"uscc": NAMES[0], "shop_name": NAMES[1], "opened_date": NAMES[2], "province": "省份"}


def book(
    *sheets: Sequence[Sequence[Any]], merged: Sequence[str] = (), hidden: Sequence[int] = (), protected: bool = False
) -> bytes:
    """Return a workbook of some sheets; merged blocks are those of the first."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for number, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if number in hidden else "visible"
        sheet.protection.sheet = protected
        for block in merged if number == 1 else ():
            sheet.merge_cells(block)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def with_part(content: bytes, name: str, change: Any) -> bytes:
    """Return a workbook one part of which was changed by hand."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry.filename, change(data) if entry.filename == name else data)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = book([NAMES, CELLS])


def with_error(content: bytes) -> bytes:
    """Put an error value into B3."""
    old = content.find(b'<c r="B3"')
    return (
        content[:old]
        + b'<c r="B3" t="e"><f>VLOOKUP(A3,D:E,2,0)</f><v>#N/A</v></c>'
        + content[content.index(b"</c>", old) + 4 :]
    )


def with_shared_formula(content: bytes) -> bytes:
    """Let B3 follow a formula shared with another cell, without a result."""
    old = content.find(b'<c r="B3"')
    return content[:old] + b'<c r="B3"><f t="shared" si="0"/></c>' + content[content.index(b"</c>", old) + 4 :]


def with_entity(content: bytes) -> bytes:
    """Put a document type with an entity before the sheet."""
    start = content.index(b"<worksheet")
    return content[:start] + b'<!DOCTYPE a [<!ENTITY e "eeee">]>' + content[start:]


def far_cell(content: bytes) -> bytes:
    """Put a cell into the last corner of the sheet."""
    return content.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')


def twice(content: bytes, name: str) -> bytes:
    """Append a second part of the same name."""
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        archive.writestr(info, b"<worksheet/>")
    return out.getvalue().replace(b"x" * len(name), name.encode())


def lying(content: bytes) -> bytes:
    """Say in the directory that a part is smaller than it is."""
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    return content[: at + 24] + (10).to_bytes(4, "little") + content[at + 28 :]


def reads(name: str, cells: Sequence[Any], row: Row) -> Case:
    """Return a sheet of one row that arrives as ``row``."""
    return admitted(f"xlsx_{name}", G, book([NAMES, cells]), [row], format="xlsx")


def sheet(name: str, content: bytes, rows: list[Row], **more: Any) -> Case:
    """Return a workbook that is admitted."""
    return admitted(f"xlsx_{name}", G, content, rows, format="xlsx", **more)


def refuses(name: str, content: bytes, code: str, *words: str, group: str = G, **more: Any) -> Case:
    """Return a workbook that is held."""
    return held(f"xlsx_{name}", group, content, code, *words, **{"format": "xlsx", **more})


CASES = [
    sheet("plain", PLAIN, [ROW]),
    admitted("xlsx_under_the_name_of_xls", "file", PLAIN, [ROW], format="xls"),
    sheet("titles", book([["店铺清单"], ["填报单位：某局", None, "日期"], NAMES, CELLS], merged=["A1:C1"]), [ROW]),
    sheet("merged_downwards", book([NAMES, CELLS, ["2", None, "y"]], merged=["B2:B3"]), [ROW, ("2", "店", "y")],
          notes={"MERGED_CELLS_FILLED"}),
    sheet("merged_beyond_the_records", book([NAMES, CELLS], merged=["B2:B60000"]), [ROW]),
    sheet("header_of_two_rows", book([[NAMES[0], "店铺", None], [None, *NAMES[1:]], CELLS], merged=["A1:A2", "B1:C1"]),
          [ROW]),
    sheet("header_with_line_breaks", book([["统一社会\n信用代码", "店铺 名称", "开业\n日期"], CELLS]), [ROW]),
    sheet("sections", book([NAMES, ["四川省"], [*CELLS, None], ["重庆市"], ["2", "店", "y"]]), [ROW, ("2", "店", "y")],
          section_column="province", columns=PROVINCE),
    sheet("subtotal_is_no_section", book([NAMES, ["四川省"], CELLS, ["小计"], ["2", "店", "y"]]), [ROW, ("2", "店",
         "y")],
          rejected={4: "NOTE_ROW"}, section_column="province", columns=PROVINCE),
    sheet("number_alone_is_no_section", book([NAMES, ["四川省"], ["7"], CELLS]), [("7", None, None), ROW],
          section_column="province", columns=PROVINCE),
    sheet("total_note_blank_header", book([NAMES, CELLS, [None], NAMES, ["合计", "1"], ["2", "店", "y"], ["注：略"]]),
          [ROW, ("2", "店", "y")], rejected={3: "BLANK_ROW", 4: "REPEATED_HEADER", 5: "NOTE_ROW", 7: "NOTE_ROW"}),
    sheet("two_sheets", book([NAMES, CELLS], [NAMES, ["2", "店", "y"]]), [ROW, ("2", "店", "y")]),
    sheet("sheet_of_something_else", book([NAMES, CELLS], [["说明"], ["口径"]]), [ROW], notes={"SHEET_IGNORED"}),
    sheet("hidden_sheet_of_codes", book([NAMES, CELLS], [["字典"], ["1"]], hidden=[2]), [ROW], notes={"SHEET_IGNORED"}),
    sheet("value_beside_the_columns", book([NAMES, CELLS, ["2", "店", "y", "多"]]), [ROW], rejected={3: "ROW_RAGGED"}),
    sheet("sheet_protected_from_editing", book([NAMES, CELLS], protected=True), [ROW]),
    sheet("error_value", with_part(book([NAMES, CELLS, ["2", "店", "y"]]), SHEET, with_error), [ROW],
          rejected={3: "CELL_WITHOUT_VALUE"}),
    sheet("formula_never_calculated", book([NAMES, CELLS, ["2", "=A3&A2", "y"]]), [ROW],
          rejected={3: "CELL_WITHOUT_VALUE"}),
    sheet("shared_formula_never_calculated", with_part(book([NAMES, CELLS, ["2", "店", "y"]]), SHEET,
                                                       with_shared_formula), [ROW], rejected={3: "CELL_WITHOUT_VALUE"}),
    sheet("text_cut_off_at_the_limit", book([NAMES, ["1", "字" * 32_767, "x"]]), [("1", "字" * 32_767, "x")],
          notes={"TEXT_CUT_OFF"}),
    reads("whole_number", [1.0, 2, 510107], ("1", "2", "510107")),
    reads("code_of_fifteen_digits", [510100000012345, "店", "x"], ("510100000012345", "店", "x")),
    reads("code_ruined_as_a_number", [915101070549352000, "店", "x"], ("9.15101070549352E+17", "店", "x")),
    reads("code_as_text", ["007", "'8", "x"], ("007", "'8", "x")),
    reads("fraction", [0.1, 80.2, 1e-7], ("0.1", "80.2", "0.0000001")),
    reads("date_and_time", ["1", datetime(2024, 9, 1, 10, 30), date(2024, 9, 1)],
          ("1", "2024-09-01T10:30:00", "2024-09-01")),
    reads("date_as_a_number", ["1", time(10, 30), 45536], ("1", "10:30:00", "45536")),
    reads("truth", [True, False, None], ("TRUE", "FALSE", None)),
    reads("blanks_kept", [" 1", "店 ", "a\nb"], (" 1", "店 ", "a\nb")),
    refuses("second_header_in_another_order", book([NAMES, CELLS, NAMES[::-1], CELLS]), "STRUCTURE_INVALID",
            "sheet 表1, row 3", "another order", records=3),
    refuses("records_above_the_header", book([["0", "店", "w"], NAMES, CELLS]), "STRUCTURE_INVALID", "row 1",
            "filled like a record", records=2),
    refuses("hidden_sheet_of_records", book([NAMES, CELLS], [NAMES, CELLS], hidden=[2]), "STRUCTURE_INVALID",
            "hidden sheet 表2", "1 rows", records=1),
    refuses("column_added", book([[*NAMES, "备注"], [*CELLS, "y"]]), "COLUMN_ADDED", "备注", "sheet 表1", records=1),
    refuses("column_gone", book([NAMES[:2], CELLS[:2]]), "COLUMN_MISSING", "opened_date"),
    refuses("header_nowhere", book([["别的"], ["1"]]), "COLUMN_MISSING", "no sheet has a header row"),
    refuses("only_header", book([NAMES]), "EMPTY_DELIVERY", "no record", group="file"),
    refuses("far_cell", with_part(PLAIN, SHEET, far_cell), "STRUCTURE_INVALID", "spans", "limit", group="file"),
    refuses("entities", with_part(PLAIN, SHEET, with_entity), "STRUCTURE_INVALID", "declares entities", group="file"),
    refuses("part_twice", twice(PLAIN, SHEET), "STRUCTURE_INVALID", f"{SHEET} comes twice", group="file"),
    refuses("part_larger_than_it_says", lying(PLAIN), "STRUCTURE_INVALID", "damaged XLSX", group="file"),
    refuses("cut_off", PLAIN[: len(PLAIN) // 2], "STRUCTURE_INVALID", "damaged XLSX", group="file"),
    refuses("sheet_missing", with_part(PLAIN, SHEET, lambda _: b""), "STRUCTURE_INVALID", "damaged XLSX", group="file"),
    refuses("html_page", "<html><table><tr><td>统一社会信用代码</td></tr></table></html>".encode(), "STRUCTURE_INVALID",
            "an HTML page", "plain workbook", group="file", format="xls"),
    refuses("xml_spreadsheet_of_2003", b"<?xml version='1.0'?><Workbook/>", "STRUCTURE_INVALID", "an XML document",
            group="file", format="xls"),
    refuses("text_file", "统一社会信用代码,店铺名称\n1,店\n".encode("gbk"), "STRUCTURE_INVALID", "text under the name",
            group="file", format="xls"),
    refuses("damaged_xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "STRUCTURE_INVALID",
         "damaged or protected",
            group="file", format="xls"),
    refuses("random_bytes", bytes(range(256)) * 8, "STRUCTURE_INVALID", "not a readable workbook", group="file"),
]  # fmt: skip
