"""Reason codes (原因码): what each says to people, in Chinese and English, and what to do about it.

The texts are data, in ``catalog/reasons``: one text for a way of failing that several identifiers share.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.model.errors import ContractError
from catalog.model.settings import CHECKOUT

REASONS = CHECKOUT / "catalog" / "reasons"


class Reason(BaseModel):
    """One reason code in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@lru_cache
def load_reasons(folder: Path = REASONS) -> dict[str, Reason]:
    """Return reason code → its texts, from all files of ``folder``.

    Raises:
        ContractError: when a text lacks a part, or two stand for one code.
    """
    found: dict[str, Reason] = {}
    for path in sorted(folder.glob("*.yml")):
        for reason in _read(path):
            if reason.code in found:
                raise ContractError(f"{reason.code} stands twice", place=str(path), remedy="keep one of the texts")
            found[reason.code] = reason
    return found


def reason_of(code: str) -> Reason:
    """Return the texts of ``code``.

    Raises:
        LookupError: when there are none, which a test rules out for the codes of identifiers.

    >>> reason_of("USCC_SPREADSHEET").remedy_en[:24]
    'the last digits are gone'
    """
    try:
        return load_reasons()[code]
    except KeyError:
        raise LookupError(f"reason code {code} has no text in {REASONS.name}/") from None


def _read(path: Path) -> list[Reason]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        subjects, kinds = content.get("identifiers", {}), content.get("kinds", {})
        shared = [
            Reason(code=f"{prefix}_{kind}", **_filled(text, subjects[prefix]))
            for kind, text in kinds.items()
            for prefix in text["of"]
        ]
        return shared + [Reason(code=code, **text) for code, text in content.get("codes", {}).items()]
    except (yaml.YAMLError, ValidationError, KeyError, AttributeError) as error:
        raise ContractError(
            f"the reasons cannot be read: {error}", place=str(path), remedy="give each zh, en, remedy_zh and remedy_en"
        ) from error


def _filled(text: dict[str, Any], subject: dict[str, str]) -> dict[str, str]:
    return {key: value.format(**subject) for key, value in text.items() if key != "of"}
