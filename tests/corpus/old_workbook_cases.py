"""XLS workbooks: the older form in which most lists still come, sound, damaged and protected (旧版电子表格)."""

from __future__ import annotations

from typing import Any

from tests.corpus.case import NAMES, Case, Row, admitted, held
from tests.corpus.compound import compound, xls
from tests.corpus.workbook_cases import PROVINCE

ROW: Row = ("1", "店", "x")
CELLS = list(ROW)
SECTIONS = [["全国店铺名单"], NAMES, ["北京市（1所）"], CELLS, ["天津市（1所）"], ["2", "店", "y"], ["合计：2"]]


def sheet(name: str, content: bytes, rows: list[Row], **more: Any) -> Case:
    """Return a workbook that is admitted."""
    return admitted(f"xls_{name}", "structure", content, rows, format="xls", **more)


def refuses(name: str, content: bytes, *words: str) -> Case:
    """Return a workbook that is held before a row is read."""
    return held(f"xls_{name}", "file", content, "STRUCTURE_INVALID", *words, "plain workbook", format="xls")


CASES = [
    sheet("plain", xls([NAMES, CELLS]), [ROW]),
    sheet("rare_characters", xls([NAMES, ["1", "𠮷㐂", "x"]]), [("1", "𠮷㐂", "x")]),
    sheet("numbers", xls([NAMES, [7.0, 80.2, 45536.0]]), [("7", "80.2", "45536")]),
    sheet("code_ruined_as_a_number", xls([NAMES, [915101070549352000.0, "店", "x"]]),
          [("9.15101070549352E+17", "店", "x")]),
    sheet("sections_title_and_total", xls(SECTIONS), [ROW, ("2", "店", "y")], rejected={7: "NOTE_ROW"},
          section_column="province", columns=PROVINCE),
    sheet("merged_downwards", xls([NAMES, CELLS, ["2", None, "y"]], merged=[(1, 2, 1, 1)]), [ROW, ("2", "店", "y")],
          notes={"MERGED_CELLS_FILLED"}),
    sheet("blank_rows_between", xls([NAMES, CELLS, [None], ["2", "店", "y"]]), [ROW, ("2", "店", "y")],
          rejected={3: "BLANK_ROW"}),
    refuses("with_a_password", xls([NAMES, CELLS], is_encrypted=True), "protected"),
    refuses("package_with_a_password", compound({"EncryptionInfo": b"\4\0\4\0", "EncryptedPackage": bytes(5000)}),
            "protected by a password"),
    refuses("cut_off", xls([NAMES, CELLS])[:1600], "damaged or protected"),
    refuses("word_document", compound({"WordDocument": bytes(5000)}), "damaged or protected"),
]  # fmt: skip
