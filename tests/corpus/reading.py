"""Takes one case in as extract takes a delivery in: receipt, archive, reader, count; without Spark and registers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from catalog.model.contract import Contract
from jobs.extract.admission import check_count, check_not_empty, check_receipt
from jobs.extract.archives import Archive
from jobs.extract.delivery import DeliveryHeldError, Reading, Rejection
from jobs.extract.landing import Received
from jobs.extract.readers import read_file
from jobs.extract.receipt import Receipt, read_receipt
from jobs.extract.rows import RowSink
from tests.corpus.case import Case
from tests.stages.extract.shop_contract import COLUMNS, contract_document, file_source

NAME = "delivery"


@dataclass
class Outcome:
    """What became of a case."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    read: int = 0
    held: DeliveryHeldError | None = None


def contract_of(case: Case) -> Contract:
    """Return the shop contract as the case wants it."""
    source = dict(case.source)
    columns = source.pop("columns", COLUMNS)
    receipt = source.pop("receipt_rule", "optional")
    return Contract.model_validate(contract_document(file_source(receipt=receipt, **source), columns=columns))


def take_in(case: Case, folder: Path) -> Outcome:
    """Return what becomes of a case."""
    contract, outcome = contract_of(case), Outcome()
    path = folder / NAME
    path.write_bytes(case.content)
    if case.receipt is not None:
        (folder / f"{NAME}.receipt.json").write_text(json.dumps(case.receipt))
    try:
        receipt = read_receipt(path, NAME)
        received = Received(path, hashlib.sha256(case.content).hexdigest(), len(case.content))
        check_receipt(contract.source, receipt, received, NAME)
        if contract.source.archive_member is None:
            _read(path, NAME, contract, receipt, outcome)
            return outcome
        with Archive(path, contract.source.archive_member, NAME) as archive:
            for member in archive.members:
                inner = folder / "member"
                inner.write_bytes(b"".join(archive.blocks(member)))
                _read(inner, f"{NAME}!{member.name}", contract, None, outcome)
            outcome.notes |= {"MEMBER_IGNORED"} if archive.ignored else set()
    except DeliveryHeldError as held:
        outcome.held = held
    return outcome


def _read(path: Path, name: str, contract: Contract, receipt: Receipt | None, outcome: Outcome) -> None:
    rows_file = path.with_suffix(".parquet")
    now = datetime(2026, 3, 1, tzinfo=UTC)
    stamps = {"batch_id": "shop-1", "source_file": name, "received_at": now, "source_at": None}
    with RowSink(rows_file, contract, **stamps) as sink:
        reading: Reading = read_file(path, contract.source, sink, name)
    check_not_empty(reading, name)
    check_count(receipt.rows if receipt else None, reading.records, reading.read, name)
    outcome.rows += pq.read_table(rows_file).to_pylist()
    outcome.rejected += reading.rejected
    outcome.notes |= {note.code for note in reading.notes}
    outcome.read += reading.read
