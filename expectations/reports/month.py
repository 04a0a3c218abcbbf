"""The monthly workbook of a department (部门质量月报): what it sent, how it was judged, what it mended, what waits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from catalog.control.base import utc_now
from catalog.control.issues import IssueState
from catalog.model.errors import GuantongError
from catalog.model.inert import inert
from catalog.model.right_values import source_field
from catalog.worklist.summary import words_of
from expectations.reports.content import EXAMPLES, DepartmentReport, ResourceReport, Totals
from expectations.reports.document import moment
from expectations.scores.command import percent
from expectations.scores.evidence import Delivered
from expectations.scores.score import quality_of

HEAD = PatternFill("solid", fgColor="1F3A5F")
Row = Sequence[str | int | float | None]
STATUSES = {"accepted": "已接收", "held": "暂扣", "rejected": "已退回"}
VERDICTS = {"warn": "提示", "stop": "阻断"}


def month_of(text: str) -> tuple[int, int]:
    """Return year and month of ``YYYY-MM``.

    Raises:
        GuantongError: when it is no month.

    >>> month_of("2026-03")
    (2026, 3)
    """
    try:
        day = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise GuantongError(f"{text!r} is no month", remedy="write it as 2026-03") from None
    return day.year, day.month


def write_month(report: DepartmentReport, month: str, path: Path) -> None:
    """Write the workbook of one department for one month of business dates, readable by its owner only.

    Args:
        report: the department with all its resources.
        month: ``YYYY-MM``.
        path: the file; its folder is made.

    Raises:
        GuantongError: when ``month`` is none, or nothing was delivered in it.
    """
    chosen = month_of(month)
    sent = {r.contract.id: _of_month(r, chosen) for r in report.resources}
    if not any(sent.values()):
        raise GuantongError(
            f"{report.department.id} delivered nothing in {month}",
            place="register of batches",
            remedy="python -m catalog batches shows what arrived, by business date",
        )
    book = Workbook()
    cover = book.active
    if cover is None:
        cover = book.create_sheet()
    cover.title = "概况"
    _overview(cover, report, month, sent)
    _faults(book.create_sheet("问题"), report, sent)
    _rows(book.create_sheet("待更正行样例"), report)
    _gate(book.create_sheet("质量关口"), report)
    _deliveries(book.create_sheet("报送"), report, sent)
    _indicators(book.create_sheet("指标"), report)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        book.save(file)
    draft.replace(path)


def _of_month(report: ResourceReport, month: tuple[int, int]) -> list[Delivered]:
    return [
        batch
        for batch in report.scored.evidence.deliveries
        if batch.business_date and (batch.business_date.year, batch.business_date.month) == month
    ]


def _overview(sheet: Worksheet, report: DepartmentReport, month: str, sent: dict[str, list[Delivered]]) -> None:
    sheet.append([f"{report.department.name} {month} 数据质量月报"])
    sheet["A1"].font = Font(size=16, bold=True)
    grade = report.score.grade
    sheet.append([f"部门总分 {percent(report.score.overall)}，等级 {grade.name if grade else '不可评价'}"])
    sheet.append(
        [f"按业务日期统计；生成时间 {moment(utc_now())}（北京时间）。总分、待更正、已关闭为生成时的全部情况。"]
    )
    sheet.append([])
    heads = ("数据资源", "报送批次", "收到", "搁置", "退回", "搁置占比", "总分", "等级", "待更正", "已关闭", "暂扣批次",
             "暂扣行数")  # fmt: skip
    rows: list[Row] = []
    for each in report.resources:
        batches = sent[each.contract.id]
        totals = Totals.of(batches)
        received, aside = totals.received, totals.set_aside
        own = each.scored.score.grade
        rows.append(
            (
                each.contract.table.business_name,
                len(batches),
                received,
                aside,
                totals.rejected,
                aside / received if received else None,
                each.scored.score.overall,
                own.name if own else "不可评价",
                each.open_faults,
                each.closed_faults,
                totals.held_deliveries,
                totals.held_rows,
            )
        )
    first = _table(sheet, heads, rows, (30, 10, 12, 10, 10, 12, 10, 8, 10, 10, 10, 10))
    for row in sheet.iter_rows(min_row=first + 1, max_row=first + len(rows)):
        for place in (5, 6):
            row[place].number_format = "0.00%"
    chart = BarChart()
    chart.type, chart.title, chart.height, chart.width = "bar", "各资源总分", 1.5 + 1.1 * len(rows), 18
    chart.add_data(Reference(sheet, min_col=7, min_row=first, max_row=first + len(rows)), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=1, min_row=first + 1, max_row=first + len(rows)))
    chart.legend = None
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, 1
    sheet.add_chart(chart, f"A{first + len(rows) + 3}")


def _faults(sheet: Worksheet, report: DepartmentReport, sent: dict[str, list[Delivered]]) -> None:
    heads = ("数据资源", "信息项", "数源字段", "问题", "本月出现", "其中已关闭", "待更正", "应填写", "处理建议")
    rows: list[Row] = []
    for each in report.resources:
        ids = {batch.batch_id for batch in sent[each.contract.id]}
        groups: dict[tuple[str, str], list[IssueState]] = {}
        for issue in each.scored.evidence.issues:
            if issue.batch_id in ids and issue.standing == "set_aside":
                groups.setdefault((issue.column_name, issue.reason), []).append(issue)
        told = {(f.line.column, f.line.reason): f for f in each.faults}
        for (column, reason), issues in groups.items():
            fault, words = told.get((column, reason)), words_of(reason)
            closed, still = sum(i.closed_rows for i in issues), sum(i.open_rows for i in issues)
            name = fault.column_zh if fault else column
            right = fault.right_zh if fault else ""
            title = each.contract.table.business_name
            field = source_field(each.contract, column)
            rows.append((title, name, field, words.zh, closed + still, closed, still, right, words.remedy_zh))
    rows.sort(key=lambda row: -int(row[6] or 0))
    _table(sheet, heads, rows, (28, 20, 28, 36, 10, 12, 10, 36, 44))


def _rows(sheet: Worksheet, report: DepartmentReport) -> None:
    """Write samples of the rows that wait, of every fault; the whole list is the worklist."""
    sheet.append([f"样例：每个问题最多 {EXAMPLES} 行，不是全部待更正行；全部行见待处置清单。"])
    heads = ("数据资源", "信息项", "问题", "来源文件", "行号", "记录标识", "报送的值", "应填写", "处理建议")
    rows: list[Row] = [
        (
            each.contract.table.business_name, fault.column_zh, fault.words.zh,
            one.file, one.row, one.record, one.value, fault.right_zh, fault.words.remedy_zh,
        )
        for each, fault in report.faults
        for one in fault.examples
    ]  # fmt: skip
    _table(sheet, heads, rows, (28, 20, 36, 30, 8, 24, 26, 36, 44))


def _gate(sheet: Worksheet, report: DepartmentReport) -> None:
    """Write the rules that did not pass at the last check of each table."""
    heads = ("数据资源", "规则", "结论", "不合格", "规则编号")
    rows: list[Row] = [
        (each.contract.table.business_name, str(r["zh"]), VERDICTS[str(r["outcome"])], int(str(r["failed"])),
         str(r["rule_id"]))
        for each in report.resources
        for r in each.rules
    ]  # fmt: skip
    _table(sheet, heads, rows, (28, 60, 10, 10, 60))


def _deliveries(sheet: Worksheet, report: DepartmentReport, sent: dict[str, list[Delivered]]) -> None:
    heads = ("数据资源", "业务日期", "批次", "声明", "收到", "搁置", "退回", "批次得分", "状态", "原因",
             "接收时间（北京时间）")  # fmt: skip
    rows: list[Row] = []
    for each in report.resources:
        for batch in sent[each.contract.id]:
            score = each.scored.batches.get(batch.batch_id)
            day = batch.business_date.isoformat() if batch.business_date else ""
            title = each.contract.table.business_name
            told = percent(score.overall) if score else ""
            counts = (batch.declared, batch.received, batch.set_aside, batch.rejected)
            why = words_of(batch.reason).zh if batch.reason else ""
            status = (STATUSES[batch.status], why, moment(batch.received_at))
            rows.append((title, day, batch.batch_id, *counts, told, *status))
    _table(sheet, heads, rows, (28, 12, 30, 10, 10, 10, 10, 12, 10, 36, 20))


def _indicators(sheet: Worksheet, report: DepartmentReport) -> None:
    heads = ("数据资源", "维度", "指标", "A", "B", "得分", "不可评价的原因")
    rows: list[Row] = []
    for each in report.resources:
        scheme = each.scored.score.scheme
        for dimension in scheme.dimensions:
            for indicator in dimension.indicators:
                measured = each.scored.score.measured[indicator.name]
                why = scheme.not_evaluable[measured.not_evaluable].zh if measured.not_evaluable else ""
                told = percent(quality_of(indicator, measured))
                title = each.contract.table.business_name
                rows.append((title, dimension.name, indicator.name, measured.a, measured.b, told, why))
    _table(sheet, heads, rows, (28, 12, 16, 12, 12, 12, 30))


def _table(sheet: Worksheet, heads: Sequence[str], rows: Sequence[Row], widths: Sequence[int]) -> int:
    """Append a table and return the row of its headings; texts never run as formulas."""
    sheet.append(list(heads))
    first = sheet.max_row
    for cell in sheet[first]:
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), HEAD
    for row in rows:
        sheet.append([inert(value) if isinstance(value, str) else value for value in row])
    for line in sheet.iter_rows(min_row=first, max_row=sheet.max_row):
        for cell in line:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for place, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = f"A{first + 1}"
    return int(first)
