"""The chain of the audit (哈希链): what one entry's digest covers, and how it hangs on the one before.

A digest covers every column of its entry, the number and the digest before it, as one line of JSON with sorted names.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes

from catalog.control.audit_keys import AuditKeys

COVERED = (
    "seq", "at", "actor", "actor_name", "department", "roles", "act", "object", "outcome", "reason", "purpose",
    "subjects", "detail", "address", "request_id", "algorithm", "previous",
)  # fmt: skip
"""Columns under the digest, in the order of the table."""


@dataclass(frozen=True)
class Link:
    """Number and digest of an entry."""

    seq: int
    digest: str


GENESIS = Link(0, "0" * 64)
"""What the first entry hangs on."""


def plain_json(value: Mapping[str, Any]) -> str:
    """Return JSON in one form only.

    Raises:
        TypeError: for what JSON has no one form of, such as a fraction.

    >>> plain_json({"b": 1, "a": "中"})
    '{"a":"中","b":1}'
    """
    _refuse_fractions(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def link(head: Link, content: Mapping[str, Any], keys: AuditKeys) -> tuple[Link, dict[str, Any]]:
    """Return the new head and all columns of the entry that hangs on a head."""
    row = {**content, "seq": head.seq + 1, "algorithm": keys.algorithm, "previous": head.digest}
    digest = digest_entry(row)
    return Link(row["seq"], digest), {**row, "digest": digest, "seal": keys.seal(digest)}


def digest_entry(row: Mapping[str, Any]) -> str:
    """Return the digest of an entry, by the algorithm that it names.

    Raises:
        ValueError: when there is no such algorithm.
    """
    content = {name: row[name] for name in COVERED}
    content["at"] = instant_text(row["at"])
    data = plain_json(content).encode()
    if row["algorithm"] == "sha256":
        return hashlib.sha256(data).hexdigest()
    if row["algorithm"] == "sm3":
        digest = hashes.Hash(hashes.SM3())
        digest.update(data)
        return digest.finalize().hex()
    raise ValueError(row["algorithm"])


def instant_text(moment: datetime) -> str:
    """Return a moment in UTC to the microsecond, as PostgreSQL keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _refuse_fractions(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a fraction has more than one written form; record it as text")
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for part in parts:
        _refuse_fractions(part)
