"""Requests that are safe to repeat (幂等): a POST with an Idempotency-Key takes effect once, however often it is sent.

The key belongs to its caller and is kept for a day with the answer, encrypted. The key is claimed before the endpoint
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

from catalog.control.base import utc_now
from catalog.control.credentials import TokenReusedError, caller_of
from catalog.control.event_tables import IdempotentAnswer
from catalog.control.sealing import seal, unseal
from catalog.control.session import session_scope
from catalog.service.access import DATABASE_PATIENCE, configuration
from catalog.service.api_problems import ProblemError

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
            key = request.headers.get(HEADER)
            if not key or request.method != "POST" or len(key) > LONGEST_KEY:
                return await handle(request)
            claim = Claim(request, key, _digest(request, await request.body()))
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

    def __init__(self, request: Request, key: str, digest: str) -> None:
        self.request = request
        self.key = key
        self.digest = digest
        self.caller = ""
        """Empty when nobody is known: then the endpoint itself refuses."""

    def take(self) -> Response | None:
        """Claim the key, or return the answer that it has.

        Raises:
            ProblemError: when it was used for another request, or is being worked on.
        """
        with session_scope(configuration(self.request).control_url, patience=DATABASE_PATIENCE) as session:
            _, _, token = self.request.headers.get("authorization", "").partition(" ")
            try:
                caller = caller_of(session, token.strip()) if token.strip() else None
            except TokenReusedError:
                caller = None
            if caller is None:
                return None
            self.caller = caller.subject
            session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.expires_at < utc_now()))
            claimed = session.execute(
                insert(IdempotentAnswer)
                .values(caller=self.caller, key=self.key, request_sha256=self.digest, expires_at=utc_now() + KEPT)
                .on_conflict_do_nothing()
                .returning(IdempotentAnswer.key)
            ).one_or_none()
            return None if claimed else self._kept(session.scalars(select(IdempotentAnswer).where(*self._mine())).one())

    def _kept(self, found: IdempotentAnswer) -> Response:
        if found.request_sha256 != self.digest:
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


def _digest(request: Request, body: bytes) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + body).hexdigest()
