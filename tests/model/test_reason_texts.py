"""Every reason code that the stages write has its words: what is wrong, and what a department does about it."""

import re
from pathlib import Path

from catalog.model.reasons import load_reasons
from catalog.model.settings import CHECKOUT

NO_REASONS = {
    "ALREADY_RUNNING", "BATCH_NOT_REPLAYABLE", "INPUTS_MISSING", "NO_FEED", "CITIZEN_ID", "LICENCE_ID",
    "LINKAGE_LIST", "LINKAGE_MODEL", "LINKAGE_TRAINING", "ORGANISATION_CODE", "REGISTRATION_NUMBER",
    "RULES_BY_HEADING", "SOURCE_ADDRESS_INVALID", "SOURCE_TIME",
}  # fmt: skip
"""Codes of errors, prefixes of identifiers and names of constants, none of which stands on a row or delivery."""
_CODE = re.compile(r'"([A-Z]{2,}(?:_[A-Z0-9]+)+)"')


def written_codes() -> set[str]:
    folders = [CHECKOUT / "jobs" / name for name in ("extract", "conform", "reconcile", "runtime/standards")]
    files: list[Path] = [path for folder in folders for path in folder.rglob("*.py")]
    files.append(CHECKOUT / "catalog" / "control" / "unusual.py")
    return {code for path in files for code in _CODE.findall(path.read_text(encoding="utf-8"))} - NO_REASONS


def test_every_code_has_its_words():
    codes = written_codes()
    assert {"CODE_UNKNOWN", "DATE_FORMAT", "SHORT_DELIVERY", "VOLUME_UNUSUAL"} <= codes and len(codes) > 60
    assert sorted(codes - load_reasons().keys()) == []


def test_words_are_whole_and_chinese():
    for reason in load_reasons().values():
        for text in (reason.zh, reason.remedy_zh):
            assert re.search("[\u4e00-\u9fff]", text), reason.code
        assert reason.en and reason.remedy_en, reason.code
