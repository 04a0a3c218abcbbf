"""The catalogue as the workbook of 发改高技〔2017〕1272号 (目录编制模板): written, and read back with an error per row.

One row is one data item; what belongs to the entry is repeated on each of its rows. Texts that a spreadsheet would
run as a formula are written with an apostrophe before them, which reading takes away again.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from python_calamine import CalamineError, CalamineWorkbook

from catalog.formats.package import Limits, check_package
from catalog.formats.sheet_area import UnsafePackageError
from catalog.model.catalogue_entry import FORMATS, MODES, SHARE_TYPES, UPDATE_CYCLES, Entry, EntryError, read_entry
from catalog.model.departments import load_departments
from catalog.model.errors import GuantongError
from catalog.model.exchange_types import TYPE_NAMES

SHEET = "政务信息资源目录"
CODE, NAME, ABSTRACT = "信息资源代码", "信息资源名称", "信息资源摘要"
PROVIDER, USCC = "信息资源提供方", "提供方代码"
ITEM, COLUMN, TYPE, LENGTH = "信息项名称", "信息项标识", "数据类型", "数据长度"
ITEM_SHARE, ITEM_CONDITION, ITEM_OPEN, ITEM_CYCLE = "共享类型", "共享条件", "是否向社会开放", "更新周期"
HEADINGS = (
    "类", "项", "目", "细目", CODE, NAME, ABSTRACT, PROVIDER, USCC, "信息资源格式分类", "信息资源格式类型",
    ITEM, COLUMN, "数据元", TYPE, LENGTH, ITEM_SHARE, ITEM_CONDITION, "共享方式分类", ITEM_OPEN, "开放条件",
    ITEM_CYCLE, "发布日期", "关联资源代码", "数据分类", "敏感级别", "使用条件", "资源共享类型", "资源共享条件",
)  # fmt: skip
"""Columns of the guide, then what later rules and this platform add; the first four follow from the code."""
LARGEST_BYTES = 20 * 1024 * 1024
LIMITS = Limits(unpacked=20 * LARGEST_BYTES, rows=100_000, cells=4_000_000)
"""What a catalogue may hold; blank rows and cells between filled ones count, since a library lays them out."""
_LETTERS = {**{name: letter for letter, name in TYPE_NAMES.items()}, "通用型": "G", "双精度型": "B", "浮点型": "F"}
_NAMES = {letter: name for name, letter in _LETTERS.items()}
_DAMAGES = (CalamineError, zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, NotImplementedError)
"""What the libraries raise on a damaged file."""
_RUNS = ("=", "+", "-", "@", "\t", "\r")


class WorkbookError(GuantongError):
    """The file is no workbook of the guide."""

    code = "WORKBOOK_INVALID"


@dataclass(frozen=True)
class RowError:
    """What is wrong on one row of the sheet."""

    row: int
    """As the spreadsheet counts."""
    code: str
    message: str


@dataclass(frozen=True)
class Imported:
    """What a workbook holds: entries that are whole, and what is wrong with the others, by row."""

    entries: tuple[Entry, ...]
    errors: tuple[RowError, ...]


def write_workbook(entries: Iterable[tuple[Entry, date | None]]) -> bytes:
    """Return the workbook of entries with their days of publication."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, heading) for heading in HEADINGS])
    for entry, day in entries:
        for line in _lines(entry, day):
            sheet.append([_safe(line.get(heading)) for heading in HEADINGS])
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read_workbook(content: bytes) -> Imported:
    """Return the entries of a workbook; an entry with a wrong row is left out whole, and every wrong row is named.

    Raises:
        WorkbookError: it is no workbook, too large, or lacks the sheet or headings.
    """
    rows = _rows(content)
    headings = [_text(value) for value in next(rows, ())]
    missing = [heading for heading in (CODE, NAME, PROVIDER, ITEM, TYPE, ITEM_SHARE) if heading not in headings]
    if missing:
        raise WorkbookError(f"headings missing: {'、'.join(missing)}", place=SHEET, remedy="export one as a pattern")
    groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
    errors: list[RowError] = []
    for number, values in enumerate(rows, start=2):
        row = {heading: _text(value) for heading, value in zip(headings, values, strict=False) if heading}
        if not any(row.values()):
            continue
        if row.get(CODE):
            groups.setdefault(row[CODE], []).append((number, row))
        else:
            errors.append(RowError(number, "", f"{CODE}为空"))
    entries = []
    for code, lines in groups.items():
        try:
            entries.append(_entry(code, lines))
        except _RowsWrongError as error:
            errors += error.found
    return Imported(tuple(entries), tuple(sorted(errors, key=lambda one: one.row)))


