"""Who asks, and what an endpoint requires (身份与授权): nothing is open unless it says so and why.

Every endpoint of the service declares exactly one requirement; `require_declared` keeps the service from starting when
one does not. `scoped` says that the endpoint acts on objects of departments, which it must compare with the caller's
(`Caller.is_of`, `own_department`): the authorisation matrix of the tests then tries another department's object.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from catalog.control.audit import record_alone
from catalog.control.credentials import TokenReusedError, caller_of, end_session
from catalog.control.session import session_scope
from catalog.model.caller import STRANGER, Caller
from catalog.model.errors import GuantongError
from catalog.model.roles import Role
from catalog.service.access import CurrentRecipient, Reading
from catalog.service.api_problems import ProblemError
from catalog.service.configuration import DATABASE_PATIENCE, address_of, configuration

__all__ = [
    "Caller",
    "Requirement",
    "current_caller",
    "open_to_all",
    "own_department",
    "require",
    "signed_in",
]

Access = Literal["roles", "signed_in", "enrolling", "recipient", "proven_elsewhere", "open"]


class UndeclaredRequirementError(GuantongError):
    """An endpoint does not say who may use it."""

    code = "REQUIREMENT_UNDECLARED"


def current_caller(request: Request, session: Reading) -> Caller:
    """Return who shows the request's bearer token, and give the connection back: an endpoint may take its own.

    Raises:
        ProblemError: as :func:`proven_caller`.
    """
    caller = proven_caller(request, session)
    session.commit()
    return caller


def proven_caller(request: Request, session: Reading) -> Caller:
    """Return who shows the request's bearer token: a person, a system, or a recipient of shared tables.

    Raises:
        ProblemError: 401 when no token is in force; a token from before a rotation ends its session.
    """
    try:
        found = caller_shown(request, session)
    except TokenReusedError as error:
        _end_copied(request, error.caller)
        raise ProblemError("TOKEN_REUSED", headers=_CHALLENGE) from error
    if found is None:
        raise ProblemError("UNAUTHENTICATED", headers=_CHALLENGE)
    return found


def caller_shown(request: Request, session: Session) -> Caller | None:
    """Return whose bearer token a request shows, remembered for the access line and the audit; None when nobody's.

    Raises:
        TokenReusedError: when the token was replaced by a rotation.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token.strip() if scheme.lower() == "bearer" else ""
    found = caller_of(session, shown) if shown else None
    if found is None:
        return None
    caller = replace(found, address=address_of(request), request_id=getattr(request.state, "request_id", ""))
    request.state.caller = caller
    request.state.recipient = caller.subject
    return caller


CurrentCaller = Annotated[Caller, Depends(current_caller)]

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def _end_copied(request: Request, caller: Caller) -> None:
    url = configuration(request).control_url
    with session_scope(url, patience=DATABASE_PATIENCE) as session:
        end_session(session, caller.credential)
    record_alone(url, caller, "session.reuse", f"session:{caller.credential}", "refused", reason="TOKEN_REUSED")


@dataclass(frozen=True)
class Requirement:
    """What an endpoint requires of who asks; a FastAPI dependency that answers the caller."""

    access: Access
    roles: frozenset[Role] = frozenset()
    scoped: bool = False
    wide: frozenset[Role] = frozenset()
    """Of a scoped endpoint the roles that may act on every department's objects."""
    reason: str = ""
    """Why it is open, or where else it is proven."""

    def described(self) -> dict[str, Any]:
        """Return it as it stands in the OpenAPI document under `x-requires`."""
        return {
            "access": self.access,
            "roles": sorted(self.roles),
            "scoped": self.scoped,
            "wide": sorted(self.wide),
            "reason": self.reason,
        }


def admitted(requirement: Requirement, caller: Caller) -> Caller:
    """Return a caller whom a requirement admits; a recipient's token is for the sharing protocol alone.

    Raises:
        ProblemError: 403 when it does not.
    """
    if caller.kind == "recipient":
        raise ProblemError("SHARING_ONLY")
    if not caller.enrolled and requirement.access != "enrolling":
        raise ProblemError("ENROLMENT_REQUIRED")
    if requirement.access == "roles" and not caller.holds(*requirement.roles):
        raise ProblemError("ROLE_MISSING", roles=", ".join(sorted(requirement.roles)))
    return caller


