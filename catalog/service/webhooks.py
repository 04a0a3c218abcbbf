"""Sending events (事件外发): signed, tried again, and recorded; the form is that of Standard Webhooks 1.0.

Invariant: what goes wrong with one attempt, whatever it is, is recorded with it and keeps no other from being made.

`webhook-signature` is `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` under the webhook's secret (`whsec_…`).
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping

import httpx
from sqlalchemy.exc import SQLAlchemyError

from catalog.control.events import ENDED, Shipment, is_wanted, lay_out, settle, take_due
from catalog.control.sealing import unseal
from catalog.control.session import session_scope
from catalog.model.errors import GuantongError
from catalog.service.configuration import DATABASE_PATIENCE
from catalog.service.webhook_guard import Guard, Target

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(5.0)
LONGEST_ATTEMPT = 15.0
"""Seconds that an attempt takes at most, also where the receiver answers a byte at a time."""
AT_A_TIME = 20
"""Attempts before new events are laid out again."""
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, no secret


def new_secret() -> str:
    """Return a random signing secret, as receivers configure it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message.

    >>> secret, message_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    >>> sign(secret, message_id, 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    message = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def headers_of(shipment: Shipment, secret: str, body: bytes, now: int) -> dict[str, str]:
    """Return the headers of a message; its id stays the same over all attempts."""
    message_id = f"evt_{shipment.event_id}_{shipment.webhook_id}"
    return {
        "content-type": "application/json",
        "user-agent": "guantong-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, message_id, now, body),
    }


def encode(body: Mapping[str, object]) -> bytes:
    """Return the bytes that are sent and signed."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def send(shipment: Shipment, guard: Guard) -> tuple[int | None, str | None]:
    """Make one attempt; return the status of the answer, or why there is none. Redirects are not followed."""
    try:
        return _attempt(shipment, guard)
    except Exception as error:
        return None, type(error).__name__


def _attempt(shipment: Shipment, guard: Guard) -> tuple[int | None, str | None]:
    try:
        target = guard.resolve(shipment.url)
        secret = unseal("webhook", f"webhook:{shipment.webhook_id}", shipment.sealed_secret).decode()
    except GuantongError as error:
        return None, error.args[0]
    body = encode(shipment.body)
    headers = {**headers_of(shipment, secret, body, int(time.time())), "host": target.authority}
    status = asyncio.run(_post(target, body, headers))
    return status, None if 200 <= status < 300 else f"answered {status}"


async def _post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    """Return the status of the answer, whose body is not read."""
    extensions = {"sni_hostname": target.host}
    async with (
        asyncio.timeout(LONGEST_ATTEMPT),
        httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client,
        client.stream("POST", target.url, content=body, headers=headers, extensions=extensions) as answer,
    ):
        return answer.status_code


def deliver_due(control_url: str, guard: Guard) -> int:
    """Lay out new events, make the attempts that are due, record each; return how many were made.

    Each is taken as it is made: an attempt never lies waiting behind slow ones while its lease runs out.
    """
    with session_scope(control_url, patience=DATABASE_PATIENCE) as session:
        lay_out(session)
    return sum(_deliver_next(control_url, guard) for _ in range(AT_A_TIME))


def _deliver_next(control_url: str, guard: Guard) -> int:
    """Take the attempt that is due first, make and record it; return how many that was."""
    with session_scope(control_url, patience=DATABASE_PATIENCE) as session:
        shipments = take_due(session)
    for shipment in shipments:
        try:
            _deliver(control_url, guard, shipment)
        except SQLAlchemyError as error:
            logger.warning("event %d to webhook %d is not recorded: %s", shipment.event_id, shipment.webhook_id,
                           type(error).__name__)  # fmt: skip
    return len(shipments)


def _deliver(control_url: str, guard: Guard, shipment: Shipment) -> None:
    """Make one attempt, if it is still wanted, and record it."""
    with session_scope(control_url, patience=DATABASE_PATIENCE) as session:
        wanted = is_wanted(session, shipment)
    status, error = send(shipment, guard) if wanted else (None, ENDED)
    with session_scope(control_url, patience=DATABASE_PATIENCE) as session:
        state = settle(session, shipment, status=status, error=error)
    logger.info("event %d to webhook %d: %s (%s)", shipment.event_id, shipment.webhook_id, state, error or status)


class Sender:
    """The thread that sends, in each process of the service; they never send the same attempt.

    A thread that has ended all the same is replaced at the next :meth:`revive`.
    """

    def __init__(self, control_url: str, guard: Guard, seconds: float = 2.0) -> None:
        self._control_url = control_url
        self._guard = guard
        self._seconds = seconds
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send; without a listed host there is nobody to send to."""
        if self._guard.hosts:
            self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
            self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread sends."""
        return self._thread is not None and self._thread.is_alive()

    def revive(self) -> None:
        """Begin again if the thread has ended though nobody stopped it."""
        if self._thread is not None and not self.is_running and not self._over.is_set():
            logger.error("the sender of events had ended and is started again")
            self.start()

    async def supervise(self) -> None:
        """Look after the thread until this is cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            self.revive()

    def stop(self) -> None:
        """End after the attempt in hand."""
        self._over.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                while deliver_due(self._control_url, self._guard) and not self._over.is_set():
                    pass
            except Exception as error:
                logger.warning("events wait: %s", type(error).__name__)