class _RowsWrongError(Exception):
    def __init__(self, found: list[RowError]) -> None:
        super().__init__(str(found))
        self.found = found


def _lines(entry: Entry, day: date | None) -> Iterable[dict[str, Any]]:
    department = load_departments().get(entry.provider)
    head, _, _ = entry.code.partition("/")
    shared = {
        "类": head[:1], "项": head[1:3], "目": head[3:6], "细目": head[6:],
        CODE: entry.code, NAME: entry.name, ABSTRACT: entry.abstract,
        PROVIDER: department.name if department else entry.provider, USCC: entry.provider_uscc,
        "信息资源格式分类": FORMATS[entry.format], "信息资源格式类型": entry.concrete_format,
        "共享方式分类": "、".join(MODES[mode] for mode in entry.modes), "发布日期": day.isoformat() if day else "",
        "关联资源代码": "、".join(entry.related_codes), "数据分类": entry.data_class, "敏感级别": entry.grade,
        "使用条件": entry.use_conditions, "资源共享类型": SHARE_TYPES[entry.share_type],
        "资源共享条件": _condition(entry.share_type, entry.condition, entry.legal_citation),
    }  # fmt: skip
    for item in entry.items:
        yield {
            **shared,
            ITEM: item.business_name, COLUMN: item.name, "数据元": item.element, TYPE: _NAMES[item.data_type],
            LENGTH: f"{item.length},{item.decimals}" if item.length and item.decimals else item.length,
            ITEM_SHARE: SHARE_TYPES[item.share_type],
            ITEM_CONDITION: _condition(item.share_type, item.condition, item.legal_citation),
            ITEM_OPEN: "是" if item.is_open else "否", "开放条件": item.open_condition,
            ITEM_CYCLE: UPDATE_CYCLES[item.update_cycle],
        }  # fmt: skip


def _entry(code: str, lines: Sequence[tuple[int, Mapping[str, str]]]) -> Entry:
    """Return the entry of its rows.

    Raises:
        _RowsWrongError: naming each row that is wrong; what concerns the entry is named on its first row.
    """
    first_number, first = lines[0]
    wrong = [
        RowError(number, code, f"{heading}与第{first_number}行不同")
        for number, row in lines[1:]
        for heading in (NAME, PROVIDER, USCC)
        if row.get(heading, "") != first.get(heading, "")
    ]
    items = []
    for number, row in lines:
        try:
            items.append(_item(row))
        except ValueError as error:
            wrong.append(RowError(number, code, str(error)))
    try:
        document = _head(code, first)
    except ValueError as error:
        wrong.append(RowError(first_number, code, str(error)))
    if wrong:
        raise _RowsWrongError(wrong)
    try:
        return read_entry({**document, "items": items})
    except EntryError as error:
        raise _RowsWrongError([RowError(first_number, code, str(error.args[0]))]) from error


def _head(code: str, row: Mapping[str, str]) -> dict[str, Any]:
    provider = row.get(PROVIDER, "")
    known = {name: one.id for one in load_departments().values() for name in (one.id, one.name)}
    if provider not in known:
        raise ValueError(f"{PROVIDER}未登记：{provider or '空'}")
    share = _choice("资源共享类型", row.get("资源共享类型") or row.get(ITEM_SHARE, ""), SHARE_TYPES)
    condition = row.get("资源共享条件") or row.get(ITEM_CONDITION, "")
    return {
        "code": code,
        "name": row.get(NAME, ""),
        "abstract": row.get(ABSTRACT) or row.get(NAME, ""),
        "provider": known[provider],
        "provider_uscc": row.get(USCC) or load_departments()[known[provider]].uscc,
        "format": _choice("信息资源格式分类", row.get("信息资源格式分类") or "数据库", FORMATS),
        "concrete_format": row.get("信息资源格式类型", ""),
        "modes": [_choice("共享方式分类", mode, MODES) for mode in _split(row.get("共享方式分类") or "数据库")],
        "related_codes": _split(row.get("关联资源代码", "")),
        "data_class": row.get("数据分类", ""),
        "grade": int(row["敏感级别"]) if row.get("敏感级别", "").isdigit() else 2,
        "use_conditions": row.get("使用条件", ""),
        "update_cycle": _choice(ITEM_CYCLE, row.get(ITEM_CYCLE) or "每日", UPDATE_CYCLES),
        "share_type": share,
        **_reasons(share, condition),
    }


