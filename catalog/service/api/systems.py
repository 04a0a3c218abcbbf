"""Systems (接入系统): made and ended by the security administrator, seen by their own department."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.identity_tables import System
from catalog.control.systems import (
    accountable_officers,
    add_system,
    change_officer,
    list_systems,
    locked_system,
    renew_secret,
    revoke_system,
    system_roles,
)
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import Reason, actor_of
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Instant, Line, Number
from catalog.service.api_versions import IfMatch, etag, require_match
from catalog.service.identity import own_department, require

router = APIRouter(prefix="/systems", tags=["systems"], route_class=IdempotentRoute)

WIDE = (Role.SECURITY_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR, Role.AUDITOR)
"""Roles that see every department's systems."""

SecurityAdministrator = Annotated[Caller, Depends(require(Role.SECURITY_ADMINISTRATOR))]
Viewer = Annotated[
    Caller,
    Depends(require(*WIDE, Role.PROVIDER_OFFICER, Role.REQUESTER_OFFICER, Role.DATA_ENGINEER, scoped=True, wide=WIDE)),
]


class NewSystem(Body):
    """A system to be made."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,62}$", examples=["water-permits"])
    department: Line = Field(examples=["water"])
    purpose: Line = Field(examples=["取水许可核验"])
    accountable_officer: Line = Field(
        examples=["wang"], description="Log-in name of the officer of the department who answers for it (责任人)."
    )
    roles: list[Role] = Field(default_factory=list, max_length=8, examples=[["requester_officer"]])
    days: int = Field(default=365, ge=1, le=1095)


class NewOfficer(Body):
    """Another officer who answers for a system."""

    login: Line = Field(examples=["li"])
    reason: Reason


class SystemAnswer(Answer):
    """A system."""

    id: int
    name: str
    department: str
    purpose: str
    accountable_officer: str | None = Field(
        description="Who answers for it; while there is none, it may read and takes no step in a procedure."
    )
    roles: list[Role]
    expires_at: Instant
    revoked_at: Instant | None
    created_at: Instant


class SystemMade(SystemAnswer):
    """A system just made or renewed, with its secret, which is shown here once."""

    client_secret: str


class SystemsPage(Answer):
    """A page of systems."""

    items: list[SystemAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: Viewer,
    page: CurrentPage,
    department: Annotated[Line | None, Query(description="Only this department.")] = None,
) -> SystemsPage:
    """List the systems that the caller may see: its own department's, or all."""
    if not who.holds(*WIDE):
        department = who.department
    found = list_systems(session, department=department, after=page.number(), limit=page.limit + 1)
    numbers = [system.id for system in found]
    held, officers = system_roles(session, numbers), accountable_officers(session, numbers)
    answer = page.answer(
        found,
        lambda system: system.id,
        lambda system: _render(system, held[system.id], officers.get(system.id)),
    )
    return SystemsPage.model_validate(answer)


@router.post("", status_code=201)
def make(
    session: Database, who: SecurityAdministrator, response: Response, body: NewSystem, _key: IdempotencyKey = None
) -> SystemMade:
    """Make a system (接入) with its client secret."""
    roles = [role.value for role in body.roles]
    detail: dict[str, str | list[str]] = {
        "department": body.department,
        "purpose": body.purpose,
        "accountable_officer": body.accountable_officer,
        "roles": roles,
    }
    record(session, who, "system.add", f"system:{body.name}", detail=detail)
    system, secret = add_system(
        session,
        body.name,
        department=body.department,
        purpose=body.purpose,
        roles=body.roles,
        expires_at=utc_now() + timedelta(days=body.days),
        made_by=actor_of(who).name,
        accountable_officer=body.accountable_officer,
    )
    _tag(response, system)
    response.headers["Location"] = f"/api/v1/systems/{system.id}"
    return SystemMade(**_shown(session, system), client_secret=secret)


@router.get("/{number}")
def show(session: Database, who: Viewer, response: Response, number: Number) -> SystemAnswer:
    """Show one system of one's own department."""
    system = session.get(System, number)
    if system is None:
        raise not_found("system")
    own_department(who, system.department, noun="system", also=WIDE)
    _tag(response, system)
    return SystemAnswer(**_shown(session, system))


@router.post("/{number}/secret")
def renew(
    session: Database,
    who: SecurityAdministrator,
    response: Response,
    number: Number,
    if_match: IfMatch = None,
    _key: IdempotencyKey = None,
) -> SystemMade:
    """Give a system a new secret (更换密钥); the old one and all tokens end at once."""
    system = _to_change(session, number, if_match)
    record(session, who, "system.renew", f"system:{number}")
    secret = renew_secret(session, system)
    session.flush()
    _tag(response, system)
    return SystemMade(**_shown(session, system), client_secret=secret)


@router.put("/{number}/accountable-officer")
def name_officer(
    session: Database,
    who: SecurityAdministrator,
    response: Response,
    number: Number,
    body: NewOfficer,
    if_match: IfMatch = None,
) -> SystemAnswer:
    """Name another officer of its department who answers for a system (更换责任人), with the reason.

    What the system did stays an act of those who answered for it before too.
    """
    system = _to_change(session, number, if_match)
    detail = {"accountable_officer": body.login, "reason": body.reason}
    record(session, who, "system.officer", f"system:{number}", detail=detail)
    change_officer(session, system, body.login, by=actor_of(who).name, reason=body.reason)
    _tag(response, system)
    return SystemAnswer(**_shown(session, system))


@router.delete("/{number}")
def revoke(
    session: Database, who: SecurityAdministrator, response: Response, number: Number, if_match: IfMatch = None
) -> SystemAnswer:
    """End a system (注销) and all its tokens, effective with the next request."""
    system = _to_change(session, number, if_match)
    record(session, who, "system.revoke", f"system:{number}")
    revoke_system(session, system)
    session.flush()
    _tag(response, system)
    return SystemAnswer(**_shown(session, system))


def _to_change(session: Database, number: int, if_match: str | None) -> System:
    system = locked_system(session, number)
    if system is None:
        raise not_found("system")
    require_match(if_match, etag("system", system.id, system.revision))
    if system.revoked_at is not None:
        raise ProblemError("CONFLICT", reason="the system was ended (系统已注销)")
    return system


def _tag(response: Response, system: System) -> None:
    response.headers["ETag"] = etag("system", system.id, system.revision)


def _shown(session: Database, system: System) -> dict[str, object]:
    officer = accountable_officers(session, [system.id]).get(system.id)
    return _render(system, system_roles(session, [system.id])[system.id], officer)


def _render(system: System, roles: list[Role], officer: str | None) -> dict[str, object]:
    plain = ("id", "name", "department", "purpose", "expires_at", "revoked_at", "created_at")
    shown = {name: getattr(system, name) for name in plain}
    return {**shown, "roles": roles, "accountable_officer": officer}
