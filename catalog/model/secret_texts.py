"""Secrets out of texts (密钥脱敏): what goes to a log, a record or a person holds no password, token or key.

Two things are hidden: what looks like a credential, wherever it comes from, and every secret that this process was set
up with, whole or in parts, also where it stands in an address that nobody can read. A setting that should hold an
address and holds something else is a secret too, since somebody may have put it there by mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from catalog.model.settings import Settings

HIDDEN = "***"
SHORTEST = 6
"""Letters of a secret's part from which on it is looked for; shorter ones would hide ordinary words."""
LONGEST_WORD = 16
"""Letters from which on a part of a path is no word."""


class Secrecy(Enum):
    """What of a setting nobody may read (保密程度); a text that does not say it is a secret as a whole."""

    NOTHING = "nothing"
    PROOF = "proof"
    """An address: what in it proves who asks."""
    PATH = "path"
    """An address whose path may be the proof, as of chat robots (群机器人): all that follows the host."""
    WHOLE = "whole"


_USER = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,40}:/{0,2})?(?P<user>[^\s:/@'\"<>]{0,64}):(?P<word>[^\s@'\"<>]{1,512})@"
    r"(?![0-9]+(?![\w.:/@-]))"
)
"""Name and word before a host; a bare number is none: the version of a table stands so."""
_NAME = r"(?P<name>(?i:password|passwd|pwd|secret|token|access_?key|api_?key|signature|credential)\w{0,40})"
_QUOTED = re.compile(_NAME + r"""(?P<sign>['"]?\s{0,9}[:=]\s{0,9})(?P<quote>['"])[^'"]{0,2000}(?P=quote)""")
_NAMED = re.compile(_NAME + r"""(?P<sign>\s{0,9}=\s{0,9})[^\s&;,'")]+""")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_PAIR = re.compile(
    r"(?i)(?<![\w-])([\w-]{0,40}(?:password|passwd|pwd|secret|token|key|sig|sign|signature))\s*=\s*('[^']*'|[^&;\s]+)"
)
_CUTS = re.compile(r"[\s/?#@:%&;=,'\"\\]+")
_IS_PLAIN = re.compile(
    r"(file:|[./~])[^@\s]*|[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/~-]*)?"
    r"|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*:[0-9]{1,5}"
)
"""A path, an address without credentials and parameters, or a host with its port."""
_IS_KEYWORDS = re.compile(r"(?=.*\b(?:host|hostaddr|dbname|service)\s*=)(?:\s*[a-z_]+\s*=\s*(?:'[^']*'|[^\s']+))+\s*")
"""A database named by keywords, as PostgreSQL's own tools take it."""
_NAMES_USERS = ("postgres", "mysql", "mariadb", "oracle", "mssql", "sqlserver", "smtp")
"""Schemes in which who stands alone before the host is a user, and no token."""
_WORD = re.compile(r"[a-z]*([-_.][a-z]+)*|v[0-9]+")
"""A part of a path that is no proof by itself."""

_further: set[str] = set()


def hide_also(secrets: Iterable[str]) -> None:
    """Have further secrets of this process hidden, which are none of its settings."""
    _further.update(secrets)


def mask_secrets(text: str) -> str:
    """Return a text without credentials.

    >>> mask_secrets("cannot open mysql://reader:s3cret@10.1.2.3/db?token=abc")
    'cannot open mysql://reader:***@10.1.2.3/db?token=***'
    >>> mask_secrets("host=a password='x y' user=b, Bearer abcdefgh12")
    "host=a password='***' user=b, Bearer ***"
    >>> mask_secrets("population.resident: 12:30, 甲@乙")
    'population.resident: 12:30, 甲@乙'
    >>> mask_secrets("share:population.base.resident_basic@2"), mask_secrets("reader:s3cret@2.example")
    ('share:population.base.resident_basic@2', 'reader:***@2.example')
    """
    text = mask_known(text)
    text = _USER.sub(lambda found: f"{found['scheme'] or ''}{found['user']}:{HIDDEN}@", text)
    text = _QUOTED.sub(lambda found: f"{found['name']}{found['sign']}{found['quote']}{HIDDEN}{found['quote']}", text)
    text = _NAMED.sub(lambda found: f"{found['name']}{found['sign']}{HIDDEN}", text)
    return _BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)


def mask_known(text: str) -> str:
    """Return a text without this process's own secrets, and examples of addresses as they are."""
    for secret in known_secrets():
        text = text.replace(secret, HIDDEN)
    return text


