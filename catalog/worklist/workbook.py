"""The worklist as a workbook (待处置工作簿), for a department that has nothing else: a sheet per resource."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from catalog.model.contract import Contract
from catalog.model.departments import get_department
from catalog.model.inert import inert
from catalog.model.right_values import right_value
from catalog.worklist.rows import WaitingRow
from catalog.worklist.scope import Scope
from catalog.worklist.summary import SummaryLine, words_of

PLACE_COLUMNS = ("批次", "来源文件", "行号", "记录标识", "问题", "应填写", "处理建议")
WIDTHS = (24, 26, 8, 18, 34, 34, 34)


def write_workbook(
    path: Path,
    *,
    department: str,
    scope: Scope,
    lines: Sequence[SummaryLine],
    rows: dict[str, list[WaitingRow]],
    contracts: dict[str, Contract],
    on: date,
) -> None:
    """Write the workbook of one department, readable by its owner only, whole or not at all.

    Args:
        path: the file; its folder is made.
        department: whose rows.
        scope: who reads; decides which values are hidden.
        lines: the summary.
        rows: resource → its rows that wait.
        contracts: the same resources' contracts.
        on: date of issue.
    """
    book = Workbook(write_only=True)
    for style in _styles():
        book.add_named_style(style)
    _cover(book.create_sheet("说明"), department, scope, lines, on)
    _summary(book.create_sheet("汇总"), lines, contracts)
    taken = {"说明", "汇总"}
    for resource, waiting in rows.items():
        title = _title(contracts[resource].table.business_name, taken)
        _rows(book.create_sheet(title), contracts[resource], waiting)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        book.save(file)
    draft.replace(path)


def _styles() -> list[NamedStyle]:
    """Return the styles of cells by name, made once for the whole workbook."""
    line, wrap = Border(bottom=Side("thin", color="D0D7E2")), Alignment(wrap_text=True, vertical="top")
    fills = {"plain": None, "head": "1F4E79", "wrong": "FCE4D6", "quiet": "F2F5F9", "title": None, "name": None}
    fonts = {"head": Font(bold=True, color="FFFFFF"), "title": Font(size=16, bold=True), "name": Font(bold=True)}
    made = []
    for name, colour in fills.items():
        style = NamedStyle(name, font=fonts.get(name, Font()), border=line, alignment=wrap)
        if colour:
            style.fill = PatternFill("solid", fgColor=colour)
        made.append(style)
    return made


def _cover(sheet: WriteOnlyWorksheet, department: str, scope: Scope, lines: Sequence[SummaryLine], on: date) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 18, 92
    waiting = sum(line.open_rows for line in lines if line.kind == "row")
    told = "号码、姓名等个人信息已脱敏" if scope.reader != department else "含个人信息，请按规定保管，用后销毁"
    facts = [
        ("部门", get_department(department).name),
        ("出具日期", on.isoformat()),
        ("待更正", f"{waiting:,} 处（同一行有多处问题的分别计数）"),
        (
            "如何处理",
            "在数源系统中更正后，按原渠道重新报送这些记录；重报后平台自动核验，合格的行自动入库，本清单随之减少。",
        ),
        ("请勿", "不要在本工作簿中改数后回传：平台只接受来自数源系统的报送。"),
        (
            "清单内容",
            "“汇总”为问题分类；其后每个数据资源一张表，底色标出的单元格是有问题的取值，按文件名和行号可在报送文件中找到原行。",
        ),
        ("保密", told),
    ]
    sheet.append([_cell(sheet, "待处置数据清单", "title")])
    sheet.append([])
    for name, text in facts:
        sheet.append([_cell(sheet, name, "name"), _cell(sheet, text)])


def _summary(sheet: WriteOnlyWorksheet, lines: Sequence[SummaryLine], contracts: dict[str, Contract]) -> None:
    widths = (24, 20, 34, 10, 10, 12, 12, 38, 38)
    _set_widths(sheet, widths)
    sheet.freeze_panes = "A2"
    heads = ("数据资源", "信息项", "问题", "待更正", "已关闭", "最早发现", "平均用时（天）", "应填写", "处理建议")
    sheet.append(_heads(sheet, heads))
    for line in lines:
        contract = contracts.get(line.resource)
        words = words_of(line.reason)
        cells = (
            contract.table.business_name if contract else line.resource,
            "整份报送" if line.kind == "delivery" else _business_name(contract, line.column),
            words.zh,
            line.open_rows,
            line.closed_rows,
            line.oldest.date().isoformat() if line.oldest else "",
            round(line.days_to_close, 1) if line.days_to_close is not None else "",
            right_value(contract, line.column) if contract else "",
            words.remedy_zh,
        )
        sheet.append([_cell(sheet, value) for value in cells])


def _rows(sheet: WriteOnlyWorksheet, contract: Contract, waiting: Iterable[WaitingRow]) -> None:
    columns = contract.raw_columns
    _set_widths(sheet, (*WIDTHS, *([18] * len(columns))))
    sheet.freeze_panes = "E2"
    sheet.append(_heads(sheet, (*PLACE_COLUMNS, *(_business_name(contract, c) for c in columns))))
    for row in waiting:
        wrong = {
            contract.item(column).of or column if column in contract.columns else column for column, _ in row.places
        }
        problems = [f"{_business_name(contract, c)}：{words_of(reason).zh}" for c, reason in row.places]
        right = [text for column, _ in row.places if (text := right_value(contract, column))]
        remedies = [words_of(reason).remedy_zh for _, reason in row.places]
        place = [row.batch_id, row.source_file, row.row_number or "", row.record_key]
        words = ["\n".join(dict.fromkeys(texts)) for texts in (problems, right, remedies)]
        cells = [_cell(sheet, value, "quiet") for value in (*place, *words)]
        cells += [_cell(sheet, row.values.get(c, ""), "wrong" if c in wrong else "plain") for c in columns]
        sheet.append(cells)


def _business_name(contract: Contract | None, column: str) -> str:
    if not column or contract is None:
        return "整行"
    return next((p.business_name for p in contract.properties if p.name == column), column)


def _title(name: str, taken: set[str]) -> str:
    """Return a name for a sheet: without the signs that are not allowed, at most 31 characters, used once."""
    plain = re.sub(r"[\[\]:*?/\\]", " ", name)[:28]
    title, number = plain, 2
    while title in taken:
        title, number = f"{plain}{number}", number + 1
    taken.add(title)
    return title


def _set_widths(sheet: WriteOnlyWorksheet, widths: Sequence[int]) -> None:
    from openpyxl.utils import get_column_letter

    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width


def _heads(sheet: WriteOnlyWorksheet, names: Sequence[str]) -> list[WriteOnlyCell]:
    return [_cell(sheet, name, "head") for name in names]


def _cell(sheet: WriteOnlyWorksheet, value: str | int | float, style: str = "plain") -> WriteOnlyCell:
    """Return a cell; a text stays a text, whatever it begins with."""
    text = ILLEGAL_CHARACTERS_RE.sub("", inert(value)) if isinstance(value, str) else value
    cell = WriteOnlyCell(sheet, value=text)
    if isinstance(text, str):
        cell.data_type = "s"
    cell.style = style
    return cell
