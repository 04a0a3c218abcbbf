"""Deliveries damaged at random never end in a traceback: they are held, or every record of them is accounted for."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.case import NAMES, Case, csv, padding
from tests.corpus.compound import xls
from tests.corpus.file_cases import tar
from tests.corpus.json_cases import MANY, document
from tests.corpus.reading import take_in
from tests.corpus.workbook_cases import CELLS, PLAIN

SOUND = {
    "csv": (csv(*padding()), {}),
    "gbk": (csv(*padding(), encoding="gbk"), {"encoding": "gb18030"}),
    "json": (document(*MANY[:9]), {"format": "json"}),
    "json_lines": ("\n".join(MANY[:9]).encode(), {"format": "json"}),
    "xlsx": (PLAIN, {"format": "xlsx"}),
    "xls": (xls([NAMES, CELLS, CELLS]), {"format": "xls"}),
    "tar": (tar("a.csv", "b.csv"), {"archive_member": "*.csv"}),
    "tar_gz": (tar("a.csv", "b.csv", mode="w:gz"), {"archive_member": "*.csv"}),
    "tar_xz": (tar("a.csv", "b.csv", mode="w:xz"), {"archive_member": "*.csv"}),
}
TIMES = 150


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes some of which were changed, lost or added."""
    spoilt = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at, kind = rng.randrange(len(spoilt)), rng.randrange(3)
        if kind == 0:
            spoilt[at] ^= rng.randrange(1, 256)
        elif kind == 1:
            del spoilt[at : at + rng.randrange(1, 30)]
        else:
            spoilt[at:at] = rng.randbytes(3)
    return bytes(spoilt)


@pytest.mark.parametrize("kind", SOUND)
def test_damage_is_held_or_accounted_for(kind: str, tmp_path: Path):
    content, source = SOUND[kind]
    rng = random.Random(kind)
    fates: Counter[str] = Counter()
    for number in range(TIMES):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = take_in(Case(kind, "file", damaged(content, rng), source), folder)
        fates[outcome.held.code if outcome.held else "admitted"] += 1
        if outcome.held:
            assert outcome.held.place and outcome.held.remedy
        else:
            assert outcome.read == len(outcome.rows) + len(outcome.rejected)
    assert fates.total() == TIMES
    assert len(fates) > 1 or kind.startswith("tar_"), fates
