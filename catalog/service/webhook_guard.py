"""Where events may be sent (防服务端请求伪造): hosts that the operator has listed, and never this machine unless told.

A name is resolved once, each of its addresses is judged, and the connection goes to the judged address: a name that
answers differently a moment later leads nowhere.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from catalog.model.errors import GuantongError

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
_METADATA = ipaddress.ip_address("fd00:ec2::254")

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
LONGEST_NAME = 253
"""Characters of a host name (RFC 1035); a label of it has at most 63."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetRefusedError(GuantongError):
    """Events are not sent to this address."""

    code = "WEBHOOK_REFUSED"


@dataclass(frozen=True)
class Target:
    """A judged address to connect to."""

    url: str
    """With the address in place of the name."""
    host: str
    """The name, for Host and for the certificate."""
    authority: str
    """Host header."""


@dataclass(frozen=True)
class Guard:
    """The operator's list."""

    hosts: frozenset[str]
    """`name`, `.suffix` (every name below it), or `address:port` for one listener of this machine or network."""

    @classmethod
    def from_setting(cls, setting: str) -> "Guard":
        """Return the guard of a list with commas; an empty one lets nothing out.

        >>> sorted(Guard.from_setting("hooks.example.gov, .water.example.gov").hosts)
        ['.water.example.gov', 'hooks.example.gov']
        """
        return cls(frozenset(part.strip().lower() for part in setting.split(",") if part.strip()))

    def require_listed(self, url: str) -> SplitResult:
        """Return the parts of an address that may be named, before any name is resolved.

        Raises:
            TargetRefusedError: when scheme, form or host are not allowed.

        >>> Guard.from_setting(".example.gov").require_listed("https://a.example.gov/hook").hostname
        'a.example.gov'
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise _refused("it is no address") from error
        exact = f"{host}:{port}" if port else ""
        if parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.fragment:
            raise _refused("it is an https address without name, password or fragment")
        if any(not 32 < ord(character) < 127 or character == "\\" for character in url):
            raise _refused("it has blanks, controls or characters that are not ASCII (names in their xn-- form)")
        if not _is_host(host) or not _is_sendable(url):
            raise _refused("its host is no name that can be resolved")
        listed = host in self.hosts or any(host.endswith(one) for one in self.hosts if one.startswith("."))
        if not listed and exact not in self.hosts:
            raise _refused("its host is not on the operator's list (WEBHOOK_HOSTS)")
        if parts.scheme == "http" and exact not in self.hosts:
            raise _refused("only https is sent to; http needs host and port on the list")
        return parts

    def resolve(self, url: str) -> Target:
        """Return where to connect, now.

        Raises:
            TargetRefusedError: when the name leads to this machine, to cloud metadata, or nowhere.
        """
        parts = self.require_listed(url)
        host = (parts.hostname or "").lower()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise _refused("its name leads nowhere") from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
        for address in addresses:
            if is_inside(address) and f"{host}:{port}" not in self.hosts:
                raise _refused("its name leads to this machine, a link-local or a reserved address")
        literal = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
        query = f"?{parts.query}" if parts.query else ""
        return Target(f"{parts.scheme}://{literal}:{port}{parts.path or '/'}{query}", host, parts.netloc)


def _is_host(host: str) -> bool:
    """Tell whether a host is an address, or a name that a resolver can be asked for.

    >>> _is_host("hooks.example.gov"), _is_host("::1"), _is_host("a..gov"), _is_host("a" * 64 + ".gov")
    (True, True, False, False)
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return len(host) <= LONGEST_NAME and all(map(_LABEL.fullmatch, host.split(".")))
    return True


def _is_sendable(url: str) -> bool:
    """Tell whether the client that sends takes the address, so that none is listed which fails each time."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, UnicodeError):
        return False


def is_inside(address: Address) -> bool:
    """Tell whether an address is this machine's, link-local (cloud metadata is), multicast or reserved.

    Private networks are allowed: government networks are such, and only listed names lead there.

    >>> [is_inside(ipaddress.ip_address(a)) for a in ("169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0", "10.1.2.3")]
    [True, True, True, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            mapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if mapped is not None:
            return is_inside(mapped)
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or address == _METADATA
        or address in _SHARED
    )


def _refused(reason: str) -> TargetRefusedError:
    return TargetRefusedError(f"events are not sent to this address: {reason}", remedy="ask the system administrator")
