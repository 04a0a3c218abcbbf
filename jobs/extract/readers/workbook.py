"""Workbooks, XLS and XLSX (电子表格): title rows, merged cells, section rows and notes told from records."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from catalog.model.contract import Contract
from jobs.extract.delivery import DeliveryHeldError, Note, Reading, Rejection
from jobs.extract.header import HeaderMatch, check_header, match_header, normalise
from jobs.extract.readers.cells import Grid, cell_text, fill_merged
from jobs.extract.rows import RowSink

TITLE_ROWS = 50
"""How far down a header row is looked for."""
UNPACKED_LIMIT = 1 << 30
"""Bytes that a workbook may unpack to."""
_TOTALS = ("合计", "总计", "小计", "共计", "注:", "备注:", "说明:", "填表", "制表", "审核人", "数据来源")

Cells = list[str | None]


@dataclass
class Block:
    """The header of one sheet and the rows below it."""

    name: str
    match: HeaderMatch
    header_row: int
    body: Grid
    offset: int
    """Added to row numbers, so that those of a second sheet continue after the first."""


def read_workbook(path: Path, section_column: str | None, sink: RowSink, place: str) -> Reading:
    """Read every sheet that carries the contract's header; row numbers are the sheet's.

    Args:
        path: the file.
        section_column: contract column that takes the text of section rows, such as a province over its schools.
        sink: where the rows go.
        place: the file's name in messages.

    Raises:
        DeliveryHeldError: STRUCTURE_INVALID, or what the header is held for.
    """
    reading = Reading()
    blocks = _find_blocks(_open(path, place), sink.contract, reading, place)
    for block in blocks:
        rows = len(block.body)
        reading.header = reading.header or list(block.match.cells)
        reading.notes += check_header(block.match, sink.contract, f"{place}, sheet {block.name}", rows)
    for block in blocks:
        _read_block(block, section_column, sink, reading)
    reading.accepted = sink.rows
    return reading


def _open(path: Path, place: str) -> CalamineWorkbook:
    data = path.read_bytes()
    remedy = "ask the department to save it as a plain workbook without a password and to send it again"
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
            if unpacked > UNPACKED_LIMIT:
                message = f"the workbook unpacks to {unpacked:,} bytes, the limit is {UNPACKED_LIMIT:,}"
                raise DeliveryHeldError("STRUCTURE_INVALID", message, place=place, remedy=remedy)
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        message = f"not a readable workbook ({type(error).__name__}: {error})"
        raise DeliveryHeldError("STRUCTURE_INVALID", message, place=place, remedy=remedy) from error


def _find_blocks(workbook: CalamineWorkbook, contract: Contract, reading: Reading, place: str) -> list[Block]:
    """Return the sheets with the contract's header; other sheets with content are noted."""
    blocks: list[Block] = []
    nearest: HeaderMatch | None = None
    offset = 0
    for sheet_information in workbook.sheets_metadata:
        if sheet_information.typ != SheetTypeEnum.WorkSheet:
            continue
        sheet = workbook.get_sheet_by_name(sheet_information.name)
        grid = _grid(sheet)
        found = _find_header(grid, contract)
        if found is not None and _is_whole(found[1]):
            blocks.append(_block(sheet, grid, found, offset, reading, place))
            offset += len(grid)
        elif grid:
            nearest = nearest or (found[1] if found else None)
            reading.notes.append(Note("SHEET_IGNORED", f"{place}, sheet {sheet_information.name}", {"rows": len(grid)}))
    if not blocks:
        if nearest is not None:
            check_header(nearest, contract, place)
        raise DeliveryHeldError(
            "COLUMN_MISSING",
            f"no sheet has a header row with the columns of {contract.id} in its first {TITLE_ROWS} rows",
            place=place,
            remedy="ask the department for the agreed form, or add the new names under government.items.<column>.from",
        )
    return blocks


def _grid(sheet: CalamineSheet) -> Grid:
    rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _find_header(grid: Grid, contract: Contract) -> tuple[int, HeaderMatch] | None:
    """Return the row that is the header, or the one that comes nearest to it."""
    best: tuple[int, HeaderMatch] | None = None
    for index, row in enumerate(grid[:TITLE_ROWS]):
        match = match_header(_trimmed(row), contract)
        if match.positions and _is_whole(match):
            return index, match
        if len(match.positions) >= 2 and (best is None or len(match.positions) > len(best[1].positions)):
            best = (index, match)
    return best


def _is_whole(match: HeaderMatch) -> bool:
    return not match.missing


def _trimmed(row: Cells) -> list[str]:
    cells = [cell or "" for cell in row]
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _block(
    sheet: CalamineSheet, grid: Grid, found: tuple[int, HeaderMatch], offset: int, reading: Reading, place: str
) -> Block:
    header_row, match = found
    where = f"{place}, sheet {sheet.name}"
    filled = fill_merged(grid, sheet.merged_cell_ranges or [], header_row)
    if filled:
        reading.notes.append(Note("MERGED_CELLS_FILLED", where, count=filled))
    reading.skipped["title"] = reading.skipped.get("title", 0) + header_row
    return Block(sheet.name, match, header_row, grid[header_row + 1 :], offset)


def _read_block(block: Block, section_column: str | None, sink: RowSink, reading: Reading) -> None:
    width = len(block.match.cells)
    header = [normalise(cell) for cell in block.match.cells]
    last_record = _last_record(block.body, width)
    section: str | None = None
    numbers: list[int] = []
    rows: list[Cells] = []
    sections: list[str | None] = []
    for index, row in enumerate(block.body):
        number = block.offset + block.header_row + 2 + index
        filled = [cell for cell in row if cell and cell.strip()]
        if section_column and len(filled) == 1 and row[0] and width > 1 and index < last_record:
            section = row[0].strip()
            reading.skipped["section"] = reading.skipped.get("section", 0) + 1
            continue
        code, detail = _refusal(row, filled, width, header, after_records=index > last_record)
        if code:
            reading.rejected.append(Rejection(number, code, detail))
            continue
        numbers.append(number)
        rows.append((row + [None] * width)[:width])
        sections.append(section)
    columns: dict[str, Sequence[str | None]] = {
        name: [row[at] for row in rows] for name, at in block.match.positions.items()
    }
    if section_column:
        columns[section_column] = sections
    sink.add(numbers, columns)


def _refusal(
    row: Cells, filled: Sequence[str], width: int, header: list[str], *, after_records: bool
) -> tuple[str, str]:
    """Return why a row is no record, with a detail; empty when it is one."""
    if not filled:
        return "BLANK_ROW", ""
    if any(cell and cell.strip() for cell in row[width:]):
        return "ROW_RAGGED", f"a value beside the {width} columns of the header"
    if [normalise(cell or "") for cell in row[:width]] == header:
        return "REPEATED_HEADER", ""
    is_note = normalise(filled[0]).startswith(_TOTALS)
    if width > 1 and (is_note or (after_records and len(filled) == 1)):
        return "NOTE_ROW", ""
    return "", ""


def _last_record(body: Grid, width: int) -> int:
    """Return the index of the last row that can be a record: more than one cell filled, and no total or note."""
    for index in range(len(body) - 1, -1, -1):
        filled = [cell for cell in body[index][:width] if cell and cell.strip()]
        if (len(filled) > 1 or width == 1) and filled and not normalise(filled[0]).startswith(_TOTALS):
            return index
    return -1
