"""How often one address may try to sign in (登录限速): a bucket of attempts per address, filled again with time.

Kept in the process: with several workers behind a proxy each has buckets of its own, so that the whole allows as many
times more. The address is the one that uvicorn reports, which believes `X-Forwarded-For` from this machine's own proxy
only. At most `MOST_ADDRESSES` are remembered; beyond that the one longest unused is forgotten.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, Request

from catalog.service.api_problems import ProblemError

MOST_ADDRESSES = 50_000


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


async def sign_in_limit(request: Request) -> None:
    """Let an attempt to sign in pass, or refuse it before anything is compared or written.

    Raises:
        ProblemError: 429 with the seconds to wait.
    """
    limit: RateLimit = request.app.state.sign_ins
    address = request.client.host if request.client else ""
    if seconds := limit.take(address):
        wait = str(math.ceil(seconds))
        raise ProblemError("TOO_MANY_SIGN_INS", headers={"Retry-After": wait}, seconds=wait)


SignInLimit = Annotated[None, Depends(sign_in_limit)]


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
