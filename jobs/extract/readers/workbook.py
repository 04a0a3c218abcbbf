"""Workbooks, XLS and XLSX (电子表格): title rows, merged cells, section rows and notes told from records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.model.contract import Contract
from jobs.extract.delivery import DeliveryHeldError, Note, Reading, Rejection
from jobs.extract.header import HeaderMatch, check_header, match_header, names_of
from jobs.extract.readers.cells import Grid, fill_merged, with_merged_header
from jobs.extract.readers.grids import SheetGrid, read_grids
from jobs.extract.readers.layout import OTHER_HEADER, HeaderRows, is_note, other_header
from jobs.extract.rows import RowSink

TITLE_ROWS = 50
"""How far down a header row is looked for."""
TEXT_LIMIT = 32_767
"""Characters that a spreadsheet keeps in one cell; a text of exactly so many was cut off."""

Cells = list[str | None]


@dataclass
class Block:
    """The header of one sheet and the rows below it."""

    sheet: SheetGrid
    match: HeaderMatch
    header_row: int
    offset: int
    """Added to row numbers, so that those of a second sheet continue after the first."""

    @property
    def body(self) -> Grid:
        """Return the rows below the header."""
        return self.sheet.grid[self.header_row + 1 :]


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
    sheets = read_grids(path, place)
    if not sheets:
        return reading
    blocks = _find_blocks(sheets, sink.contract, reading, place)
    for block in blocks:
        rows = len(block.body)
        reading.header = reading.header or list(block.match.cells)
        reading.notes += check_header(block.match, sink.contract, f"{place}, sheet {block.sheet.name}", rows)
    for block in blocks:
        _read_block(block, section_column, sink, reading, f"{place}, sheet {block.sheet.name}")
    reading.accepted = sink.rows
    return reading


def _find_blocks(sheets: Sequence[SheetGrid], contract: Contract, reading: Reading, place: str) -> list[Block]:
    """Return the sheets with the contract's header; other sheets with content are noted."""
    blocks: list[Block] = []
    nearest: HeaderMatch | None = None
    offset = 0
    for sheet in sheets:
        where = f"{place}, sheet {sheet.name}"
        found = _find_header(sheet, contract)
        if found is not None and not found[1].missing:
            _refuse_doubtful(sheet, found, where)
            blocks.append(_block(sheet, found, offset, reading, where))
            offset += len(sheet.grid)
        elif sheet.grid:
            nearest = nearest or (found[1] if found else None)
            reading.notes.append(Note("SHEET_IGNORED", where, {"rows": len(sheet.grid)}))
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


def _find_header(sheet: SheetGrid, contract: Contract) -> tuple[int, HeaderMatch] | None:
    """Return the row that is the header, or the one that comes nearest to it."""
    best: tuple[int, HeaderMatch] | None = None
    for index in range(min(len(sheet.grid), TITLE_ROWS)):
        match = match_header(_trimmed(with_merged_header(sheet.grid, sheet.merged, index)), contract)
        if match.positions and not match.missing:
            return index, match
        if len(match.positions) >= 2 and (best is None or len(match.positions) > len(best[1].positions)):
            best = (index, match)
    return best


def _trimmed(row: Cells) -> list[str]:
    cells = [cell or "" for cell in row]
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _refuse_doubtful(sheet: SheetGrid, found: tuple[int, HeaderMatch], where: str) -> None:
    """Refuse a sheet of which a person must say whether, or from where on, its rows belong to the delivery."""
    header_row, match = found
    rows = len(sheet.grid) - header_row - 1
    width = len(match.cells)
    full = [index for index, row in enumerate(sheet.grid[:header_row]) if sum(map(bool, row)) >= width > 2]
    message = remedy = ""
    if sheet.is_hidden:
        message = f"the hidden sheet {sheet.name} has the agreed header and {rows} rows below it"
        remedy = "ask the department whether they belong to the delivery, and for a workbook without hidden sheets"
    elif full:
        message = f"row {full[0] + 1} above the header in row {header_row + 1} is filled like a record"
        remedy = "ask the department for the list with its header on top and nothing but a title above"
    if message:
        place = where if sheet.is_hidden else f"{where}, row {full[0] + 1}"
        raise DeliveryHeldError("STRUCTURE_INVALID", message, place=place, remedy=remedy, rows=rows + len(full))


