"""Log-in by the identity provider (统一身份认证登录), and the binding of accounts to it."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import delete, select

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.credentials import LONGEST_SESSION, Issued, open_session
from catalog.control.identity_tables import OidcAttempt, Person
from catalog.control.people import bind_person, locked_person
from catalog.control.recipients import token_digest
from catalog.control.recovery import needs_second_person, propose_recovery
from catalog.control.session import session_scope
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import CurrentConfiguration, Database
from catalog.service.api.sessions import SessionToken
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_recoveries import RecoveryAnswer, recovery_answer, taken
from catalog.service.api_types import Answer, Body, Line, Number, Secret
from catalog.service.api_versions import IfMatch, etag, require_match
from catalog.service.configuration import DATABASE_PATIENCE, address_of
from catalog.service.identity import proven_elsewhere, require
from catalog.service.oidc import Identity, Provider
from catalog.service.rate_limit import Limited
from catalog.service.strangers import stranger, strangers_of

router = APIRouter(prefix="/oidc", tags=["oidc"], route_class=IdempotentRoute)

PATIENCE = timedelta(minutes=10)
"""How long a person may take at the identity provider."""

Proven = Depends(proven_elsewhere("the identity provider's signed token is the proof"))


class Redirection(Answer):
    """Where to send the person; `state` comes back with the code and is compared by who began."""

    address: str = Field(examples=["https://sso.example.gov/authorize?…"])
    state: str


class CameBack(Body):
    """What the identity provider sent back."""

    code: Secret
    state: Secret


class Binding(Body):
    """Whom the identity provider knows the person as."""

    subject: Line = Field(examples=["f3c1…"])


@router.post("/attempts", status_code=201, dependencies=[Proven, Limited])
def begin(session: Database, settings: CurrentConfiguration) -> Redirection:
    """Begin a log-in: the answer says where to send the person."""
    attempt, address = _provider(settings.oidc).begin()
    session.execute(delete(OidcAttempt).where(OidcAttempt.expires_at < utc_now()))
    session.add(
        OidcAttempt(
            state_sha256=token_digest(attempt.state),
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            expires_at=utc_now() + PATIENCE,
        )
    )
    return Redirection(address=address, state=attempt.state)


@router.post("/sessions", status_code=201, dependencies=[Proven, Limited])
def finish(request: Request, settings: CurrentConfiguration, body: CameBack) -> SessionToken:
    """Finish a log-in with the code that came back; an attempt is good once."""
    provider = _provider(settings.oidc)
    with session_scope(settings.control_url, patience=DATABASE_PATIENCE) as session:
        attempt = session.execute(
            delete(OidcAttempt)
            .where(OidcAttempt.state_sha256 == token_digest(body.state), OidcAttempt.expires_at > utc_now())
            .returning(OidcAttempt.nonce, OidcAttempt.verifier)
        ).one_or_none()
    if attempt is None:
        raise ProblemError("OIDC_REFUSED", reason="state")
    identity = provider.finish(body.code, nonce=attempt.nonce, verifier=attempt.verifier)
    with session_scope(settings.control_url, patience=DATABASE_PATIENCE) as session:
        issued = _open(session, request, identity)
    if issued is None:
        strangers_of(request).refused(stranger(request), "session.open", "oidc", "NOT_BOUND")
        raise ProblemError("LOGIN_REFUSED")
    return SessionToken(session=issued.id, token=issued.token, expires_at=utc_now() + LONGEST_SESSION)


@router.put(
    "/bindings/{number}",
    status_code=204,
    response_model=None,
    responses={202: {"model": RecoveryAnswer, "description": "Waits for its confirmation"}},
)
def bind(
    session: Database,
    settings: CurrentConfiguration,
    who: Annotated[Caller, Depends(require(Role.SYSTEM_ADMINISTRATOR))],
    number: Number,
    body: Binding,
    if_match: IfMatch = None,
) -> Response:
    """Bind an account to whom the identity provider knows; the person's sessions end.

    Of an account that holds a role this is a proposal (202), which a security administrator confirms.
    """
    provider = _provider(settings.oidc)
    person = locked_person(session, number)
    if person is None:
        raise not_found("person")
    require_match(if_match, etag("person", person.id, person.revision))
    identity = {"issuer": provider.issuer, "subject": body.subject}
    with taken():
        if needs_second_person(session, person):
            record(session, who, "recovery.propose", f"person:{number}", detail={"act": "bind", **identity})
            proposed = propose_recovery(session, person, "bind", by=who, **identity)
            return JSONResponse(recovery_answer(person, proposed).model_dump(mode="json"), 202)
        record(session, who, "person.bind", f"person:{number}", detail=identity)
        bind_person(session, person, **identity)
    return Response(status_code=204, headers={"ETag": etag("person", person.id, person.revision)})


def _open(session: Database, request: Request, identity: Identity) -> Issued | None:
    person = session.scalars(
        select(Person).where(
            Person.oidc_issuer == identity.issuer, Person.oidc_subject == identity.subject, Person.disabled_at.is_(None)
        )
    ).one_or_none()
    address, number = address_of(request), request.state.request_id
    if person is None:
        return None
    strength = "oidc_mfa" if identity.has_second_factor else "oidc"
    issued = open_session(session, person.id, strength=strength, address=address)
    who = Caller("person", person.id, person.login, person.department, address=address, request_id=number)
    record(session, who, "session.open", f"session:{issued.id}", detail={"by": "oidc"})
    return issued


def _provider(provider: Provider | None) -> Provider:
    if provider is None:
        raise ProblemError("OIDC_OFF")
    return provider
