"""Accounts and roles (人员与角色): one administrator makes accounts, another gives roles (三员分立)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from catalog.control.audit import record
from catalog.control.identity_tables import Person
from catalog.control.password_files import deliver_password
from catalog.control.people import (
    add_person,
    disable_person,
    end_role,
    grant_role,
    has_unconfirmed_binding,
    list_people,
    locked_person,
    reset_password,
    roles_of,
)
from catalog.control.recovery import needs_second_person, propose_recovery
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_recoveries import RecoveryAnswer, recovery_answer
from catalog.service.api_types import Answer, Body, Instant, Line, Number
from catalog.service.api_versions import IfMatch, etag, require_match
from catalog.service.identity import require

router = APIRouter(prefix="/people", tags=["people"], route_class=IdempotentRoute)

SystemAdministrator = Annotated[Caller, Depends(require(Role.SYSTEM_ADMINISTRATOR))]
SecurityAdministrator = Annotated[Caller, Depends(require(Role.SECURITY_ADMINISTRATOR))]
AnyAdministrator = Annotated[
    Caller, Depends(require(Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR))
]


class NewPerson(Body):
    """An account to be made."""

    login: str = Field(pattern=r"^[a-z][a-z0-9._-]{1,62}$", examples=["wang"])
    display_name: Line = Field(examples=["示范人员"])
    department: Line = Field(examples=["water"])
    staff_number: Line = Field(examples=["S-0042"])
    kind: Literal["officer", "administrator"] = "officer"


class PersonAnswer(Answer):
    """An account."""

    id: int = Field(examples=[7])
    login: str
    display_name: str
    department: str
    staff_number: str
    kind: str
    roles: list[Role]
    has_totp: bool
    oidc_subject: str | None = Field(description="Whom the identity provider knows the account as, when it is bound.")
    locked_until: Instant | None
    disabled_at: Instant | None
    created_at: Instant


class PersonMade(PersonAnswer):
    """An account just made or reset; its one-time password goes to its person, never into an answer."""

    password_file: str = Field(
        description="Where it lies below GUANTONG_HOME on the machine, to be handed over by the operator.",
        examples=["people/wang.password"],
    )


class PeoplePage(Answer):
    """A page of accounts."""

    items: list[PersonAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Database,
    who: AnyAdministrator,
    page: CurrentPage,
    department: Annotated[Line | None, Query(description="Only this department.")] = None,
) -> PeoplePage:
    """List accounts in order of number."""
    record(session, who, "people.read", f"department:{department or '*'}", purpose="account administration")
    found = list_people(session, department=department, after=page.number(), limit=page.limit + 1)
    held = roles_of(session, [person.id for person in found])
    answer = page.answer(found, lambda person: person.id, lambda person: _render(person, held[person.id]))
    return PeoplePage.model_validate(answer)


@router.post("", status_code=201)
def make(
    session: Database, who: SystemAdministrator, response: Response, body: NewPerson, _key: IdempotencyKey = None
) -> PersonMade:
    """Make an account (开户); it has no role until a security administrator gives one.

    Its one-time password is written on the machine for its person.
    """
    detail = {"login": body.login, "department": body.department, "kind": body.kind}
    record(session, who, "person.add", f"person:{body.login}", detail=detail)
    person, password = add_person(
        session,
        login=body.login,
        display_name=body.display_name,
        department=body.department,
        staff_number=body.staff_number,
        kind=body.kind,
    )
    _tag(response, person)
    response.headers["Location"] = f"/api/v1/people/{person.id}"
    return PersonMade(**_render(person, []), password_file=deliver_password(session, person.login, password))


@router.get("/{number}")
def show(session: Database, who: AnyAdministrator, response: Response, number: Number) -> PersonAnswer:
    """Show one account; its ETag goes into If-Match of a change."""
    person = session.get(Person, number)
    if person is None:
        raise not_found("person")
    record(session, who, "people.read", f"person:{number}", purpose="account administration")
    _tag(response, person)
    return _answer(session, person)


@router.put("/{number}/roles/{role}")
def give(
    session: Database,
    who: SecurityAdministrator,
    response: Response,
    number: Number,
    role: Role,
    if_match: IfMatch = None,
) -> PersonAnswer:
    """Give a role (授予角色); the person's sessions end.

    A binding to an identity (`oidc_subject`) that two persons did not confirm ends: it is proposed and confirmed anew.
    """
    person = _to_change(session, number, if_match)
    unbound = person.oidc_subject if has_unconfirmed_binding(session, person) else None
    record(session, who, "role.grant", f"person:{number}", detail={"role": role.value, "unbound": unbound})
    grant_role(session, person, role, by=who)
    _tag(response, person)
    return _answer(session, person)


@router.delete("/{number}/roles/{role}")
def take(
    session: Database,
    who: SecurityAdministrator,
    response: Response,
    number: Number,
    role: Role,
    if_match: IfMatch = None,
) -> PersonAnswer:
    """Take a role away (收回角色), effective with the next request."""
    person = _to_change(session, number, if_match)
    record(session, who, "role.end", f"person:{number}", detail={"role": role.value})
    if not end_role(session, person, role):
        raise not_found("role")
    _tag(response, person)
    return _answer(session, person)


@router.post("/{number}/reset", responses={202: {"model": RecoveryAnswer, "description": "Waits for its confirmation"}})
def reset(
    session: Database,
    who: SystemAdministrator,
    response: Response,
    number: Number,
    if_match: IfMatch = None,
    _key: IdempotencyKey = None,
) -> PersonMade | RecoveryAnswer:
    """Give a new one-time password, free of a lock and of the one-time codes; the person's sessions end.

    Of an account that holds a role this is a proposal (202), which a security administrator confirms.
    """
    person = _to_change(session, number, if_match)
    if needs_second_person(session, person):
        record(session, who, "recovery.propose", f"person:{number}", detail={"act": "reset"})
        response.status_code = 202
        return recovery_answer(person, propose_recovery(session, person, "reset", by=who))
    record(session, who, "person.reset", f"person:{number}")
    password = reset_password(session, person)
    session.flush()
    _tag(response, person)
    return PersonMade(**_render(person, []), password_file=deliver_password(session, person.login, password))


@router.delete("/{number}")
def disable(
    session: Database, who: SystemAdministrator, response: Response, number: Number, if_match: IfMatch = None
) -> PersonAnswer:
    """Disable an account (停用), effective with the next request; its record stays."""
    person = _to_change(session, number, if_match)
    record(session, who, "person.disable", f"person:{number}")
    disable_person(session, person)
    session.flush()
    _tag(response, person)
    return _answer(session, person)


def _to_change(session: Database, number: int, if_match: str | None) -> Person:
    person = locked_person(session, number)
    if person is None:
        raise not_found("person")
    require_match(if_match, etag("person", person.id, person.revision))
    if person.disabled_at is not None:
        raise ProblemError("CONFLICT", reason="the account is disabled (账号已停用)")
    return person


def _tag(response: Response, person: Person) -> None:
    response.headers["ETag"] = etag("person", person.id, person.revision)


def _answer(session: Database, person: Person) -> PersonAnswer:
    return PersonAnswer(**_render(person, roles_of(session, [person.id])[person.id]))


def _render(person: Person, roles: list[Role]) -> dict[str, object]:
    plain = ("id", "login", "display_name", "department", "staff_number", "kind", "locked_until", "disabled_at")
    return {
        **{name: getattr(person, name) for name in plain},
        "roles": roles,
        "oidc_subject": person.oidc_subject,
        "has_totp": person.totp_confirmed_at is not None,
        "created_at": person.created_at,
    }
