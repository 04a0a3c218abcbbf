"""Acts by command (命令留痕): what changes something is in the audit before its effect, or does not happen."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.orm import Session

from catalog.control.audit import Detail, record, record_alone
from catalog.control.session import session_scope
from catalog.model.caller import command_line
from catalog.model.errors import GuantongError
from catalog.model.ids.citizen_id import is_valid_citizen_id

PERSONS_AN_ENTRY = 5_000
"""Persons whose data is read, in one entry; more make further entries."""


class PurposeMissingError(GuantongError):
    """Personal values are asked for without a purpose (未说明用途)."""

    code = "PURPOSE_MISSING"


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


def require_purpose(purpose: str) -> None:
    """Accept a purpose that is named.

    Raises:
        PurposeMissingError: it is empty.
    """
    if not purpose.strip():
        raise PurposeMissingError(
            "personal values are handed out in clear for a purpose only", remedy="add --purpose with what they serve"
        )


def record_reading(
    act: str, object: str, rows: Iterable[Mapping[str, str | None]], *, purpose: str, detail: Detail
) -> None:
    """Record that personal values are about to be handed out in clear, and of which persons; return once it is kept.

    Args:
        act: `noun.verb`.
        object: what is read, such as `resource:population.resident`.
        rows: what will be handed out, column → value.
        purpose: what it is needed for.
        detail: how much, and for whom.

    Raises:
        PurposeMissingError: no purpose is named; nothing was recorded, and nothing may be shown.
        AuditUnavailableError, AuditKeyError, SettingMissingError: the audit cannot be written.
    """
    require_purpose(purpose)
    values = {value.strip().upper() for row in rows for value in row.values() if value}
    persons = sorted(filter(is_valid_citizen_id, values))
    with session_scope() as session:
        for first in range(0, max(len(persons), 1), PERSONS_AN_ENTRY):
            some = persons[first : first + PERSONS_AN_ENTRY]
            record(session, command_line(), act, object, purpose=purpose.strip(), persons=some, detail=detail)
