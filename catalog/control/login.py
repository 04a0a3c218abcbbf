"""Log-in (登录): a password and, where a role needs it, a one-time code; five failures in a row lock the account.

A refusal never tells which part was wrong, whether the account exists or whether it is locked; only who has shown the
right password of an account that is not locked hears that a one-time code is missing. While an account is locked,
a right and a wrong password are answered alike and neither is counted.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.credentials import Issued, end_sessions_of, open_session
from catalog.control.identity_tables import Person
from catalog.control.passwords import (
    PasswordRefusedError,
    hash_password,
    new_totp_secret,
    require_strong,
    totp_address,
    totp_step,
    verify_password,
)
from catalog.control.sealing import seal, unseal
from catalog.model.errors import GuantongError

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)

Refusal = Literal["LOGIN_REFUSED", "ACCOUNT_LOCKED", "CODE_NEEDED"]


class CodeRefusedError(GuantongError):
    """A one-time code is wrong, was used already, or there is none to confirm."""

    code = "CODE_REFUSED"


@dataclass(frozen=True)
class LoginResult:
    """How an attempt ended."""

    person: Person | None
    """Whose account it was, when there is one."""
    issued: Issued | None = None
    refusal: Refusal | None = None
    """Why it was refused, for the audit; a locked account is answered as any other refusal."""


def log_in(session: Session, login: str, password: str, code: str | None, *, address: str) -> LoginResult:
    """Open a session for who proves to be a person, or count the failure; the caller commits either way.

    The password is compared before the account is locked against other attempts, so that none waits for another's
    hashing; which of them count, and how, is decided one after the other.
    """
    kept = session.scalar(select(Person.password_hash).where(Person.login == login))
    right = verify_password(kept, password)
    query = select(Person).where(Person.login == login).with_for_update()
    person = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if person is None:
        return LoginResult(None, refusal="LOGIN_REFUSED")
    if person.locked_until is not None and person.locked_until > utc_now():
        return LoginResult(person, refusal="ACCOUNT_LOCKED")
    right = right and person.password_hash == kept
    if not right or person.disabled_at is not None:
        return _failed(person, "LOGIN_REFUSED")
    strength = "password"
    if person.totp_confirmed_at is not None and person.totp_secret is not None:
        if not code:
            return LoginResult(person, refusal="CODE_NEEDED")
        step = totp_step(_open(person), code, person.totp_last_step)
        if step is None:
            return _failed(person, "LOGIN_REFUSED")
        person.totp_last_step = step
        strength = "totp"
    person.failed_count, person.locked_until = 0, None
    return LoginResult(person, open_session(session, person.id, strength=strength, address=address))


def _failed(person: Person, refusal: Refusal) -> LoginResult:
    person.failed_count += 1
    if person.failed_count >= MOST_FAILURES:
        person.locked_until = utc_now() + LOCKED_FOR
        person.failed_count = 0
    return LoginResult(person, refusal=refusal)


def change_password(session: Session, person: Person, old: str, new: str, *, but: int) -> bool:
    """Set a new password and end the person's other sessions; tell whether the old one was right.

    Args:
        session: the transaction; the caller commits either way.
        person: the account, locked.
        old: the present password.
        new: the wanted one.
        but: the session that stays.

    Raises:
        PasswordRefusedError: when the new one is too weak or the same.
    """
    locked = person.locked_until is not None and person.locked_until > utc_now()
    if locked or not verify_password(person.password_hash, old):
        _failed(person, "LOGIN_REFUSED")
        return False
    require_strong(new, login=person.login, display_name=person.display_name)
    if new == old:
        raise PasswordRefusedError("the new password is the old one", remedy="choose another")
    person.password_hash = hash_password(new)
    person.must_change_password = False
    person.failed_count = 0
    person.revision += 1
    end_sessions_of(session, person.id, but=but)
    return True


def begin_totp(person: Person) -> tuple[str, str]:
    """Make a seed for one-time codes, in force once confirmed; return it and the address for an authenticator app.

    Raises:
        CodeRefusedError: when codes are in force already.
    """
    if person.totp_confirmed_at is not None:
        raise CodeRefusedError("one-time codes are set up already", remedy="an administrator can reset the account")
    secret = new_totp_secret()
    person.totp_secret = seal("totp", _owner(person), secret.encode())
    return secret, totp_address(secret, person.login)


def confirm_totp(session: Session, person: Person, code: str) -> None:
    """Put one-time codes in force by a first right one; sessions without one end.

    Raises:
        CodeRefusedError: when the code is wrong or nothing was begun.
    """
    if person.totp_secret is None or person.totp_confirmed_at is not None:
        raise CodeRefusedError("there is nothing to confirm", remedy="begin the set-up first")
    step = totp_step(_open(person), code, None)
    if step is None:
        raise CodeRefusedError("the code is not right", remedy="check the clock of the device and take the next code")
    person.totp_last_step = step
    person.totp_confirmed_at = utc_now()
    person.revision += 1
    end_sessions_of(session, person.id)


def _open(person: Person) -> str:
    return unseal("totp", _owner(person), person.totp_secret or "").decode()


def _owner(person: Person) -> str:
    return f"person:{person.id}"
