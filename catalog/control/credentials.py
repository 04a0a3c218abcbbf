"""Credentials (凭证): sessions of persons and tokens of systems, opaque, stored as hashes, ended at once."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Row, func, text, update
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.identity_tables import LoginSession, SystemToken
from catalog.control.recipients import authenticate, token_digest
from catalog.model.caller import Caller
from catalog.model.roles import Role, load_role_rules

PERSON_PREFIX = "gts_"
SYSTEM_PREFIX = "gtc_"

LONGEST_SESSION = timedelta(hours=12)
IDLE_SESSION = timedelta(minutes=30)
TOUCH = timedelta(minutes=1)
"""How exactly the last use of a session is kept; a write for every request would cost more than the request."""

_PERSON = text(
    "SELECT s.id AS credential, s.strength, s.token_sha256 = :digest AS current, p.id, p.login AS name, p.department, "
    "p.must_change_password, p.totp_confirmed_at IS NOT NULL AS has_totp, s.last_used_at < :untouched AS stale, "
    "ARRAY(SELECT r.role FROM person_role r WHERE r.person_id = p.id AND r.ended_at IS NULL) AS roles "
    "FROM login_session s JOIN person p ON p.id = s.person_id "
    "WHERE (s.token_sha256 = :digest OR s.previous_sha256 = :digest) AND s.ended_at IS NULL "
    "AND s.expires_at > :now AND s.last_used_at > :idle AND p.disabled_at IS NULL"
)
_SYSTEM = text(
    "SELECT t.id AS credential, c.id, c.name, c.department, "
    "ARRAY(SELECT r.role FROM client_system_role r WHERE r.system_id = c.id) AS roles "
    "FROM client_token t JOIN client_system c ON c.id = t.system_id "
    "WHERE t.token_sha256 = :digest AND t.revoked_at IS NULL AND t.expires_at > :now "
    "AND c.revoked_at IS NULL AND c.expires_at > :now"
)


@dataclass(frozen=True)
class Issued:
    """A credential just made; the token is told here once."""

    id: int
    token: str


def open_session(session: Session, person_id: int, *, strength: str, address: str = "") -> Issued:
    """Make a session for a person who has proven to be it."""
    token = PERSON_PREFIX + secrets.token_urlsafe(32)
    made = LoginSession(
        person_id=person_id,
        token_sha256=token_digest(token),
        strength=strength,
        address=address,
        expires_at=utc_now() + LONGEST_SESSION,
    )
    session.add(made)
    session.flush()
    return Issued(made.id, token)


def rotate_session(session: Session, session_id: int) -> Issued:
    """Give a session a new token; the one before is remembered, because only a thief would still show it."""
    token = PERSON_PREFIX + secrets.token_urlsafe(32)
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id)
        .values(token_sha256=token_digest(token), previous_sha256=LoginSession.token_sha256)
    )
    return Issued(session_id, token)


def end_session(session: Session, session_id: int) -> None:
    """End one session."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.ended_at.is_(None))
        .values(ended_at=func.now())
    )


def end_sessions_of(session: Session, person_id: int, *, but: int = 0) -> int:
    """End the sessions of a person, all but one if told, and return how many there were."""
    ended = session.execute(
        update(LoginSession)
        .where(LoginSession.person_id == person_id, LoginSession.ended_at.is_(None), LoginSession.id != but)
        .values(ended_at=func.now())
        .returning(LoginSession.id)
    )
    return len(ended.all())


def issue_system_token(session: Session, system_id: int, term: timedelta) -> Issued:
    """Make an access token for a system that has shown its secret."""
    token = SYSTEM_PREFIX + secrets.token_urlsafe(32)
    made = SystemToken(system_id=system_id, token_sha256=token_digest(token), expires_at=utc_now() + term)
    session.add(made)
    session.flush()
    return Issued(made.id, token)


def revoke_system_token(session: Session, token: str, system_id: int) -> bool:
    """End an access token of a system at once; tell whether there was one."""
    ended = session.scalars(
        update(SystemToken)
        .where(
            SystemToken.token_sha256 == token_digest(token),
            SystemToken.system_id == system_id,
            SystemToken.revoked_at.is_(None),
        )
        .values(revoked_at=func.now())
        .returning(SystemToken.id)
    )
    return bool(ended.all())


class TokenReusedError(Exception):
    """A token from before a rotation was shown: it was copied, and the session must end."""

    def __init__(self, caller: Caller) -> None:
        super().__init__("a token from before a rotation was shown")
        self.caller = caller


def caller_of(session: Session, token: str) -> Caller | None:
    """Return who shows a token that is in force: a person, a system, or a recipient of shared tables.

    Raises:
        TokenReusedError: when the token was replaced by a rotation.
    """
    if token.startswith(PERSON_PREFIX):
        return _person(session, token)
    if token.startswith(SYSTEM_PREFIX):
        row = session.execute(_SYSTEM, {"digest": token_digest(token), "now": utc_now()}).one_or_none()
        return _caller("system", row) if row is not None else None
    recipient = authenticate(session, token)
    if recipient is None:
        return None
    return Caller("recipient", recipient.id, recipient.name, recipient.department)


def _person(session: Session, token: str) -> Caller | None:
    now = utc_now()
    row = session.execute(
        _PERSON, {"digest": token_digest(token), "now": now, "idle": now - IDLE_SESSION, "untouched": now - TOUCH}
    ).one_or_none()
    if row is None:
        return None
    caller = _caller("person", row)
    if not row.current:
        raise TokenReusedError(caller)
    if row.stale:
        session.execute(update(LoginSession).where(LoginSession.id == row.credential).values(last_used_at=now))
    unproven = row.strength in ("password", "oidc") and any(
        load_role_rules()[role].second_factor for role in caller.roles
    )
    first = row.strength == "password" and row.must_change_password
    return replace(caller, enrolled=not (unproven or first))


def _caller(kind: str, row: Row[tuple[object, ...]]) -> Caller:
    return Caller(
        kind="person" if kind == "person" else "system",
        id=row.id,
        name=row.name,
        department=row.department,
        roles=frozenset(Role(role) for role in row.roles),
        credential=row.credential,
    )
