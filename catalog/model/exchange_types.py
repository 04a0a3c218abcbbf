"""Data type and length of an item in the catalogue (信息项的数据类型、长度), after 发改高技〔2017〕1272号."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from catalog.model.element import Element

TypeLetter = Literal["C", "N", "Y", "D", "T", "L", "M", "I"]
TYPE_NAMES: dict[TypeLetter, str] = {
    "C": "字符型", "N": "数值型", "Y": "货币型", "D": "日期型", "T": "日期时间型",
    "L": "逻辑型", "M": "备注型", "I": "整型",
}  # fmt: skip
"""The letters that elements lead to; the guide's G 通用, B 双精度 and F 浮点 have no exact form and are never used."""
_LETTERS: dict[str, TypeLetter] = {
    "date": "D", "instant": "T", "indicator": "L", "serial_number": "I", "quantity": "I", "number": "N", "amount": "Y",
}  # fmt: skip


@dataclass(frozen=True)
class ExchangeType:
    """Data type and length as the catalogue lists them; its text is ``C(18)``, ``N(10,2)`` or ``M``."""

    letter: TypeLetter
    length: int | None
    """Most characters or digits; None for 备注型, which states none."""
    decimals: int = 0

    @property
    def name(self) -> str:
        """The type's Chinese name."""
        return TYPE_NAMES[self.letter]

    def __str__(self) -> str:
        """Return letter and length."""
        if self.length is None:
            return self.letter
        return f"{self.letter}({self.length},{self.decimals})" if self.decimals else f"{self.letter}({self.length})"


def exchange_type(element: Element) -> ExchangeType:
    """Return the catalogue's data type and length of a data element.

    >>> from datetime import date
    >>> from catalog.model.elements import load_elements
    >>> types = load_elements()
    >>> day = date(2026, 3, 1)
    >>> [str(exchange_type(types.on(name, day))) for name in ("citizen_id", "birth_date", "registered_capital_amount")]
    ['C(18)', 'D(8)', 'Y(20,4)']
    >>> [str(exchange_type(types.on(name, day))) for name in ("is_insured", "insured_count", "business_scope")]
    ['L(1)', 'I(8)', 'M']
    """
    form = element.form
    letter = _LETTERS.get(element.representation, "M" if form.longest is None else "C")
    return ExchangeType(letter, form.longest, form.decimals)
