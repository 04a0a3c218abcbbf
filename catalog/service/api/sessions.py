"""Log-in and sessions (登录与会话): an opaque token for a password and, where needed, a one-time code."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from sqlalchemy import select

from catalog.control.audit import Outcome, record
from catalog.control.base import utc_now
from catalog.control.credentials import LONGEST_SESSION, end_session, rotate_session
from catalog.control.identity_tables import LoginSession
from catalog.control.login import log_in
from catalog.control.session import session_scope
from catalog.model.caller import Caller
from catalog.service.access import CurrentConfiguration, Database
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Instant, Number, Secret
from catalog.service.configuration import DATABASE_PATIENCE, address_of
from catalog.service.identity import enrolling, proven_elsewhere
from catalog.service.rate_limit import Limited
from catalog.service.strangers import stranger, strangers_of

router = APIRouter(prefix="/sessions", tags=["sessions"], route_class=IdempotentRoute)

Enrolling = Annotated[Caller, Depends(enrolling())]


class LogIn(Body):
    """Who wants to log in."""

    login: Secret = Field(examples=["wang"])
    password: Secret = Field(examples=["correct horse battery"])
    code: str | None = Field(default=None, pattern=r"^[0-9]{6}$", examples=["123456"])
    """One-time code (动态口令), where it is set up."""


class SessionToken(Answer):
    """A session just opened or rotated; the token is shown here once."""

    session: int = Field(examples=[17])
    token: str = Field(examples=["gts_…"])
    expires_at: Instant


class SessionEntry(Answer):
    """One of the caller's sessions."""

    id: int
    strength: str
    address: str
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    is_current: bool


@router.post(
    "",
    status_code=201,
    dependencies=[
        Depends(proven_elsewhere("a password, and a one-time code where it is set up, are the proof")),
        Limited,
    ],
)
def open_session(request: Request, settings: CurrentConfiguration, body: LogIn) -> SessionToken:
    """Log in (登录). The answer to a wrong name, password or code, or a locked account, is one and the same."""
    address = address_of(request)
    with session_scope(settings.control_url, patience=DATABASE_PATIENCE) as session:
        result = log_in(session, body.login, body.password, body.code, address=address)
        person = result.person
        who = (
            Caller("person", person.id, person.login, person.department, address=address,
                   request_id=request.state.request_id)
            if person is not None
            else stranger(request)
        )  # fmt: skip
        place = f"session:{result.issued.id}" if result.issued else who.subject
        outcome: Outcome = "refused" if result.refusal else "done"
        is_counted = person is None or result.refusal == "ACCOUNT_LOCKED"
        if not is_counted:
            record(session, who, "session.open", place, outcome, reason=result.refusal or "")
    if is_counted:
        strangers_of(request).refused(who, "session.open", place, result.refusal or "LOGIN_REFUSED")
    if result.issued is None:
        raise ProblemError("CODE_NEEDED" if result.refusal == "CODE_NEEDED" else "LOGIN_REFUSED")
    expires_at = utc_now() + LONGEST_SESSION
    return SessionToken(session=result.issued.id, token=result.issued.token, expires_at=expires_at)


@router.get("")
def list_sessions(session: Database, who: Enrolling) -> dict[str, list[SessionEntry]]:
    """List one's own open sessions."""
    found = session.scalars(
        select(LoginSession)
        .where(
            LoginSession.person_id == _person(who), LoginSession.ended_at.is_(None), LoginSession.expires_at > utc_now()
        )
        .order_by(LoginSession.id)
    )
    return {"items": [_entry(entry, who) for entry in found]}


@router.post("/current/rotation", status_code=201)
def rotate(session: Database, who: Enrolling) -> SessionToken:
    """Exchange the session's token for a new one (轮换); who shows the old one afterwards ends the session."""
    _person(who)
    record(session, who, "session.rotate", f"session:{who.credential}")
    issued = rotate_session(session, who.credential)
    kept = session.get_one(LoginSession, who.credential)
    return SessionToken(session=issued.id, token=issued.token, expires_at=kept.expires_at)


@router.delete("/current", status_code=204)
def log_out(session: Database, who: Enrolling) -> Response:
    """Log out (退出): the session ends at once."""
    _person(who)
    record(session, who, "session.close", f"session:{who.credential}")
    end_session(session, who.credential)
    return Response(status_code=204)


@router.delete("/{number}", status_code=204)
def close(session: Database, who: Enrolling, number: Number) -> Response:
    """End another of one's own sessions, such as one left open elsewhere."""
    found = session.get(LoginSession, number)
    if found is None or found.person_id != _person(who) or found.ended_at is not None:
        raise not_found("session")
    record(session, who, "session.close", f"session:{number}")
    end_session(session, number)
    return Response(status_code=204)


def _person(who: Caller) -> int:
    """Return the person's number; systems and recipients have no sessions."""
    if who.kind != "person":
        raise not_found("session")
    return who.id


def _entry(entry: LoginSession, who: Caller) -> SessionEntry:
    return SessionEntry(
        id=entry.id,
        strength=entry.strength,
        address=entry.address,
        created_at=entry.created_at,
        last_used_at=entry.last_used_at,
        expires_at=entry.expires_at,
        is_current=entry.id == who.credential,
    )