def known_secrets() -> tuple[str, ...]:
    """Return what this process was set up with that nobody may read, the longest first.

    Before the settings are read these are those of :func:`hide_also` alone.
    """
    from catalog.model.settings import get_settings

    whole, addresses = set(_further), set[tuple[str, Secrecy]]()
    if get_settings.cache_info().currsize:
        settings = get_settings()
        held = _held(settings)
        whole |= {value for value, secrecy in held if secrecy is Secrecy.WHOLE}
        addresses = {pair for pair in held if pair[1] is not Secrecy.WHOLE}
    return _parts_of(frozenset(whole), frozenset(addresses))


def secrecy_of(field: FieldInfo) -> Secrecy:
    """Return what of a setting is hidden: as its type says, else all of a text and nothing of a number or day."""
    said = [mark for mark in field.metadata if isinstance(mark, Secrecy)]
    return said[0] if said else Secrecy.WHOLE if field.annotation is str else Secrecy.NOTHING


def _held(settings: Settings) -> list[tuple[str, Secrecy]]:
    """Return the values of the settings with what is hidden of each; a default is in the code and no secret."""
    found: list[tuple[str, Secrecy]] = [
        (str(getattr(settings, name)), secrecy)
        for name, field in type(settings).model_fields.items()
        if (secrecy := secrecy_of(field)) is not Secrecy.NOTHING and getattr(settings, name) != field.default
    ]
    for name, value in settings.sources.items():
        found.append((value, Secrecy.WHOLE if name.endswith("_TOKEN") else Secrecy.PROOF))
    return found


@lru_cache(maxsize=8)
def _parts_of(whole: frozenset[str], addresses: frozenset[tuple[str, Secrecy]]) -> tuple[str, ...]:
    secrets = {*whole, *(secret for address, _ in addresses for secret in secrets_in(address))}
    parts = {part for secret in secrets for part in _pieces(secret)}
    parts |= {part for address, secrecy in addresses if secrecy is Secrecy.PATH for part in _path_of(address)}
    words = {word for part in parts for word in _spellings(part)}
    return tuple(sorted((word for word in words if len(word) >= SHORTEST), key=len, reverse=True))


def secrets_in(address: str) -> list[str]:
    """Return what of an address proves who asks; all of it, where it is no address.

    >>> secrets_in("postgresql://reader:pa/ss@10.1.2.3/db"), secrets_in("https://hooks.example.gov/a?access_token=xyz")
    (['pa/ss'], ['xyz'])
    >>> secrets_in("host=10.1.2.3 dbname=population password='a b'"), secrets_in("postgresql://population@10.1.2.3/db")
    (["'a b'"], [])
    >>> secrets_in("file:/data/inbox"), secrets_in("http://10.1.2.3:80/list"), secrets_in("s3cr3t-by-mistake")
    ([], [], ['s3cr3t-by-mistake'])
    """
    if not address or _IS_PLAIN.fullmatch(address):
        return []
    scheme, sign, rest = address.partition("://")
    rest = rest if sign else address
    found = [value for _, value in _PAIR.findall(rest)]
    if _IS_KEYWORDS.fullmatch(address):
        return found
    proof, at, _ = rest.rpartition("@")
    if at:
        user, colon, word = proof.partition(":")
        found += [word] if colon else [] if sign and scheme.lower().startswith(_NAMES_USERS) else [user]
    return found or ([] if sign else [address])


def _path_of(address: str) -> list[str]:
    """Return all that follows the host of an address, and of its parts those too long for words.

    A path of nothing but words proves nothing, and hiding it would hide the words everywhere.
    """
    path = address.partition("://")[2].partition("/")[2]
    parts = _CUTS.split(path)
    if "?" not in path and all(_WORD.fullmatch(part) and len(part) < LONGEST_WORD for part in parts):
        return []
    return [path, *(part for part in parts if len(part) >= LONGEST_WORD)]


def _pieces(secret: str) -> list[str]:
    """Return a secret's decoded form, and the parts into which a parser may have cut it."""
    return [part for form in (secret, unquote(secret)) for part in (form, *_CUTS.split(form))]


def _spellings(word: str) -> set[str]:
    """Return how a word stands in an address, in JSON and in the text of a Python value."""
    return {word, quote(word), quote(word, safe=""), json.dumps(word)[1:-1], repr(word)[1:-1], ascii(word)[1:-1]}
