"""Values for the worklist (待映射清单): the codes of a batch that its code lists do not know, or no longer."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.control.findings import record_finding
from catalog.control.session import in_transaction
from catalog.control.unmapped import Sighting, stored_form
from catalog.model.contract import Contract
from catalog.model.settings import get_settings

HAS_UNMAPPED = "size(_unmapped) > 0"
"""Condition of a judged row with a code for the worklist."""
MOST = 1000
"""Values of one run that the worklist takes; a column with more holds no codes."""


def unmapped_values(judged: DataFrame, contract: Contract) -> list[Sighting]:
    """Return what the ``judged`` rows have for the worklist, by batch, column and value.

    Of more than ``MOST`` values the most frequent are taken, and a finding says how many were left out.
    """
    rows = judged.where(HAS_UNMAPPED).select("_batch_id", "_row_number", F.explode("_unmapped").alias("entry"))
    groups = rows.groupBy("_batch_id", "entry").agg(
        F.count("*").alias("rows"), F.min("_row_number").alias("first_row"), F.max("_row_number").alias("last_row")
    )
    found = groups.orderBy(F.desc("rows"), "entry", "_batch_id").limit(MOST + 1).collect()
    if len(found) > MOST:
        _note_the_rest(contract, found, groups.count() - MOST)
    return [_sighting(row, contract) for row in found[:MOST]]


def _sighting(row: Row, contract: Contract) -> Sighting:
    entry = row["entry"]
    column = next(p for p in contract.properties if p.name == entry["column"])
    key = get_settings().require("identity_key")
    return Sighting(
        batch_id=row["_batch_id"],
        column_name=entry["column"],
        code_list=entry["code_list"],
        reason=entry["reason"],
        value=stored_form(entry["value"], key, is_personal=column.classification == "personal"),
        rows=row["rows"],
        first_row=row["first_row"],
        last_row=row["last_row"],
    )


def _note_the_rest(contract: Contract, found: Sequence[Row], left_out: int) -> None:
    """Record that one run had more unmapped values than the worklist takes."""
    batch_id = found[0]["_batch_id"]
    in_transaction(
        lambda session: record_finding(
            session,
            resource=contract.id,
            batch_id=batch_id,
            reason_code="UNMAPPED_VALUES_LEFT_OUT",
            place=found[0]["entry"]["column"],
            detail={"taken": MOST, "left_out": left_out},
            count=left_out,
        )
    )