@dataclass(frozen=True)
class CallerRequirement(Requirement):
    """A requirement that looks at the caller."""

    async def __call__(self, caller: CurrentCaller) -> Caller:
        """Accept the caller, or refuse with 403."""
        return admitted(self, caller)


@dataclass(frozen=True)
class OtherRequirement(Requirement):
    """A requirement that is proven elsewhere, or none."""

    async def __call__(self) -> Caller:
        """Answer that nobody is known."""
        return STRANGER


@dataclass(frozen=True)
class RecipientRequirement(Requirement):
    """A requirement of the sharing protocol: a recipient's token."""

    async def __call__(self, caller: CurrentRecipient) -> Caller:
        """Answer the recipient."""
        return caller


def require(*roles: Role, scoped: bool = False, wide: tuple[Role, ...] = ()) -> CallerRequirement:
    """Require one of the roles: `who: Annotated[Caller, Depends(require(Role.AUDITOR))]`.

    Args:
        roles: any of them.
        scoped: whether the endpoint acts on objects of departments.
        wide: roles that it lets act on every department's; the same that go to `own_department` as `also`.
    """
    if not roles:
        raise ValueError("name a role, or say signed_in() or open_to_all()")
    return CallerRequirement("roles", frozenset(roles), scoped, frozenset(wide))


def signed_in(*, scoped: bool = False, wide: tuple[Role, ...] = ()) -> CallerRequirement:
    """Require any person or system whose token is in force."""
    return CallerRequirement("signed_in", scoped=scoped, wide=frozenset(wide))


def enrolling() -> CallerRequirement:
    """Require a person, who may still have a first password to change or a one-time code to set up."""
    return CallerRequirement("enrolling")


def recipients_only() -> RecipientRequirement:
    """Require a recipient of shared tables; what it may read is decided by its grants."""
    return RecipientRequirement("recipient")


def proven_elsewhere(reason: str) -> OtherRequirement:
    """Declare that the endpoint itself proves who asks, such as by a signed address or a client secret."""
    return OtherRequirement("proven_elsewhere", reason=reason)


def open_to_all(reason: str) -> OtherRequirement:
    """Declare that an endpoint is open, and why."""
    return OtherRequirement("open", reason=reason)


def own_department(caller: Caller, department: str, *, noun: str, also: tuple[Role, ...] = ()) -> None:
    """Accept an object of the caller's department, or refuse as if there were none.

    Args:
        caller: who asks.
        department: whose the object is.
        noun: what it is called in the answer.
        also: roles that may act on every department's objects.
    """
    if not caller.is_of(department) and not caller.holds(*also):
        raise ProblemError("NOT_FOUND", noun=noun, refusal="OTHER_DEPARTMENT")


def requirement_of(route: APIRoute) -> Requirement | None:
    """Return what a route declares.

    Raises:
        UndeclaredRequirementError: when it declares two that differ.
    """
    found = {call for call in _calls(route.dependant) if isinstance(call, Requirement)}
    if len(found) > 1:
        raise UndeclaredRequirementError(f"{route.path} declares two requirements", remedy="leave the stricter one")
    return next(iter(found), None)


def require_declared(app: FastAPI) -> None:
    """Accept an application whose every endpoint declares its requirement.

    Raises:
        UndeclaredRequirementError: naming those that do not.
    """
    silent = [
        getattr(route, "path", str(route))
        for route in app.routes
        if not isinstance(route, APIRoute) or requirement_of(route) is None
    ]
    if silent:
        raise UndeclaredRequirementError(
            f"nothing says who may use {', '.join(sorted(set(silent)))}",
            place="catalog/service",
            remedy="add require(Role.…), signed_in() or open_to_all(reason) to each",
        )


def _calls(dependant: Dependant) -> Iterator[object]:
    for child in dependant.dependencies:
        yield child.call
        yield from _calls(child)
