"""The tables of people and systems (人员与系统): accounts, roles, sessions and tokens.

Held by the database itself: an account is for business or for administration and never changes sides; an
administrator holds one role for the life of the account; a staff number has one account; credentials are hashes.
"""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from catalog.control.base import Base, Instant, Recorded, Serial, TextKey, one_of
from catalog.model.roles import ADMINISTRATORS, OFFICERS, Role, deciding_roles

_ADMINISTRATORS = ", ".join(f"'{role}'" for role in sorted(ADMINISTRATORS))


class Person(Base):
    """An account of one person (人员账号)."""

    __tablename__ = "person"
    __table_args__ = (
        one_of("kind", "officer", "administrator"),
        UniqueConstraint("id", "kind"),
        UniqueConstraint("department", "staff_number"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
        CheckConstraint("(oidc_issuer IS NULL) = (oidc_subject IS NULL)", name="oidc_whole"),
        CheckConstraint("failed_count >= 0 AND revision >= 1", name="counts_in_range"),
    )

    id: Mapped[Serial]
    login: Mapped[str] = mapped_column(Text, unique=True)
    display_name: Mapped[str]
    department: Mapped[str]
    staff_number: Mapped[str]
    """工号: one person, one account, so that no administrator has a second one."""
    kind: Mapped[str]
    """`officer` or `administrator`, for the life of the account."""
    password_hash: Mapped[str | None]
    """Argon2id; None for who logs in by OIDC only."""
    must_change_password: Mapped[bool] = mapped_column(server_default=text("false"))
    totp_secret: Mapped[str | None]
    """Encrypted; in force once confirmed."""
    totp_confirmed_at: Mapped[Instant | None]
    totp_last_step: Mapped[int | None]
    """The 30-second step of the last accepted code: a code is good once."""
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    failed_count: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[Instant | None]
    disabled_at: Mapped[Instant | None]
    created_at: Mapped[Recorded]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    """Counts changes, for ETags."""


class PersonRole(Base):
    """A role that a person holds, or held (角色授予)."""

    __tablename__ = "person_role"
    __table_args__ = (
        one_of("role", *Role),
        ForeignKeyConstraint(["person_id", "kind"], ["person.id", "person.kind"]),
        CheckConstraint(f"(kind = 'administrator') = (role IN ({_ADMINISTRATORS}))", name="kind_fits_role"),
        Index(
            "uq_person_role_one_administrator_role",
            "person_id",
            unique=True,
            postgresql_where=text("kind = 'administrator'"),
        ),
        CheckConstraint("granted_by <> 'person:' || person_id::text", name="not_granted_to_oneself"),
    )

    person_id: Mapped[int] = mapped_column(primary_key=True)
    role: Mapped[TextKey]
    kind: Mapped[str]
    """The account's kind, so that the database can refuse a mixture."""
    granted_by: Mapped[str]
    """Subject of who gave it."""
    granted_at: Mapped[Recorded]
    ended_at: Mapped[Instant | None]


class AccountRecovery(Base):
    """A reset or binding of an account that holds a role (账号恢复): proposed by one, confirmed by another."""

    __tablename__ = "account_recovery"
    __table_args__ = (
        one_of("act", "reset", "bind"),
        one_of("outcome", "confirmed", "refused", "replaced"),
        CheckConstraint("(act = 'bind') = (num_nulls(oidc_issuer, oidc_subject) = 0)", name="bind_names_identity"),
        CheckConstraint("num_nulls(outcome, decided_by, decided_at) IN (0, 3)", name="decided_whole"),
        CheckConstraint(
            "outcome <> 'confirmed' OR decided_by NOT IN (proposed_by, 'person:' || person_id::text)",
            name="confirmed_by_another",
        ),
        Index("uq_account_recovery_open", "person_id", unique=True, postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[Serial]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    act: Mapped[str]
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    revision: Mapped[int]
    """Of the account when it was proposed: what changed since needs a new proposal."""
    proposed_by: Mapped[str]
    proposed_at: Mapped[Recorded]
    expires_at: Mapped[Instant]
    outcome: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_at: Mapped[Instant | None]


class LoginSession(Base):
    """A session of a person (会话): an opaque token, stored as a hash, that rotates."""

    __tablename__ = "login_session"
    __table_args__ = (
        one_of("strength", "password", "totp", "oidc", "oidc_mfa"),
        Index("ix_login_session_person_id", "person_id"),
    )

    id: Mapped[Serial]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    token_sha256: Mapped[str] = mapped_column(Text, unique=True)
    previous_sha256: Mapped[str | None] = mapped_column(Text, unique=True)
    """The token before the last rotation: whoever shows it copied it, and the session ends."""
    strength: Mapped[str]
    """How the person proved to be it."""
    address: Mapped[str]
    created_at: Mapped[Recorded]
    last_used_at: Mapped[Recorded]
    expires_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]


class OidcAttempt(Base):
    """A log-in that was sent to the identity provider (统一身份认证) and has not come back; good once."""

    __tablename__ = "oidc_attempt"

    state_sha256: Mapped[TextKey]
    nonce: Mapped[str]
    verifier: Mapped[str]
    """The PKCE code verifier (RFC 7636)."""
    expires_at: Mapped[Instant]


class System(Base):
    """A system of a department (接入系统), known by its client id and the hash of its secret."""

    __tablename__ = "client_system"

    id: Mapped[Serial]
    name: Mapped[str] = mapped_column(Text, unique=True)
    """The client id (RFC 6749)."""
    department: Mapped[str]
    purpose: Mapped[str]
    made_by: Mapped[str | None]
    """Account of who made it, as whose acts its own count too; none when made before that was kept."""
    secret_sha256: Mapped[str] = mapped_column(Text, unique=True)
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    created_at: Mapped[Recorded]
    revision: Mapped[int] = mapped_column(server_default=text("1"))


class SystemRole(Base):
    """A role that a system holds: none whose acts decide."""

    __tablename__ = "client_system_role"
    __table_args__ = (one_of("role", *sorted(OFFICERS - deciding_roles() - {Role.STEWARD})),)

    system_id: Mapped[int] = mapped_column(ForeignKey("client_system.id"), primary_key=True)
    role: Mapped[TextKey]


class SystemOfficer(Base):
    """An officer who answers for a system (责任人): the last one named does now, and none is forgotten."""

    __tablename__ = "client_system_officer"
    __table_args__ = (Index("ix_client_system_officer_system_id", "system_id"),)

    id: Mapped[Serial]
    system_id: Mapped[int] = mapped_column(ForeignKey("client_system.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    named_by: Mapped[str]
    """Account of who named the officer."""
    reason: Mapped[str]
    named_at: Mapped[Recorded]


class SystemToken(Base):
    """An access token of a system (访问令牌), stored as a hash and revocable at once."""

    __tablename__ = "client_token"
    __table_args__ = (Index("ix_client_token_system_id", "system_id"),)

    id: Mapped[Serial]
    system_id: Mapped[int] = mapped_column(ForeignKey("client_system.id"))
    token_sha256: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[Recorded]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
