"""Acts by command (命令留痕): what changes something is in the audit before its effect, or does not happen."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from catalog.control.audit import Detail, record, record_alone
from catalog.control.session import session_scope
from catalog.model.caller import command_line


@contextmanager
def acting(
    act: str, object: str, *, detail: Detail | None = None, purpose: str = "", persons: Iterable[str] = ()
) -> Iterator[Session]:
    """Open the transaction of an act, with its audit entry in it: both become real, or neither.

    Args:
        act: `noun.verb`, such as `code.map`.
        object: what is acted on, such as `code_list:entity_status`.
        detail: what else is worth knowing; texts are masked.
        purpose: what personal data is shown for,
        persons: and whose (公民身份号码).

    Raises:
        AuditUnavailableError, AuditKeyError, SettingMissingError: the audit cannot be written.
    """
    with session_scope() as session:
        record(session, command_line(), act, object, detail=detail, purpose=purpose, persons=persons)
        yield session


@contextmanager
def acting_on_files(act: str, object: str, *, detail: Detail | None = None) -> Iterator[None]:
    """Record an act on files, which no transaction takes back, before it begins; again as failed if it does.

    Raises:
        AuditUnavailableError, AuditKeyError, SettingMissingError: the audit cannot be written; nothing was done.
    """
    record_alone(None, command_line(), act, object, "done", detail=detail)
    try:
        yield
    except Exception as error:
        code = getattr(error, "code", type(error).__name__)
        record_alone(None, command_line(), act, object, "failed", reason=str(code), detail=detail)
        raise
