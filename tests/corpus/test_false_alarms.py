"""Sound deliveries of 200,000 rows with rare characters, quotes and line breaks: nothing rejected, noted or changed."""

from __future__ import annotations

import csv
import io
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.model.contract import Contract
from jobs.extract.readers import read_file
from jobs.extract.rows import RowSink
from tests.corpus.case import NAMES
from tests.stages.extract.shop_contract import contract_document, file_source

ROWS = 200_000
GBK = [chr(code) for code in range(0x4E00, 0x9FA6)]
RARE = [chr(code) for code in (*range(0x3400, 0x4DB5), *range(0x20000, 0x20400), 0x30EDD, 0x2B7F7)]
CHARACTERS = {"gbk": GBK, "gb18030": GBK + RARE, "utf-8": GBK + RARE}
SHAPES = (
    "{0}有限公司", "{0}（集团）有限责任公司", '{0}"{1}"店', "{0}, {1}", "{0}\n{1}", "阿·{0}", " {0} ", "", "{0}合计",
    "NULL", "{0};{1}|{2}\t", "'{0}", "=\"{0}\"", "Ab-{0}", "{0}，{1}。",
)  # fmt: skip


def texts(characters: list[str], rng: random.Random) -> list[tuple[str, str, str]]:
    """Return valid rows; names are drawn evenly from all characters, far rarer ones than people bear."""
    pool = ["".join(rng.choices(characters, k=rng.randrange(2, 9))) for _ in range(30_000)]
    return [
        (f"91510100MA6{n:07}", rng.choice(SHAPES).format(*rng.choices(pool, k=3)), f"20{n % 25:02}-{n % 12 + 1}-1")
        for n in range(ROWS)
    ]


@pytest.mark.parametrize("encoding", CHARACTERS)
def test_sound_rows_raise_no_alarm(encoding: str, tmp_path: Path):
    made = texts(CHARACTERS[encoding], random.Random(36344))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([NAMES, *made])
    path, rows_file = tmp_path / "sound.csv", tmp_path / "rows.parquet"
    path.write_bytes(text.getvalue().encode(encoding))
    declared = "utf-8" if encoding == "utf-8" else "gb18030"
    contract = Contract.model_validate(contract_document(file_source(encoding=declared)))
    stamps = {"batch_id": "shop-1", "source_file": path.name, "received_at": datetime(2026, 3, 1, tzinfo=UTC)}
    started = time.process_time()
    with RowSink(rows_file, contract, source_at=None, **stamps) as sink:
        reading = read_file(path, contract.source, sink, path.name)
    seconds = time.process_time() - started
    assert (reading.read, reading.accepted, reading.rejected, reading.notes) == (ROWS, ROWS, [], [])
    landed = pq.read_table(rows_file, columns=["uscc", "shop_name", "opened_date"]).to_pydict()
    assert list(zip(*landed.values(), strict=True)) == made
    assert seconds < 15, f"{seconds:.1f} s of processor time"
