"""One line for each access (访问日志), and headers that keep answers out of other hands.

A line names the recipient, never its token; the query string, which may hold a signature, is not logged.
"""

import json
import logging
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog.service.problems import problem

logger = logging.getLogger("guantong.audit")

LARGEST_BODY = 1024 * 1024

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class AccessMiddleware:
    """Wraps every request: refuses oversized bodies, adds the headers, writes the line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.monotonic()
        state = scope.setdefault("state", {})
        seen = {"status": 500, "bytes": 0}

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                MutableHeaders(scope=message).update(_HEADERS)
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            if _body_size(scope) > LARGEST_BODY:
                answer = problem(413, "REQUEST_TOO_LARGE", "The body of a request has at most one mebibyte.")
                await answer(scope, receive, watched)
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


def _write_line(scope: Scope, state: dict[str, Any], seen: dict[str, int], seconds: float) -> None:
    line = {
        "recipient": state.get("recipient"),
        "client": (scope.get("client") or ("",))[0],
        "method": scope["method"],
        "path": scope["path"],
        **seen,
        "milliseconds": round(seconds * 1000),
    }
    logger.info("%s", json.dumps(line, ensure_ascii=False))
