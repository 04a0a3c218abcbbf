"""What the service is started with (服务配置)."""

from dataclasses import dataclass, field

from catalog.model.settings import get_settings
from catalog.service.oidc import Provider
from catalog.service.signing import Signer
from catalog.service.webhook_guard import Guard

PREFIX = "/delta-sharing"
"""Where the protocol lives below the service's address."""


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
    )
