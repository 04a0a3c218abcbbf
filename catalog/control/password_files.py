"""One-time passwords on their way to a person (一次性口令交付): a file on the machine, never an answer to who asked.

Whoever makes or recovers an account must not be able to log in as it, so that the password lies below
`GUANTONG_HOME/people`, readable by the account of the operating system alone, until the operator hands it over.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings


def password_path(login: str) -> Path:
    """Return where the one-time password of an account is written."""
    return get_settings().home / "people" / f"{login}.password"


@contextmanager
def new_password_file(path: Path) -> Iterator[TextIO]:
    """Open a new file that only its owner can read, gone again when the block fails.

    An existing one is refused, so that none is followed or kept.

    Raises:
        GuantongError: when there is such a file already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise GuantongError("the password file exists already", place=str(path), remedy="remove it first") from error
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def deliver_password(session: Session, login: str, password: str) -> str:
    """Write a one-time password for its person; return its name in the home.

    It is written aside and takes the place of one that was not handed over once the transaction is committed; when it
    is not, the old one stays, which still opens the account.

    Raises:
        OSError: when it cannot be written; then the account must not change either.
    """
    path = password_path(login)
    written = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with new_password_file(written) as file:
        file.write(f"{password}\n")
        file.flush()
        os.fsync(file.fileno())
    _place_with_commit(session, written, path)
    return str(path.relative_to(get_settings().home))


def _place_with_commit(session: Session, written: Path, path: Path) -> None:
    """Put a file in place after the transaction's commit, and remove it where there is none."""
    waits = True

    def place(ending: Session) -> None:
        nonlocal waits
        if waits and ending.get_nested_transaction() is None:
            waits = False
            written.replace(path)

    def remove(_session: Session, ended: SessionTransaction) -> None:
        nonlocal waits
        if waits and ended.parent is None:
            waits = False
            written.unlink(missing_ok=True)

    event.listen(session, "after_commit", place)
    event.listen(session, "after_transaction_end", remove)
