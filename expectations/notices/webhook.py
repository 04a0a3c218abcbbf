"""Notices to another system (Webhook 告警): a signed POST, tried again with growing pauses.

The receiver proves a notice with the shared key: ``X-Guantong-Signature`` is ``t=<unix seconds>,v1=<hex>``, the
HMAC-SHA256 of ``<t>.<body>``; it refuses an old ``t``, and takes ``X-Guantong-Notice`` for telling repeats.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from expectations.notices.message import Message

PAUSES = (0.5, 2.0)
"""Seconds before the second and third try: a gate must not hang on a receiver that is away."""
TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class Sent:
    """What became of one notice."""

    tries: int
    error: str | None = None
    """None when it arrived."""


def sign(key: str, body: bytes, at: int) -> str:
    """Return the signature of ``body`` as sent at ``at`` (Unix seconds).

    >>> sign("k", b"{}", 0)[:16]
    't=0,v1=c847cd2c5'
    """
    digest = hmac.new(key.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def post(message: Message, url: str, key: str, pause: Callable[[float], None] = time.sleep) -> Sent:
    """Send a notice and tell what became of it; never raises for a receiver that is away or refuses.

    A receiver that answers 4xx has understood and refuses, so it is not asked again, 408 and 429 excepted.
    """
    body = json.dumps(message.body, ensure_ascii=False, sort_keys=True).encode()
    error = ""
    for attempt in range(1, len(PAUSES) + 2):
        headers = {
            "Content-Type": "application/json",
            "X-Guantong-Notice": str(message.notice_id),
            "X-Guantong-Signature": sign(key, body, int(time.time())),
        }
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=False)
        except httpx.HTTPError as trouble:
            error = f"{type(trouble).__name__}: {trouble}"
        else:
            if answer.is_success:
                return Sent(attempt)
            error = f"HTTP {answer.status_code}"
            if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
                return Sent(attempt, error)
        if attempt <= len(PAUSES):
            pause(PAUSES[attempt - 1])
    return Sent(len(PAUSES) + 1, error)
