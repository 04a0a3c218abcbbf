"""One's own account (本人账号): who am I, my password, my one-time codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from catalog.control.audit import Outcome, record
from catalog.control.identity_tables import Person
from catalog.control.login import begin_totp, change_password, confirm_totp
from catalog.control.people import locked_person
from catalog.control.session import session_scope
from catalog.model.caller import Caller
from catalog.model.roles import load_role_rules
from catalog.service.access import CurrentConfiguration, Database
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import ProblemError
from catalog.service.api_types import Answer, Body, Secret
from catalog.service.configuration import DATABASE_PATIENCE
from catalog.service.identity import enrolling

router = APIRouter(prefix="/me", tags=["me"], route_class=IdempotentRoute)

Enrolling = Annotated[Caller, Depends(enrolling())]


class HeldRole(Answer):
    """A role with its names."""

    role: str = Field(examples=["auditor"])
    name: str = Field(examples=["安全审计员"])
    name_en: str = Field(examples=["Auditor"])


class Me(Answer):
    """Who the token belongs to."""

    kind: str = Field(examples=["person"])
    id: int
    name: str
    department: str
    roles: list[HeldRole]
    enrolled: bool
    """False while a first password must be changed or a one-time code be set up."""


class PasswordChange(Body):
    """The present and the wanted password."""

    old: Secret = Field(examples=["the one-time password"])
    new: Secret = Field(examples=["correct horse battery"])


class TotpSeed(Answer):
    """What an authenticator app needs; shown here once."""

    secret: str
    address: str = Field(examples=["otpauth://totp/Guantong:wang?secret=…&issuer=Guantong"])


class TotpCode(Body):
    """A first code."""

    code: str = Field(pattern=r"^[0-9]{6}$", examples=["123456"])


@router.get("")
def me(who: Enrolling) -> Me:
    """Say who the token belongs to and what they hold."""
    rules = load_role_rules()
    held = [HeldRole(role=role, name=rules[role].name, name_en=rules[role].name_en) for role in sorted(who.roles)]
    return Me(kind=who.kind, id=who.id, name=who.name, department=who.department, roles=held, enrolled=who.enrolled)


@router.put("/password", status_code=204)
def set_password(settings: CurrentConfiguration, who: Enrolling, body: PasswordChange) -> Response:
    """Change one's password; other sessions end. A wrong present one counts as a failed log-in."""
    with session_scope(settings.control_url, patience=DATABASE_PATIENCE) as session:
        person = locked_person(session, who.id) if who.kind == "person" else None
        if person is None:
            raise ProblemError("NOT_FOUND", noun="password")
        right = change_password(session, person, body.old, body.new, but=who.credential)
        outcome: Outcome = "done" if right else "refused"
        record(session, who, "person.password", who.subject, outcome, reason="" if right else "LOGIN_REFUSED")
    if not right:
        raise ProblemError("PASSWORD_WRONG")
    return Response(status_code=204)


@router.post("/totp", status_code=201)
def begin(session: Database, who: Enrolling) -> TotpSeed:
    """Begin to set up one-time codes (动态口令)."""
    person = _mine(session, who)
    record(session, who, "person.totp-begin", who.subject)
    secret, address = begin_totp(person)
    return TotpSeed(secret=secret, address=address)


@router.put("/totp", status_code=204)
def confirm(session: Database, who: Enrolling, body: TotpCode) -> Response:
    """Put one-time codes in force by a first code; all sessions end, and the next log-in needs a code."""
    person = _mine(session, who)
    record(session, who, "person.totp-confirm", who.subject)
    confirm_totp(session, person, body.code)
    return Response(status_code=204)


def _mine(session: Database, who: Caller) -> Person:
    person = locked_person(session, who.id) if who.kind == "person" else None
    if person is None:
        raise ProblemError("NOT_FOUND", noun="account")
    return person
