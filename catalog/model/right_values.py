"""What a right value of a column looks like (正确值说明), in words for the department that mends it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from catalog.model.codes import load_code_list
from catalog.model.contract import Contract
from catalog.model.settings import CHECKOUT
from catalog.model.source import FileSource, RestSource

RIGHT_VALUES = CHECKOUT / "catalog" / "quality" / "right_values.yml"
MOST_CODES = 12
"""Codes of a list that are named; longer lists are named by themselves."""


@lru_cache
def _known(path: Path = RIGHT_VALUES) -> dict[str, dict[str, str]]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def right_value(contract: Contract, column: str, language: str = "zh") -> str:
    """Return what a value of ``column`` should be; empty where any text is right.

    Args:
        contract: the resource.
        column: one of its columns; an empty name stands for the whole row.
        language: `zh` or `en`.
    """
    if column not in contract.columns:
        return ""
    code_list = contract.item(column).code_list
    if code_list:
        return _codes(code_list, language)
    words = _known().get(contract.item(column).standard)
    if words is None:
        return ""
    joined = "，例如 " if language == "zh" else ", such as "
    return f"{words[language]}{joined}{words['example']}"


def source_field(contract: Contract, column: str) -> str:
    """Return what the source itself calls a column, and where: its table, file or interface; names only, no values.

    Args:
        contract: the resource.
        column: one of its columns; an empty name stands for the whole row.
    """
    source = contract.source
    form = source.pattern if isinstance(source, FileSource) else source.path if isinstance(source, RestSource) else (
        source.table
    )  # fmt: skip
    if column not in contract.columns:
        return form
    raw = contract.item(column).of or column
    names = (contract.item(raw).source_names if raw in contract.columns else []) or [raw]
    return f"{form} · {' / '.join(names)}"


def _codes(name: str, language: str) -> str:
    codes = load_code_list(name)
    known = [f"{line.code} {line.name}" for line in codes.codes if line.kind == "canonical" and not line.valid_to]
    if len(known) > MOST_CODES:
        return (
            f"代码集 {name} 中的代码（共 {len(known)} 个）"
            if language == "zh"
            else f"one of {len(known)} codes of {name}"
        )
    return ("；" if language == "zh" else "; ").join(known)
