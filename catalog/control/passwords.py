"""Passwords and one-time codes (口令与动态口令): argon2id hashes, RFC 6238 codes that are good once.

Hashing takes 64 MiB and some 50 ms by intent, so only two happen at a time in a process. An unknown log-in
costs the same as a wrong password.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from catalog.model.errors import GuantongError

SHORTEST = 12
LONGEST = 200
STEP = 30
"""Seconds for which a one-time code stands; the one before and the one after are accepted too."""
ISSUER = "Guantong"

_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
_PLACES = threading.BoundedSemaphore(2)
_MOST_WAITING = 8
_waiting = threading.BoundedSemaphore(_MOST_WAITING)


class PasswordRefusedError(GuantongError):
    """A new password is too weak."""

    code = "PASSWORD_REFUSED"


class PasswordsBusyError(GuantongError):
    """Too many passwords are being proven at a time; a flood of log-ins must not stop the rest of the service."""

    code = "PASSWORDS_BUSY"


@contextmanager
def _place() -> Iterator[None]:
    """Take one of the places where passwords are hashed.

    Raises:
        PasswordsBusyError: when too many wait for one already.
    """
    if not _waiting.acquire(blocking=False):
        raise PasswordsBusyError("too many log-ins at a time", remedy="try again in a few seconds")
    try:
        with _PLACES:
            yield
    finally:
        _waiting.release()


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    with _place():
        return _HASHER.hash(password)


def verify_password(kept: str | None, password: str) -> bool:
    """Tell whether a password fits; against an account without one it takes as long and fails."""
    with _place():
        try:
            return _HASHER.verify(kept or _nobody(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def require_strong(password: str, *, login: str, display_name: str = "") -> None:
    """Accept a new password, or say what it lacks (length before composition, after NIST SP 800-63B 5.1.1).

    Raises:
        PasswordRefusedError: naming the rule.

    >>> require_strong("correct horse battery", login="wang")
    """
    lowered = password.lower()
    faults = [
        (not SHORTEST <= len(password) <= LONGEST, f"it has {SHORTEST} to {LONGEST} characters"),
        (len(set(password)) < 6, "it has six different characters"),
        (login.lower() in lowered, "it does not hold the log-in name"),
        (bool(display_name) and display_name.lower() in lowered, "it does not hold the person's name"),
        (any(ord(character) < 32 for character in password), "it has no control characters"),
    ]
    if wrong := [rule for broken, rule in faults if broken]:
        raise PasswordRefusedError(f"a password must be better: {'; '.join(wrong)}", remedy="choose a longer phrase")


def new_password() -> str:
    """Return a random one-time password."""
    return secrets.token_urlsafe(15)


def new_totp_secret() -> str:
    """Return a random seed of one-time codes, in base 32."""
    return pyotp.random_base32()


def totp_address(secret: str, login: str) -> str:
    """Return the address that an authenticator app takes (otpauth URI)."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=login, issuer_name=ISSUER)


def totp_step(secret: str, code: str, last_step: int | None, now: float | None = None) -> int | None:
    """Return the step of a right code that was not used yet, or nothing.

    Args:
        secret: the seed.
        code: six digits.
        last_step: step of the last code that was accepted; it and those before are over.
        now: seconds since 1970; the present when not given.
    """
    present = int((time.time() if now is None else now) // STEP)
    totp = pyotp.TOTP(secret, interval=STEP)
    for step in (present, present - 1, present + 1):
        fits = secrets.compare_digest(totp.at(step * STEP).encode(), code.encode())
        if fits and (last_step is None or step > last_step):
            return step
    return None


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(15))
