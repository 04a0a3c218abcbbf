"""Who asks over the sharing protocol (访问控制): a recipient's bearer token, and what it may read at this moment."""

from collections.abc import AsyncIterator
from typing import Annotated

from anyio import CancelScope
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from sqlalchemy.orm import Session

from catalog.control.audit import READS_ONLY
from catalog.control.grant_use import narrower_grants, suspended_grants
from catalog.control.kept_back import columns_kept_back, require_sound_contract
from catalog.control.recipients import authenticate, readable_versions
from catalog.control.session import engine, reading_engine
from catalog.control.tables import ShareVersion
from catalog.model.caller import Caller
from catalog.service.configuration import DATABASE_PATIENCE, Configuration, address_of, configuration
from catalog.service.grant_limits import refuse_kept_back, refuse_narrower
from catalog.service.problems import SharingError, not_found

SESSIONS = 11
"""Requests that have a transaction at a time: fewer than the pool has connections, so that refusals find one too."""


async def place(request: Request) -> AsyncIterator[None]:
    """Wait for one of the places of requests that use the database (`SESSIONS`).

    Without that bound, requests that hold a connection would wait for a thread, while all threads wait for a
    connection.
    """
    async with request.app.state.sessions:
        yield


Place = Annotated[None, Depends(place, scope="function")]


async def database(request: Request, _place: Place) -> AsyncIterator[Session]:
    """Open the request's transaction: committed before the answer leaves, rolled back on any error."""
    session = Session(engine(configuration(request).control_url, DATABASE_PATIENCE), expire_on_commit=False)
    try:
        yield session
    except BaseException:
        with CancelScope(shield=True):
            await run_sync(session.close)
        raise
    with CancelScope(shield=True):
        await run_sync(_finish, session)


async def reading(request: Request, _place: Place) -> AsyncIterator[Session]:
    """Open a session for what only reads and records nothing; its statements each stand alone."""
    url = configuration(request).control_url
    with Session(reading_engine(url, DATABASE_PATIENCE), expire_on_commit=False, info={READS_ONLY: True}) as session:
        yield session


def _finish(session: Session) -> None:
    """Commit and give the connection back."""
    try:
        session.commit()
    finally:
        session.close()


Database = Annotated[Session, Depends(database, scope="function")]
Reading = Annotated[Session, Depends(reading, scope="function")]


def caller(request: Request, session: Database) -> Caller:
    """Return the recipient (接收系统) whose token the request carries.

    Raises:
        SharingError: 401 when there is none in force.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    recipient = authenticate(session, token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if recipient is None:
        raise SharingError(
            401,
            "UNAUTHENTICATED",
            "A bearer token that is in force is needed; it may be unknown, expired or revoked.",
            {"WWW-Authenticate": "Bearer"},
        )
    return known_recipient(request, recipient.id, recipient.name, recipient.department)


def known_recipient(request: Request, number: int, name: str, department: str) -> Caller:
    """Return a recipient as the one who acts, and remember it for the access line and the audit."""
    request_id = getattr(request.state, "request_id", "")
    who = Caller("recipient", number, name, department, address=address_of(request), request_id=request_id)
    request.state.caller = who
    request.state.recipient = name or f"#{number}"
    return who


CurrentRecipient = Annotated[Caller, Depends(caller)]


def granted_versions(
    session: Database, who: CurrentRecipient, share: str, schema: str, table: str
) -> list[ShareVersion]:
    """Return the versions of the table in the path that the caller may read, oldest first.

    Raises:
        InvalidContractError: 403, the contract of the table cannot be used.
        SharingError: 404 when there is none; the answer does not tell missing from not granted. 403 when a grant in
            force is narrower than the table, or was suspended because the negative list forbids what it has.
    """
    place = (share.lower(), schema.lower(), table.lower())
    found = readable_versions(session, who.id, *place)
    for version in found:
        require_sound_contract(version.resource)
    if not any(version.status == "served" for version in found):
        for grant in suspended_grants(session, who.id, *place):
            if listed := columns_kept_back(session, grant.resource or "", grant.items):
                raise refuse_kept_back(listed)
        raise next(map(refuse_narrower, narrower_grants(session, who.id, *place)), not_found())
    return list(found)


GrantedVersions = Annotated[list[ShareVersion], Depends(granted_versions)]


async def _configuration(request: Request) -> Configuration:
    return configuration(request)


CurrentConfiguration = Annotated[Configuration, Depends(_configuration)]
