"""Reading the audit (审计查询): what was done, and who read a person's data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from catalog.control.audit_keys import AuditKeys
from catalog.control.audit_tables import AuditEntry


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are wanted; what is not given does not matter."""

    actor: str | None = None
    """Subject or name."""
    act: str | None = None
    """The act, or its noun before the dot."""
    object: str | None = None
    outcome: str | None = None
    department: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions in SQL."""
        exact = {"object": self.object, "outcome": self.outcome, "department": self.department}
        found = [getattr(AuditEntry, name) == value for name, value in exact.items() if value is not None]
        if self.actor is not None:
            found.append((AuditEntry.actor == self.actor) | (AuditEntry.actor_name == self.actor))
        if self.act is not None:
            found.append((AuditEntry.act == self.act) | AuditEntry.act.startswith(f"{self.act}.", autoescape=True))
        if self.since is not None:
            found.append(AuditEntry.at >= self.since)
        if self.until is not None:
            found.append(AuditEntry.at < self.until)
        return found


def list_entries(
    session: Session, wanted: AuditFilter, *, before: int | None = None, limit: int = 100
) -> Sequence[AuditEntry]:
    """Return entries, newest first, with numbers below one if told."""
    query = select(AuditEntry).where(*wanted.conditions()).order_by(AuditEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    return session.scalars(query).all()


def who_read(
    session: Session, keys: AuditKeys, person: str, *, before: int | None = None, limit: int = 1000
) -> Sequence[AuditEntry]:
    """Return who read a person's data, when and for what, newest first: one query on the keyed hash of the number.

    Reads of whole tables (`share.query`, `share.file`) name their version instead of everyone in it.
    """
    query = (
        select(AuditEntry)
        .where(AuditEntry.subjects.contains([keys.subject_digest(person)]))
        .order_by(AuditEntry.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    return session.scalars(query).all()
