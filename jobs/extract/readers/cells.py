"""Workbook cells as text (单元格转文本): what a person sees in the cell, codes and whole numbers undamaged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

Cell = str | float | bool | date | datetime | time | timedelta | None
Grid = list[list[str | None]]
MergedRange = tuple[tuple[int, int], tuple[int, int]]
EXACT_LIMIT = 1e15
"""Numbers from here on have more digits than a workbook keeps."""


def cell_text(value: Cell) -> str | None:
    """Return a cell as text; an empty cell has none.

    A workbook keeps 15 digits of a number. One that has more comes out as it is shown, in scientific form, so that the
    zeros put in place of the lost digits can never pass for those of a code.

    >>> cell_text(1.0), cell_text(9.15101070549352e17), cell_text(80.2), cell_text("007"), cell_text("")
    ('1', '9.15101070549352E+17', '80.2', '007', None)
    >>> cell_text(datetime(2024, 9, 1)), cell_text(datetime(2024, 9, 1, 10, 30)), cell_text(True)
    ('2024-09-01', '2024-09-01T10:30:00', 'TRUE')
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and abs(value) >= EXACT_LIMIT:
            return format(Decimal(repr(value)), "E")
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    return str(value) if isinstance(value, timedelta) else value.isoformat()


def fill_merged(grid: Grid, ranges: Sequence[MergedRange], below: int) -> int:
    """Give every row of a block merged downwards in one column the block's value; return how many cells were filled.

    Only rows that hold something themselves are filled: a block merged far down must not make records.

    Args:
        grid: the sheet, changed in place.
        ranges: merged blocks as ((first row, first column), (last row, last column)), from 0.
        below: index of the header row; blocks above it are titles.
    """
    filled = 0
    for (top, left), (bottom, right) in ranges:
        if left != right or top <= below or top >= len(grid) or left >= len(grid[top]):
            continue
        for row in grid[top + 1 : bottom + 1]:
            if row[left] is None and grid[top][left] is not None and any(row):
                row[left] = grid[top][left]
                filled += 1
    return filled


def with_merged_header(grid: Grid, ranges: Sequence[MergedRange], index: int) -> list[str | None]:
    """Return a row with the names of cells that are merged downwards into it: the lower row of a header of two."""
    row = list(grid[index])
    for (top, left), (bottom, right) in ranges:
        if left == right < len(row) and top < index == bottom and row[left] is None:
            row[left] = grid[top][left]
    return row