def _item(row: Mapping[str, str]) -> dict[str, Any]:
    share = _choice(ITEM_SHARE, row.get(ITEM_SHARE, ""), SHARE_TYPES)
    letter = _LETTERS.get(row.get(TYPE, ""), row.get(TYPE, ""))
    if letter not in _NAMES:
        raise ValueError(f"{TYPE}不在标准内：{row.get(TYPE) or '空'}")
    length, _, decimals = row.get(LENGTH, "").partition(",")
    if (length and not length.isdigit()) or (decimals and not decimals.isdigit()):
        raise ValueError(f"{LENGTH}不是数字：{row[LENGTH]}")
    if not row.get(ITEM):
        raise ValueError(f"{ITEM}为空")
    if share != "unconditional" and not row.get(ITEM_CONDITION):
        raise ValueError(f"{row[ITEM_SHARE]}须写明{'法律依据' if share == 'refused' else ITEM_CONDITION}")
    return {
        "name": row.get(COLUMN) or row[ITEM],
        "business_name": row[ITEM],
        "element": row.get("数据元") or None,
        "data_type": letter,
        "length": int(length) if length else None,
        "decimals": int(decimals) if decimals else 0,
        "share_type": share,
        "is_open": row.get(ITEM_OPEN, "") == "是",
        "open_condition": row.get("开放条件", ""),
        "update_cycle": _choice(ITEM_CYCLE, row.get(ITEM_CYCLE) or "每日", UPDATE_CYCLES),
        **_reasons(share, row.get(ITEM_CONDITION, "")),
    }


def _choice(heading: str, value: str, words: Mapping[Any, str]) -> str:
    for key, word in words.items():
        if value in (word, key):
            return str(key)
    raise ValueError(f"{heading}不在标准内：{value or '空'}（{'、'.join(words.values())}）")


def _reasons(share: str, condition: str) -> dict[str, str]:
    if share == "refused":
        return {"legal_citation": condition}
    return {"condition": "" if share == "unconditional" else condition}


def _condition(share: str, condition: str, citation: str) -> str:
    return {"unconditional": "无条件", "refused": citation}.get(share, condition)


def _split(text: str) -> list[str]:
    return [part for part in text.replace(",", "、").replace("，", "、").split("、") if part]


def _rows(content: bytes) -> Iterator[Sequence[object]]:
    """Return the rows of the sheet, which was measured before it is laid out.

    Raises:
        WorkbookError: too large, damaged, or without the sheet.
    """
    if len(content) > LARGEST_BYTES:
        raise WorkbookError(f"larger than {LARGEST_BYTES} bytes", remedy="deliver it in parts")
    try:
        check_package(content, LIMITS)
        with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            if SHEET not in book.sheet_names:
                raise WorkbookError(f"no sheet {SHEET}", remedy="export one as a pattern")
            return iter(book.get_sheet_by_name(SHEET).to_python(skip_empty_area=False))
    except UnsafePackageError as error:
        raise WorkbookError(str(error), remedy="save it again as .xlsx, or deliver it in parts") from error
    except _DAMAGES as error:
        raise WorkbookError("it is no sound .xlsx workbook", remedy="save it again as .xlsx") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise WorkbookError("it is no sound .xlsx workbook", remedy="save it again as .xlsx") from error


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_RUNS) else text


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(_RUNS):
        return f"'{value}"
    return value


def _bold(sheet: Any, heading: str) -> Any:  # noqa: ANN401 - cells of openpyxl have no types
    cell = WriteOnlyCell(sheet, value=heading)
    cell.font = Font(bold=True)
    return cell
