"""Proving the audit (审计校验): that nothing was edited, removed, added, moved or written anew since it was recorded.

Three things must agree: each entry with its digest and seal, each entry with the one before, and the chain with the
signed checkpoints outside the database. Whoever changes one cannot change the others without the key.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalog.control.audit_chain import GENESIS, Link, digest_entry
from catalog.control.audit_journal import Checkpoint
from catalog.control.audit_keys import AuditKeys
from catalog.control.audit_tables import AuditEntry

Fault = Literal[
    "ENTRY_MISSING",
    "ENTRY_ADDED",
    "ENTRY_EDITED",
    "ENTRY_FORGED",
    "CHAIN_BROKEN",
    "CHAIN_REWRITTEN",
    "TAIL_CUT_OFF",
    "CHECKPOINT_INVALID",
    "CHECKPOINTS_MISSING",
    "PROTECTION_REMOVED",
]

EXPLAINED: dict[Fault, str] = {
    "ENTRY_MISSING": "entries were deleted (删除)",
    "ENTRY_ADDED": "an entry has a number that it cannot have (插入)",
    "ENTRY_EDITED": "an entry is not what its digest says (篡改)",
    "ENTRY_FORGED": "an entry was not made by this service: its seal is wrong (伪造)",
    "CHAIN_BROKEN": "an entry does not hang on the one before: entries were moved, added or removed (乱序)",
    "CHAIN_REWRITTEN": "the chain differs from a signed checkpoint: it was written anew (重写)",
    "TAIL_CUT_OFF": "signed checkpoints prove later entries than there are (截尾)",
    "CHECKPOINT_INVALID": "a checkpoint's signature is not this installation's (检查点被改)",
    "CHECKPOINTS_MISSING": "there are entries and not one checkpoint (检查点缺失)",
    "PROTECTION_REMOVED": "the trigger that refuses changes is gone or switched off (保护被解除)",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was recorded."""

    fault: Fault
    place: str
    """Number of the entry, or file and line of the checkpoint."""


@dataclass
class Verification:
    """What proving the audit has shown."""

    entries: int = 0
    checkpoints: int = 0
    last: Link = GENESIS
    unsigned: int = 0
    """Entries after the last checkpoint: the service was killed between the two writes. They are sealed."""
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def find(self, fault: Fault, place: object) -> None:
        """Add a finding."""
        self.findings.append(Finding(fault, str(place)))


def verify(
    session: Session, keys: AuditKeys, checkpoints: Iterable[Checkpoint], *, start: Link = GENESIS
) -> Verification:
    """Prove every entry, the chain and its checkpoints, reading the table once in order.

    Args:
        session: any role that may read the audit.
        keys: the installation's.
        checkpoints: what lies outside the database.
        start: the archived entry on which the table's first one hangs (`Journal.anchor`).
    """
    result = Verification(last=start)
    signed = _signed(result, checkpoints)
    if not _is_protected(session):
        result.find("PROTECTION_REMOVED", "table audit_entry")
    for row in _rows(session, start):
        _prove(result, row, keys)
        expected = signed.get(row["seq"])
        if expected is not None and expected != row["digest"]:
            result.find("CHAIN_REWRITTEN", row["seq"])
        result.entries += 1
        result.last = Link(row["seq"], row["digest"])
    last_signed = max(signed, default=start.seq)
    if last_signed > result.last.seq:
        result.find("TAIL_CUT_OFF", f"{result.last.seq + 1}–{last_signed}")
    if result.entries and not result.checkpoints:
        result.find("CHECKPOINTS_MISSING", "audit/")
    result.unsigned = max(result.last.seq - last_signed, 0)
    return result


def _signed(result: Verification, checkpoints: Iterable[Checkpoint]) -> dict[int, str]:
    signed: dict[int, str] = {}
    for checkpoint in checkpoints:
        result.checkpoints += 1
        head = checkpoint.head
        if not checkpoint.valid or signed.setdefault(head.seq, head.digest) != head.digest:
            result.find("CHECKPOINT_INVALID", checkpoint.place)
    return signed


def _prove(result: Verification, row: Mapping[str, Any], keys: AuditKeys) -> None:
    seq, last = row["seq"], result.last
    if seq > last.seq + 1:
        result.find("ENTRY_MISSING", f"{last.seq + 1}–{seq - 1}")
    elif seq <= last.seq:
        result.find("ENTRY_ADDED", seq)
    if row["previous"] != last.digest:
        result.find("CHAIN_BROKEN", seq)
    if _digest(row) != row["digest"]:
        result.find("ENTRY_EDITED", seq)
    if keys.seal(row["digest"]) != row["seal"]:
        result.find("ENTRY_FORGED", seq)


def _digest(row: Mapping[str, Any]) -> str:
    try:
        return digest_entry(row)
    except (ValueError, TypeError):
        return ""


def _rows(session: Session, start: Link) -> Iterator[Mapping[str, Any]]:
    query = select(*AuditEntry.__table__.columns).order_by(AuditEntry.seq)
    if start != GENESIS:
        query = query.where(AuditEntry.seq > start.seq)
    query = query.execution_options(yield_per=5000)
    for row in session.execute(query):
        yield dict(row._mapping)


def _is_protected(session: Session) -> bool:
    return bool(
        session.scalar(
            text(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = CAST('audit_entry' AS regclass) "
                "AND tgname = 'audit_append_only' AND tgenabled IN ('O', 'A')"
            )
        )
    )
