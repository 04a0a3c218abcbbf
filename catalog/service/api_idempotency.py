"""Requests that are safe to repeat (幂等): a POST with an Idempotency-Key takes effect once, however often it is sent.

The key belongs to its caller and is kept for a day with the answer, encrypted. The answer is given again only to who
may still do the act, in the roles held then, and each time is in the audit; where the endpoint itself proves who asks,
a key has no effect. The key is claimed before the endpoint
runs: of two equal requests at a time one works and the other is told to wait. A request that was refused frees
its key. When the service is killed between effect and answer, the key stays claimed, so that nothing happens twice.
"""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Header, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.credentials import TokenReusedError
from catalog.control.event_tables import IdempotentAnswer
from catalog.control.sealing import seal, unseal
from catalog.control.session import session_scope
from catalog.model.caller import Caller
from catalog.service.api_problems import ProblemError
from catalog.service.configuration import DATABASE_PATIENCE, configuration
from catalog.service.identity import CallerRequirement, Requirement, admitted, caller_shown, requirement_of

HEADER = "idempotency-key"
KEPT = timedelta(days=1)
LONGEST_KEY = 128
_HEADERS_KEPT = ("content-type", "etag", "location")

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", max_length=LONGEST_KEY, description="Makes the request safe to repeat.")
]
"""What an endpoint declares so that its OpenAPI names the header; `IdempotentRoute` does the work."""


class IdempotentRoute(APIRoute):
    """A route that answers a repeated POST with its first answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the endpoint, wrapped."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            key, requirement = request.headers.get(HEADER), requirement_of(self)
            if not key or len(key) > LONGEST_KEY or request.method != "POST":
                return await handle(request)
            if not isinstance(requirement, CallerRequirement):
                return await handle(request)
            claim = Claim(request, key, requirement, await request.body())
            kept = await run_sync(claim.take)
            if kept is not None:
                return kept
            try:
                response = await handle(request)
            except BaseException:
                await run_sync(claim.free)
                raise
            await run_sync(claim.keep, response)
            return response

        return handler


class Claim:
    """One key of one caller."""

    def __init__(self, request: Request, key: str, requirement: Requirement, body: bytes) -> None:
        self.request = request
        self.key = key
        self.requirement = requirement
        self.body = body
        self.caller = ""
        """Empty when nobody is known: then the endpoint itself refuses."""

    def take(self) -> Response | None:
        """Claim the key, or return the answer that it has.

        Raises:
            ProblemError: when the caller may not do the act, the key was used for another request or in other roles,
                or is being worked on.
            AuditUnavailableError: when it cannot be recorded that the answer is given again.
        """
        with session_scope(configuration(self.request).control_url, patience=DATABASE_PATIENCE) as session:
            caller = self._known(session)
            if caller is None:
                return None
            admitted(self.requirement, caller)
            self.caller = caller.subject
            digest = _digest(self.request, self.body, caller)
            session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.expires_at < utc_now()))
            claimed = session.execute(
                insert(IdempotentAnswer)
                .values(caller=self.caller, key=self.key, request_sha256=digest, expires_at=utc_now() + KEPT)
                .on_conflict_do_nothing()
                .returning(IdempotentAnswer.key)
            ).one_or_none()
            if claimed:
                return None
            kept = self._kept(session.scalars(select(IdempotentAnswer).where(*self._mine())).one(), digest)
            place = f"{self.request.method} {self.request.url.path}"
            record(session, caller, "request.replay", place, detail={"status": kept.status_code})
            return kept

    def _known(self, session: Session) -> Caller | None:
        """Return who asks; nobody where the endpoint itself will say why not."""
        try:
            return caller_shown(self.request, session)
        except TokenReusedError:
            return None

    def _kept(self, found: IdempotentAnswer, digest: str) -> Response:
        if found.request_sha256 != digest:
            raise ProblemError("IDEMPOTENCY_KEY_REUSED")
        if found.status is None:
            raise ProblemError("IDEMPOTENCY_IN_PROGRESS", headers={"Retry-After": "1"})
        body = unseal("answer", self._owner, found.body.decode())
        return Response(body, found.status, {**found.headers, "Idempotency-Replayed": "true"})

    def keep(self, response: Response) -> None:
        """Keep the answer; a failure of the service frees the key."""
        if response.status_code >= 500:
            self.free()
            return
        headers = {name: response.headers[name] for name in _HEADERS_KEPT if name in response.headers}
        values = {
            "status": response.status_code,
            "headers": headers,
            "body": seal("answer", self._owner, bytes(response.body)).encode(),
        }
        self._change(update(IdempotentAnswer).where(*self._mine()).values(values))

    def free(self) -> None:
        """Give the key back: the request had no effect."""
        self._change(delete(IdempotentAnswer).where(*self._mine(), IdempotentAnswer.status.is_(None)))

    def _change(self, statement: Any) -> None:  # noqa: ANN401 - update or delete
        if self.caller:
            with session_scope(configuration(self.request).control_url, patience=DATABASE_PATIENCE) as session:
                session.execute(statement)

    def _mine(self) -> tuple[Any, Any]:
        return IdempotentAnswer.caller == self.caller, IdempotentAnswer.key == self.key

    @property
    def _owner(self) -> str:
        return f"{self.caller}/{self.key}"


def _digest(request: Request, body: bytes, caller: Caller) -> str:
    """Return what a request is, and in which roles it is made: another department's object is seen by some only."""
    roles = " ".join(sorted(caller.roles))
    head = f"{request.method} {request.url.path}?{request.url.query}\n{roles}\n".encode()
    return hashlib.sha256(head + body).hexdigest()
