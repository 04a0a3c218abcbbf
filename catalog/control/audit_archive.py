"""Archiving the audit (审计归档): the oldest entries leave the database for a file; the chain hangs on a signed anchor.

Nothing younger than the retention leaves, and the newest entry never does. The file holds every column, so that it can
be proven by itself; the anchor says with which entry it ended: a missing beginning is told from an archived one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from catalog.control.audit import LOCK
from catalog.control.audit_chain import Link, instant_text
from catalog.control.audit_journal import Journal
from catalog.control.audit_tables import AuditEntry
from catalog.control.audit_verification import verify
from catalog.control.base import utc_now
from catalog.model.errors import GuantongError


class ArchiveRefusedError(GuantongError):
    """Entries may not leave the database."""

    code = "AUDIT_ARCHIVE_REFUSED"


@dataclass(frozen=True)
class Archived:
    """What left the database."""

    entries: int
    path: Path | None
    """None when nothing was old enough."""


def archive(session: Session, journal: Journal, before: datetime, *, retention: timedelta) -> Archived:
    """Move entries from before a moment to a file, if the audit is sound; the caller must own the table.

    The file and its anchor are on the disk before the entries leave.

    Raises:
        ArchiveRefusedError: when the moment is within the retention, or the audit is not sound.
    """
    if before > utc_now() - retention:
        raise ArchiveRefusedError(
            f"entries of the last {retention.days} days are kept",
            place="AUDIT_RETENTION_DAYS",
            remedy="name an earlier day",
        )
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if not verify(session, journal.keys, journal.read(), start=journal.anchor()).is_sound:
        raise ArchiveRefusedError("the audit is not sound", remedy="python -m catalog audit verify says where")
    newest = session.scalar(select(func.max(AuditEntry.seq))) or 0
    kept = session.scalar(select(func.min(AuditEntry.seq)).where(AuditEntry.at >= before)) or newest
    old = session.scalars(select(AuditEntry).where(AuditEntry.seq < kept).order_by(AuditEntry.seq)).all()
    if not old:
        return Archived(0, None)
    path = journal.folder / f"archive-{old[0].seq}-{old[-1].seq}.jsonl"
    _write(path, [_row(entry) for entry in old])
    journal.write_anchor(Link(old[-1].seq, old[-1].digest), path.name)
    session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER audit_append_only"))
    session.execute(delete(AuditEntry).where(AuditEntry.seq < kept))
    session.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER audit_append_only"))
    return Archived(len(old), path)


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {column.key: getattr(entry, column.key) for column in AuditEntry.__table__.columns}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a private file whole; one of an archiving that was cut off is replaced."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({**row, "at": instant_text(row["at"])}, ensure_ascii=False, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_archive(path: Path) -> list[Mapping[str, Any]]:
    """Return the entries of an archive, as they were in the table."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{**row, "at": datetime.fromisoformat(row["at"])} for row in rows]