def _block(sheet: SheetGrid, found: tuple[int, HeaderMatch], offset: int, reading: Reading, where: str) -> Block:
    header_row, match = found
    filled = fill_merged(sheet.grid, sheet.merged, header_row)
    if filled:
        reading.notes.append(Note("MERGED_CELLS_FILLED", where, count=filled))
    full_cells = [
        f"row {number}" for number, row in enumerate(sheet.grid, 1) if any(len(c) == TEXT_LIMIT for c in row if c)
    ]
    if full_cells:
        reading.notes.append(Note("TEXT_CUT_OFF", where, {"rows": full_cells[:20]}, len(full_cells)))
    reading.skipped["title"] = reading.skipped.get("title", 0) + header_row
    return Block(sheet, match, header_row, offset)


def _read_block(block: Block, section_column: str | None, sink: RowSink, reading: Reading, where: str) -> None:
    width = len(block.match.cells)
    headers = HeaderRows(block.match, names_of(sink.contract))
    last_record = _last_record(block.body, width)
    section: str | None = None
    numbers: list[int] = []
    rows: list[Cells] = []
    sections: list[str | None] = []
    for index, row in enumerate(block.body):
        own_number = block.header_row + 2 + index
        filled = [cell for cell in row if cell and cell.strip()]
        if section_column and width > 1 and index < last_record and _is_section(row, filled):
            section = filled[0].strip()
            reading.skipped["section"] = reading.skipped.get("section", 0) + 1
            continue
        code, detail = "CELL_WITHOUT_VALUE", _empty_cells(block, own_number)
        if not detail:
            code, detail = _refusal(row, filled, width, headers, after_records=index > last_record)
        if code == OTHER_HEADER:
            raise other_header(f"{where}, row {own_number}", len(block.body))
        if code:
            beside = f"sheet {block.sheet.name}, row {own_number}" if block.offset else ""
            detail = ": ".join(part for part in (beside, detail) if part)
            reading.rejected.append(Rejection(block.offset + own_number, code, detail))
            continue
        numbers.append(block.offset + own_number)
        rows.append((row + [None] * width)[:width])
        sections.append(section)
    columns: dict[str, Sequence[str | None]] = {
        name: [row[at] for row in rows] for name, at in block.match.positions.items()
    }
    if section_column:
        columns[section_column] = sections
    sink.add(numbers, columns)


def _is_section(row: Cells, filled: Sequence[str]) -> bool:
    """Tell whether a row names what the rows below belong to: one text in the first cell, no number and no total."""
    return len(filled) == 1 and bool(row[0]) and not filled[0].strip().isdecimal() and not is_note(filled[0])


def _empty_cells(block: Block, number: int) -> str:
    """Return which cells of the contract's columns would come out empty though they are not."""
    faults = block.sheet.faults.get(number - 1, {})
    named = set(block.match.positions.values())
    return "; ".join(what for column, what in sorted(faults.items()) if column in named)


def _refusal(
    row: Cells, filled: Sequence[str], width: int, headers: HeaderRows, *, after_records: bool
) -> tuple[str, str]:
    """Return why a row is no record, with a detail; empty when it is one."""
    if not filled:
        return "BLANK_ROW", ""
    kind = headers.judge(filled[0], row)
    if kind:
        return kind, ""
    if width > 1 and (is_note(filled[0]) or (after_records and len(filled) == 1)):
        return "NOTE_ROW", ""
    if any(cell and cell.strip() for cell in row[width:]):
        return "ROW_RAGGED", f"a value beside the {width} columns of the header"
    return "", ""


def _last_record(body: Grid, width: int) -> int:
    """Return the index of the last row that can be a record: more than one cell filled, and no total or note."""
    for index in range(len(body) - 1, -1, -1):
        filled = [cell for cell in body[index][:width] if cell and cell.strip()]
        if (len(filled) > 1 or width == 1) and filled and not is_note(filled[0]):
            return index
    return -1
