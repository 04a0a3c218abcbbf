"""The border check (入库核对): declared = received = accepted, or the batch says why."""

from __future__ import annotations

from typing import Any

from catalog.model.source import FileSource
from jobs.extract.delivery import ROWS_NAMED, DeliveryHeldError, Reading
from jobs.extract.landing import Received
from jobs.extract.receipt import Receipt

RECEIPT_MISSING, SHORT_DELIVERY = "RECEIPT_MISSING", "SHORT_DELIVERY"
"""Reasons for which people may release a file."""


def check_receipt(source: FileSource, receipt: Receipt | None, received: Received, place: str) -> None:
    """Check that the receipt is there when it must be, and that the bytes are the ones it speaks of.

    Raises:
        DeliveryHeldError: RECEIPT_MISSING or HASH_MISMATCH.
    """
    if receipt is None:
        if source.receipt == "required":
            raise DeliveryHeldError(
                RECEIPT_MISSING,
                "the file came without its receipt",
                place=place,
                remedy="ask the department for <file>.receipt.json; laid beside the file, the next run admits it",
            )
        return
    if receipt.sha256 and receipt.sha256.lower() != received.sha256:
        raise DeliveryHeldError(
            "HASH_MISMATCH",
            f"the receipt says {receipt.sha256.lower()[:12]}…, the bytes are {received.sha256[:12]}…",
            place=place,
            remedy="the file was cut off or changed on its way: ask the department to send file and receipt again",
            detail={"declared": receipt.sha256.lower(), "found": received.sha256},
        )


def check_not_empty(reading: Reading, place: str) -> None:
    """Check that there is at least one record.

    Raises:
        DeliveryHeldError: EMPTY_DELIVERY.
    """
    if reading.records == 0:
        raise DeliveryHeldError(
            "EMPTY_DELIVERY",
            "the delivery has no record",
            place=place,
            remedy="if the department truly has none, it says so by a receipt and this batch is closed by hand; "
            "otherwise ask for the file again",
            rows=reading.read,
        )


def check_count(declared: int | None, received: int, rows: int, place: str) -> None:
    """Check the number of records against the sender's own count.

    Args:
        declared: what the receipt says; nothing when there is none.
        received: records found.
        rows: rows that are held when the two differ.
        place: the file's name in messages.

    Raises:
        DeliveryHeldError: SHORT_DELIVERY, when the counts differ either way.
    """
    if declared is not None and declared != received:
        word = "missing" if declared > received else "too many"
        raise DeliveryHeldError(
            SHORT_DELIVERY,
            f"the receipt declares {declared:,} records, {received:,} came: {abs(declared - received):,} {word}",
            place=place,
            remedy="ask the department to send the whole file again, or a receipt that fits it",
            rows=rows,
            detail={"declared": declared, "received": received},
        )


def account(reading: Reading, declared: int | None) -> dict[str, Any]:
    """Return the part of the manifest that says where every row of a file went."""
    return {
        "declared": declared,
        "received": reading.records,
        "read": reading.read,
        "accepted": reading.accepted,
        "rejected": len(reading.rejected),
        "rejected_by_reason": reading.rejected_counts(),
        "rejected_rows": [
            {"row": r.row_number, "reason": r.code, "detail": r.detail} for r in reading.rejected[:ROWS_NAMED]
        ],
        "skipped": reading.skipped,
        "header": reading.header,
        "notes": [{"code": n.code, "place": n.place, "count": n.count} for n in reading.notes],
    }
