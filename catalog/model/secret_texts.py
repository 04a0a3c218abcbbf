"""Secrets out of texts (密钥脱敏): what goes to a log, a record or a person holds no password, token or key.

Two things are hidden: what looks like a credential, wherever it comes from, and every secret that this process was set
up with, whole or in parts, also where it stands in an address that nobody can read. A setting that should hold an
address and holds something else is a secret too, since somebody may have put it there by mistake.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from logging import Formatter, LogRecord
from types import TracebackType
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 6
"""Letters of a secret's part from which on it is looked for; shorter ones would hide ordinary words."""
SECRET_FIELDS = (
    "service_signing_key", "identity_key", "audit_key", "credential_key", "oidc_client_secret", "notice_webhook_key",
)  # fmt: skip
"""Settings that are secrets as a whole."""
ADDRESS_FIELDS = (
    "control_url", "service_control_url", "spark_remote", "lake_uri", "service_url", "oidc_issuer", "oidc_redirect_uri",
    "notice_webhook_url", "notice_mail_server",
)  # fmt: skip
"""Settings that are addresses, with what may prove who asks."""

_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:/{0,2})?(?P<user>[^\s:/@'\"<>]*):(?P<word>[^\s@'\"<>]+)@")
_NAME = r"(?P<name>(?i:password|passwd|pwd|secret|token|access_?key|api_?key|signature|credential)\w*)"
_QUOTED = re.compile(_NAME + r"""(?P<sign>['"]?\s*[:=]\s*)(?P<quote>['"])[^'"]*(?P=quote)""")
_NAMED = re.compile(_NAME + r"""(?P<sign>\s*=\s*)[^\s&;,'")]+""")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_PAIR = re.compile(
    r"(?i)(?<![\w-])([\w-]{0,40}(?:password|passwd|pwd|secret|token|key|sig|sign|signature))\s*=\s*('[^']*'|[^&;\s]+)"
)
_CUTS = re.compile(r"[\s/?#@:%&;=,'\"]+")
_IS_PLAIN = re.compile(r"(file:|[./~])[^@\s]*|[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/~-]*)?")
"""A path, or an address without credentials and parameters."""


def mask_secrets(text: str) -> str:
    """Return a text without credentials.

    >>> mask_secrets("cannot open mysql://reader:s3cret@10.1.2.3/db?token=abc")
    'cannot open mysql://reader:***@10.1.2.3/db?token=***'
    >>> mask_secrets("host=a password='x y' user=b, Bearer abcdefgh12")
    "host=a password='***' user=b, Bearer ***"
    >>> mask_secrets("population.resident: 12:30, 甲@乙")
    'population.resident: 12:30, 甲@乙'
    """
    for secret in known_secrets():
        text = text.replace(secret, HIDDEN)
    text = _USER.sub(lambda found: f"{found['scheme'] or ''}{found['user']}:{HIDDEN}@", text)
    text = _QUOTED.sub(lambda found: f"{found['name']}{found['sign']}{found['quote']}{HIDDEN}{found['quote']}", text)
    text = _NAMED.sub(lambda found: f"{found['name']}{found['sign']}{HIDDEN}", text)
    return _BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)


def known_secrets() -> tuple[str, ...]:
    """Return what this process's settings hold that nobody may read, the longest first; none before they are read."""
    from catalog.model.settings import get_settings

    if not get_settings.cache_info().currsize:
        return ()
    settings = get_settings()
    whole = [getattr(settings, name) for name in SECRET_FIELDS]
    addresses = [getattr(settings, name) for name in ADDRESS_FIELDS]
    for name, value in settings.sources.items():
        (whole if name.endswith("_TOKEN") else addresses).append(value)
    return _parts_of(tuple(whole), tuple(addresses))


@lru_cache(maxsize=8)
def _parts_of(whole: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[str, ...]:
    words = {word for secret in whole for word in (secret, *_pieces(secret))}
    words |= {word for address in addresses for secret in secrets_in(address) for word in (secret, *_pieces(secret))}
    return tuple(sorted((word for word in words if len(word) >= SHORTEST), key=len, reverse=True))


def secrets_in(address: str) -> list[str]:
    """Return what of an address proves who asks; all of it, where it is no address.

    >>> secrets_in("postgresql://reader:pa/ss@10.1.2.3/db"), secrets_in("https://hooks.example.gov/a?access_token=xyz")
    (['pa/ss'], ['xyz'])
    >>> secrets_in("file:/data/inbox"), secrets_in("http://10.1.2.3:80/list"), secrets_in("s3cr3t-by-mistake")
    ([], [], ['s3cr3t-by-mistake'])
    """
    if not address or _IS_PLAIN.fullmatch(address):
        return []
    _, sign, rest = address.partition("://")
    rest = rest if sign else address
    found = [value for _, value in _PAIR.findall(rest)]
    proof, at, _ = rest.rpartition("@")
    if at:
        user, colon, word = proof.partition(":")
        found.append(word if colon else user)
    return found or ([] if sign else [address])


def _pieces(secret: str) -> list[str]:
    """Return a secret's decoded form, and the parts into which a parser may have cut it."""
    return [part for form in (secret, unquote(secret)) for part in (form, *_CUTS.split(form))]


def masked_traceback(error: BaseException) -> str:
    """Return the traceback of an error, with its causes, without secrets."""
    return mask_secrets("".join(traceback.format_exception(error)))


class SecretsHiddenFormatter(Formatter):
    """Writes log lines, tracebacks among them, without secrets."""

    def format(self, record: LogRecord) -> str:
        """Return the whole line."""
        return mask_secrets(super().format(record))


@contextmanager
def secrets_hidden() -> Iterator[None]:
    """Have an error that nobody catches end the command with its traceback, but without the secrets in it."""

    def tell(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        print(masked_traceback(error), file=sys.stderr, end="")

    before, sys.excepthook = sys.excepthook, tell
    try:
        yield
    except Exception as error:
        print(masked_traceback(error), file=sys.stderr, end="")
        sys.exit(1)
    finally:
        sys.excepthook = before
