"""The table of the audit (审计日志): one row an act, chained, never changed.

The service's database role may add and read rows and nothing else; a trigger refuses change and removal to every role.
"""

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, one_of


class AuditEntry(Base):
    """One act, refusal or read (审计记录)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq_from_one"),
        one_of("outcome", "done", "refused", "failed"),
        one_of("algorithm", "sha256", "sm3"),
        Index("ix_audit_entry_subjects", "subjects", postgresql_using="gin"),
        Index("ix_audit_entry_actor_seq", "actor", "seq"),
        Index("ix_audit_entry_object_seq", "object", "seq"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3… without a gap."""
    at: Mapped[Instant]
    actor: Mapped[str]
    """Subject of who acted, such as `person:7`."""
    actor_name: Mapped[str]
    department: Mapped[str]
    roles: Mapped[str]
    """Roles held at that moment, in order, with blanks between."""
    act: Mapped[str]
    """`noun.verb`, such as `application.approve`."""
    object: Mapped[str]
    """What was acted on, such as `application:12`."""
    outcome: Mapped[str]
    reason: Mapped[str]
    """Why it was refused or failed."""
    purpose: Mapped[str]
    """What personal data was read for."""
    subjects: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))
    """Keyed hashes of the keys of the persons whose data was read; never the clear numbers."""
    detail: Mapped[str]
    """Canonical JSON, byte for byte as it was hashed."""
    address: Mapped[str]
    request_id: Mapped[str]
    algorithm: Mapped[str]
    previous: Mapped[str]
    """Digest of the entry before; sixty-four zeros before the first."""
    digest: Mapped[str]
    """Digest over everything above."""
    seal: Mapped[str]
    """Keyed hash of the digest: whoever has the database but not the key cannot make one."""
