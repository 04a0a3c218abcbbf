"""Access tokens of systems (访问令牌): OAuth 2.0 client credentials (RFC 6749) and revocation (RFC 7009)."""

import base64
import binascii
from datetime import timedelta
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from catalog.control.audit import record
from catalog.control.credentials import issue_system_token, revoke_system_token
from catalog.control.identity_tables import System
from catalog.control.session import session_scope
from catalog.control.systems import authenticate_system
from catalog.model.caller import Caller
from catalog.service.access import CurrentConfiguration, Database
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_types import Answer
from catalog.service.configuration import DATABASE_PATIENCE, address_of
from catalog.service.identity import proven_elsewhere
from catalog.service.rate_limit import Limited
from catalog.service.strangers import stranger, strangers_of

router = APIRouter(
    prefix="/token",
    tags=["token"],
    route_class=IdempotentRoute,
    dependencies=[Depends(proven_elsewhere("the client's secret is the proof")), Limited],
)

TERM = timedelta(hours=1)
"""Readers of shared tables ask again for every request when it is under half an hour."""

Text = Annotated[str | None, Form(max_length=400)]


class AccessToken(Answer):
    """An access token; shown here once (RFC 6749, 5.1)."""

    access_token: str = Field(examples=["gtc_…"])
    token_type: str = Field(default="Bearer", examples=["Bearer"])
    expires_in: int = Field(examples=[3600])


class TokenRefused(Answer):
    """A refusal (RFC 6749, 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


REFUSALS: dict[int | str, dict[str, object]] = {400: {"model": TokenRefused}, 401: {"model": TokenRefused}}


@router.post("", response_model=AccessToken, responses=REFUSALS)
def issue(
    request: Request,
    settings: CurrentConfiguration,
    grant_type: Text = None,
    client_id: Text = None,
    client_secret: Text = None,
) -> Response:
    """Give a system an access token for its client id and secret, by HTTP Basic or in the form."""
    if grant_type != "client_credentials":
        return _refuse(400, "unsupported_grant_type", "The one grant type is client_credentials.")
    shown = _shown(request, client_id, client_secret)
    with session_scope(settings.control_url, patience=DATABASE_PATIENCE) as session:
        system = authenticate_system(session, *shown) if shown else None
        if system is not None:
            issued = issue_system_token(session, system.id, TERM)
            record(session, _caller(request, system), "token.issue", f"token:{issued.id}")
    if system is None:
        strangers_of(request).refused(stranger(request), "token.issue", "token", "INVALID_CLIENT")
        return _unknown()
    content = AccessToken(access_token=issued.token, expires_in=int(TERM.total_seconds()))
    return JSONResponse(content.model_dump(), headers={"Pragma": "no-cache"})


@router.post("/revocation", response_model=None, responses={**REFUSALS, 200: {"description": "Over, or never was"}})
def revoke(
    request: Request,
    session: Database,
    token: Annotated[str, Form(min_length=1, max_length=400)],
    client_id: Text = None,
    client_secret: Text = None,
) -> Response:
    """End an access token at once; a token that is not the system's own is answered the same."""
    shown = _shown(request, client_id, client_secret)
    system = authenticate_system(session, *shown) if shown else None
    if system is None:
        return _unknown()
    record(session, _caller(request, system), "token.revoke", f"system:{system.id}")
    revoke_system_token(session, token, system.id)
    return Response(status_code=200)


def _shown(request: Request, client_id: str | None, client_secret: str | None) -> tuple[str, str] | None:
    """Return the client id and secret that a request shows, in one way only."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeError):
            return None
        return (unquote_plus(name), unquote_plus(secret)) if client_secret is None else None
    return (client_id, client_secret) if client_id and client_secret else None


def _caller(request: Request, system: System) -> Caller:
    address, number = address_of(request), request.state.request_id
    return Caller("system", system.id, system.name, system.department, address=address, request_id=number)


def _unknown() -> Response:
    return _refuse(401, "invalid_client", "Client id and secret are not those of a system in force.")


def _refuse(status: int, error: str, description: str) -> Response:
    headers = {"WWW-Authenticate": "Basic"} if status == 401 else {}
    return JSONResponse({"error": error, "error_description": description}, status, headers)
