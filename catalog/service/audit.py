"""One line for each access (访问日志), a number for each request, and headers that keep answers out of other hands.

A line stays one line whatever is asked for, and names the recipient, never its token; the query string, which may hold
a signature, is not logged. What the law asks to be kept is in the audit (`catalog.control.audit`); these lines are for
the operator.
"""

import json
import logging
import time
import uuid
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.service.api_problems import ProblemError, answer
from catalog.service.problems import API, problem, unreadable

logger = logging.getLogger("guantong.audit")

LARGEST_BODY = 1024 * 1024

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"interest-cohort=()"),
)
"""No endpoint sets one of these itself."""
_UNLESS_SAID = (b"cache-control", b"no-store")
"""An answer that may be kept says so itself."""


class AccessMiddleware:
    """Wraps every request: numbers it, refuses oversized bodies and NUL, adds the headers, writes the line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        state = scope.setdefault("state", {})
        state["request_id"] = uuid.uuid4().hex
        seen = {"status": 500, "bytes": 0}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                headers = message["headers"]
                headers += (*_HEADERS, (b"x-request-id", state["request_id"].encode()))
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append(_UNLESS_SAID)
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            if _body_size(scope) > LARGEST_BODY:
                await _too_large(scope)(scope, receive, watched)
            elif "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                await unreadable(Request(scope))(scope, receive, watched)
            else:
                await self.app(scope, receive, watched)
        finally:
            _write_line(scope, state, seen, time.monotonic() - began)


def _body_size(scope: Scope) -> int:
    """Return the announced size of a body; one that does not announce it counts as too large."""
    headers = Headers(scope=scope)
    announced = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not announced.isdigit():
        return LARGEST_BODY + 1
    return int(announced)


def _too_large(scope: Scope) -> Response:
    if scope["path"].startswith(API):
        return answer(Request(scope), ProblemError("REQUEST_TOO_LARGE"))
    return problem(413, "REQUEST_TOO_LARGE", "The body of a request has at most one mebibyte.")


def _write_line(scope: Scope, state: dict[str, Any], seen: dict[str, int], seconds: float) -> None:
    line = {
        "request": state["request_id"],
        "recipient": state.get("recipient"),
        "client": (scope.get("client") or ("",))[0],
        "method": scope["method"],
        "path": scope["path"],
        **seen,
        "milliseconds": round(seconds * 1000),
    }
    logger.info("%s", json.dumps(line))
