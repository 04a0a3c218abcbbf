"""Batch ids (批次号): the same delivery gets the same id again, however often it is tried."""

from __future__ import annotations

import hashlib
from datetime import date


def digest_of(*parts: str) -> str:
    """Return one hash over texts, each kept apart from its neighbours.

    >>> digest_of("ab", "c") == digest_of("a", "bc")
    False
    """
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def batch_id(dataset: str, business_date: date, digest: str) -> str:
    """Return ``<dataset>-<yyyymmdd>-<first 8 hex digits of the digest>``.

    Args:
        dataset: name of the resource within its domain.
        business_date: day the batch is recorded for.
        digest: hash of the content, or of the range read.

    >>> batch_id("resident", date(2026, 3, 1), "0123456789abcdef")
    'resident-20260301-01234567'
    """
    return f"{dataset}-{business_date:%Y%m%d}-{digest[:8]}"
