"""How often one address may try to sign in (登录限速): a bucket of attempts per address, filled again with time.

Kept in the process: with several workers behind a proxy each has buckets of its own, so that the whole allows as many
times more. The address is that of the connection; `X-Forwarded-For` is believed from proxies that `TRUSTED_PROXY`
names. At most `MOST_ADDRESSES` are remembered; beyond that the one longest unused is forgotten.

However many addresses try at a time, `SIGN_INS` are worked on and `MOST_WAITING` wait: sign-ins hold no more
connections than that, and none while it waits for its turn.
"""

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from ipaddress import IPv6Address, ip_address

from anyio import Semaphore
from fastapi import Depends, Request

from catalog.service.api_problems import ProblemError
from catalog.service.configuration import address_of

MOST_ADDRESSES = 50_000

SIGN_INS = 2
"""Attempts to sign in that are worked on at a time: as many as passwords are hashed (`catalog.control.passwords`)."""
MOST_WAITING = 20


class RateLimit:
    """Attempts per address: as many at once as per minute, then one by one."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Address → attempts left, and when that was so."""

    def take(self, address: str) -> float:
        """Take one attempt of an address; return 0, or the seconds until there is one again.

        >>> moment = [0.0]
        >>> limit = RateLimit(2, clock=lambda: moment[0])
        >>> [limit.take("192.0.2.1") for _ in range(3)], limit.take("192.0.2.2")
        ([0.0, 0.0, 30.0], 0.0)
        >>> moment[0] = 30.0
        >>> limit.take("192.0.2.1")
        0.0
        """
        key, now = _network(address), self._clock()
        left, since = self._buckets.pop(key, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - since) * self.per_minute / 60)
        missing = max(0.0, 1 - left)
        self._buckets[key] = (left if missing else left - 1, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return missing * 60 / self.per_minute


async def sign_in_limit(request: Request) -> AsyncIterator[None]:
    """Let an attempt to sign in pass in its turn, or refuse it before anything is compared or written.

    Raises:
        ProblemError: 429 with the seconds to wait; 503 when too many wait already.
    """
    limit: RateLimit = request.app.state.sign_ins
    if seconds := limit.take(address_of(request)):
        wait = str(math.ceil(seconds))
        raise ProblemError("TOO_MANY_SIGN_INS", headers={"Retry-After": wait}, seconds=wait)
    places: Semaphore = request.app.state.sign_in_places
    if places.statistics().tasks_waiting >= MOST_WAITING:
        raise ProblemError("PASSWORDS_BUSY", headers={"Retry-After": "3"})
    async with places:
        yield


Limited = Depends(sign_in_limit, scope="function")
"""What an endpoint declares at which somebody signs in."""


def _network(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of a site (/64), which has addresses without number.

    >>> _network("2001:db8::1:2"), _network("192.0.2.7"), _network("testclient")
    ('2001:db8::', '192.0.2.7', 'testclient')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
