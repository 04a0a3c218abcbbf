"""What the service is started with (服务配置)."""

from dataclasses import dataclass, field
from ipaddress import ip_network

from fastapi import Request

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings
from catalog.service.oidc import Provider
from catalog.service.signing import Signer
from catalog.service.webhook_guard import Guard

DATABASE_PATIENCE = 2.0
"""Seconds a request waits for the database before it answers 503; readers try again by themselves."""

PREFIX = "/delta-sharing"
"""Where the protocol lives below the service's address."""


class ProxyInvalidError(GuantongError):
    """The setting that names trusted proxies is not understood."""

    code = "PROXY_INVALID"


@dataclass(frozen=True)
class Configuration:
    """Addresses and keys; taken from the settings, never from a request."""

    control_url: str = field(repr=False)
    service_url: str
    signer: Signer = field(repr=False)
    guard: Guard = field(default_factory=lambda: Guard(frozenset()))
    """Where events may be sent."""
    oidc: Provider | None = field(default=None, repr=False)
    """Who else proves people's identity, if set."""
    address_seconds: int = 3600
    """How long a signed address of a file is good for; revoking a grant ends it at once."""

    sign_ins_per_minute: int = 30
    """How often one address may log in or ask for a token (per process)."""

    trusted_proxy: tuple[str, ...] = ()
    """Addresses and networks of proxies that are believed when they say where a request comes from."""

    @property
    def endpoint(self) -> str:
        """Return the address that recipients put into their profile."""
        return f"{self.service_url.rstrip('/')}{PREFIX}"


def configured() -> Configuration:
    """Return the configuration that the settings name.

    Raises:
        SettingMissingError: When a setting has no value.
    """
    settings = get_settings()
    return Configuration(
        control_url=settings.service_control_url or settings.require("control_url"),
        service_url=settings.require("service_url"),
        signer=Signer(settings.require("service_signing_key")),
        oidc=Provider.from_settings(settings),
        guard=Guard.from_setting(settings.webhook_hosts),
        sign_ins_per_minute=settings.sign_ins_per_minute,
        trusted_proxy=_proxies(settings.trusted_proxy),
    )


def _proxies(setting: str) -> tuple[str, ...]:
    """Return the proxies that a setting names.

    Raises:
        ProxyInvalidError: when one is neither an address nor a network; `*` would believe everybody.

    >>> _proxies("10.0.0.5, 192.0.2.0/24"), _proxies("")
    (('10.0.0.5', '192.0.2.0/24'), ())
    """
    named = tuple(part.strip() for part in setting.split(",") if part.strip())
    for one in named:
        try:
            network = ip_network(one)
        except ValueError as error:
            raise ProxyInvalidError(
                f"{one!r} is no address or network", place="TRUSTED_PROXY", remedy="such as 10.0.0.5 or 192.0.2.0/24"
            ) from error
        if network.prefixlen == 0:
            raise ProxyInvalidError(f"{one} is everybody", place="TRUSTED_PROXY", remedy="name the proxy alone")
    return named


def configuration(request: Request) -> Configuration:
    """Return what the service was started with."""
    found: Configuration = request.app.state.configuration
    return found


def address_of(request: Request) -> str:
    """Return where a request came from: the connection, or what a proxy that `TRUSTED_PROXY` names says."""
    return request.client.host if request.client else ""
