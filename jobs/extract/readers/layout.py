"""Rows that are no records (非数据行): totals, notes, and header rows repeated among the data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jobs.extract.delivery import DeliveryHeldError
from jobs.extract.header import HeaderMatch, normalise

REPEATED_HEADER, OTHER_HEADER = "REPEATED_HEADER", "OTHER_HEADER"
_NOTE = re.compile(
    r"(本页|全部|全省|全市)?(合计|总计|小计|共计|累计)([:(\d共].*)?\Z"
    r"|(附?注|备注|说明|数据来源|(填表|制表|审核|负责|联系)人|(填表|制表|填报|制作|导出|打印)(单位|日期|时间)|联系电话)\d*[:.、].*",
    re.DOTALL,
)
_BEGINNINGS = frozenset("本全合总小共累附注备说数填制审负联导打")
_AROUND = ' \t\r\n\u3000\u00a0\ufeff"'


def is_note(first: str) -> bool:
    """Tell whether a row whose first filled cell this is carries a total or a note, not a record.

    >>> is_note("合 计"), is_note("总计：12家"), is_note("注：不含分公司")
    (True, True, True)
    >>> is_note("合计通达物流公司"), is_note("说明书印刷厂")
    (False, False)
    """
    return first.lstrip(_AROUND)[:1] in _BEGINNINGS and _NOTE.match(normalise(first)) is not None


class HeaderRows:
    """Recognises header rows below the header: repeated as they were, in other names, or in another order."""

    def __init__(self, match: HeaderMatch, names: dict[str, str]) -> None:
        self._names = names
        self._header = [normalise(cell) for cell in match.cells]
        self._columns = {index: column for column, index in match.positions.items()}
        self._first = {*names, *self._header, *(cell.strip(_AROUND) for cell in match.cells)}
        self._enough = max(2, (len(match.positions) + 1) // 2)

    def judge(self, first: str, cells: Sequence[str | None]) -> str:
        """Return REPEATED_HEADER for the same header again, OTHER_HEADER for one of other columns, else nothing.

        Args:
            first: the first filled cell of the row.
            cells: the row.
        """
        if first.strip(_AROUND) not in self._first:
            return ""
        given = [normalise(cell or "").strip('"') for cell in cells]
        while given and not given[-1]:
            given.pop()
        if given == self._header:
            return REPEATED_HEADER
        if sum(name in self._names for name in given) < self._enough:
            return ""
        is_same = len(given) == len(self._header) and all(
            name == self._header[index] or self._names.get(name, name) == self._columns.get(index)
            for index, name in enumerate(given)
        )
        return REPEATED_HEADER if is_same else OTHER_HEADER


def other_header(place: str, rows: int) -> DeliveryHeldError:
    """Return why a file is held in which the columns change on the way: rows below would land in wrong columns."""
    return DeliveryHeldError(
        "STRUCTURE_INVALID",
        "a second header names other columns, or the same in another order",
        place=place,
        remedy="several lists were put into one file: ask the department for one file per list",
        rows=rows,
    )
