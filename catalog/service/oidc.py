"""Log-in by an identity provider (统一身份认证): OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).

The provider says who somebody is and nothing more: accounts and roles are ours, and an account is bound to issuer and
subject by an administrator beforehand. What is off or does not fit is refused.
"""

import base64
import hashlib
import ipaddress
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt

from catalog.model.settings import Settings
from catalog.service.api_problems import ProblemError

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures that are accepted: never `none`, never a shared secret."""

KEPT_SECONDS = 600
"""How long the provider's description and keys are kept; an unknown key makes them be read again, at most every ten."""
LEAST_SECONDS = 10
LEEWAY = 60
TIMEOUT = httpx.Timeout(5.0)


@dataclass(frozen=True)
class Identity:
    """Who the provider says it is."""

    issuer: str
    subject: str
    has_second_factor: bool


@dataclass(frozen=True)
class Attempt:
    """A log-in on its way; kept until it comes back, once."""

    state: str
    nonce: str
    verifier: str


@dataclass
class Provider:
    """One identity provider, as configured."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    second_factor: frozenset[str]
    _described: dict[str, Any] = field(default_factory=dict, repr=False)
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict, repr=False)
    _read_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Provider | None":
        """Return the configured provider; nothing when there is none.

        Raises:
            ValueError: when its address is not https, except on this machine.
        """
        if not settings.oidc_issuer:
            return None
        _require_safe(settings.oidc_issuer)
        return cls(
            settings.oidc_issuer.rstrip("/"),
            settings.require("oidc_client_id"),
            settings.require("oidc_client_secret"),
            settings.require("oidc_redirect_uri"),
            frozenset(part.strip() for part in settings.oidc_second_factor.split(",") if part.strip()),
        )

    def begin(self) -> tuple[Attempt, str]:
        """Return a new attempt and the address to send the person to."""
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return attempt, f"{self._endpoint('authorization_endpoint')}?{urlencode(query)}"

    def finish(self, code: str, *, nonce: str, verifier: str) -> Identity:
        """Exchange a code for the identity it stands for.

        Raises:
            ProblemError: when the provider refuses, or its token is not sound.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        answer = self._ask(
            "POST", self._endpoint("token_endpoint"), data=form, auth=(self.client_id, self.client_secret)
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("no id_token")
        return self._prove(token, nonce)

    def _prove(self, token: str, nonce: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise _refused("algorithm")
            claims = jwt.decode(
                token,
                self._key(str(header.get("kid", ""))),
                algorithms=list(ALGORITHMS),
                audience=self.client_id,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise _refused(type(error).__name__) from error
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self.client_id) != self.client_id or (len(parties) > 1 and "azp" not in claims):
            raise _refused("azp")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused("nonce")
        methods = claims.get("amr", [])
        proven = isinstance(methods, list) and not self.second_factor.isdisjoint(str(one) for one in methods)
        return Identity(self.issuer, str(claims["sub"]), proven)

    def _key(self, kid: str) -> jwt.PyJWK:
        with self._lock:
            age = time.monotonic() - self._read_at
            if not self._keys or age > KEPT_SECONDS or (kid not in self._keys and age > LEAST_SECONDS):
                found = self._ask("GET", self._endpoint("jwks_uri"))
                usable = [
                    key for key in found.get("keys", []) if key.get("use", "sig") == "sig" and key.get("kty") != "oct"
                ]
                self._keys = {str(key.get("kid", "")): jwt.PyJWK(key) for key in usable}
                self._read_at = time.monotonic()
            if kid not in self._keys:
                raise _refused("key unknown")
            return self._keys[kid]

    def _endpoint(self, name: str) -> str:
        if not self._described:
            described = self._ask("GET", f"{self.issuer}/.well-known/openid-configuration")
            if described.get("issuer") != self.issuer:
                raise _refused("issuer")
            self._described = described
        address = str(self._described.get(name, ""))
        try:
            _require_safe(address)
        except ValueError as error:
            raise _refused(name) from error
        return address

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own
        try:
            answer = httpx.request(method, address, timeout=TIMEOUT, trust_env=False, **more)
        except httpx.HTTPError as error:
            raise ProblemError("OIDC_UNREACHABLE", headers={"Retry-After": "10"}) from error
        if answer.status_code >= 500:
            raise ProblemError("OIDC_UNREACHABLE", headers={"Retry-After": "10"})
        try:
            found = answer.json()
        except ValueError as error:
            raise _refused("no JSON") from error
        if answer.status_code != 200 or not isinstance(found, dict):
            raise _refused(f"answered {answer.status_code}")
        return found


def _require_safe(address: str) -> None:
    """Accept an https address, or any on this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    try:
        inside = parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"{address!r} is not an https address")


def _refused(reason: str) -> ProblemError:
    return ProblemError("OIDC_REFUSED", reason=reason)
