"""Answers to withdrawals (撤回处置回执): what each receiver did with its copy, and who has not answered yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Text, cast, select
from sqlalchemy.orm import Session

from catalog.control.acting import require_accountable
from catalog.control.base import utc_now
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import local_day, stop_clock
from catalog.control.events import tell
from catalog.control.life import newest
from catalog.control.masking import mask_personal
from catalog.control.tables import Recipient, ShareVersion
from catalog.control.withdrawal import KIND, clock_number
from catalog.control.withdrawal_tables import WithdrawalReceiver, WithdrawalRecord, WithdrawnVersion
from catalog.model.errors import GuantongError
from catalog.model.state_machine import Actor, MoveRefusedError

ACKNOWLEDGED = "share.withdrawal_acknowledged"
"""Kind of the event."""


class WithdrawalUnknownError(GuantongError):
    """There is no such withdrawal, or the department's system had nothing of it."""

    code = "WITHDRAWAL_UNKNOWN"


@dataclass(frozen=True)
class Answer:
    """What a department did with its copy: ``deleted``, or ``kept_by_law`` by which law."""

    recipient: str
    answer: str
    reason: str | None = None


def acknowledge(session: Session, number: str, said: Answer, actor: Actor) -> WithdrawalReceiver:
    """Note what the actor's department did with what its system had been handed, and stop the clock.

    Raises:
        WithdrawalUnknownError: the department has no such system among the receivers.
        MoveRefusedError: it was answered before; only ``deleted`` may follow on ``kept_by_law``; or the law is missing.
        SystemUnaccountableError: a system answers for which no officer does.
    """
    require_accountable(session, actor.name)
    found = session.scalars(
        select(WithdrawalReceiver)
        .join(Recipient, Recipient.id == WithdrawalReceiver.recipient_id)
        .where(
            WithdrawalReceiver.withdrawal == number,
            WithdrawalReceiver.department == actor.department,
            Recipient.name == said.recipient,
        )
        .with_for_update(of=WithdrawalReceiver)
    ).one_or_none()
    if found is None:
        raise WithdrawalUnknownError(f"{said.recipient} of {actor.department} had nothing of {number}")
    if said.answer == "kept_by_law" and not (said.reason or "").strip():
        raise MoveRefusedError("a copy is kept only by law (依法留存须写明依据)", remedy="give the law as the reason")
    if found.answer is not None and (found.answer, said.answer) != ("kept_by_law", "deleted"):
        raise MoveRefusedError(f"{said.recipient} has answered {number} already: {found.answer} (已回执)")
    found.answer, found.answered_by, found.answered_at = said.answer, actor.name, utc_now()
    found.answer_reason = mask_personal(said.reason) if said.reason else None
    stop_clock(session, KIND, clock_number(number, found.recipient_id), local_day(found.answered_at))
    provider = session.get_one(WithdrawalRecord, number).provider
    tell(
        session,
        ACKNOWLEDGED,
        f"withdrawal:{number}",
        {"provider": provider, "readers": found.department},
        {"recipient": said.recipient, "answer": said.answer, "reason": found.answer_reason},
    )
    session.flush()
    return found


def find_withdrawal(session: Session, number: str) -> WithdrawalRecord:
    """Return a withdrawal.

    Raises:
        WithdrawalUnknownError: there is none.
    """
    found = session.get(WithdrawalRecord, number)
    if found is None:
        raise WithdrawalUnknownError(f"no withdrawal {number}", remedy="`python -m catalog shares outstanding`")
    return found


def list_withdrawals(
    session: Session, department: str | None, *, before: str = "", limit: int | None = None
) -> Sequence[WithdrawalRecord]:
    """Return withdrawals, newest first: those on a department's data and those whose copies it had, or all."""
    query = select(WithdrawalRecord)
    if department is not None:
        had = select(WithdrawalReceiver.withdrawal).where(WithdrawalReceiver.department == department)
        query = query.where((WithdrawalRecord.provider == department) | WithdrawalRecord.number.in_(had))
    return newest(session, query, WithdrawalRecord.number, before, limit)


def receivers_of(
    session: Session, number: str, department: str | None = None
) -> Sequence[Row[WithdrawalReceiver, Recipient]]:
    """Return the receivers of a withdrawal with their systems, in order of name; of one department if asked."""
    query = (
        select(WithdrawalReceiver, Recipient)
        .join(Recipient, Recipient.id == WithdrawalReceiver.recipient_id)
        .where(WithdrawalReceiver.withdrawal == number)
        .order_by(Recipient.name)
    )
    if department is not None:
        query = query.where(WithdrawalReceiver.department == department)
    return session.execute(query).all()


def versions_of(session: Session, number: str) -> list[int]:
    """Return the numbers of the versions that a withdrawal is about."""
    query = (
        select(ShareVersion.version)
        .join(WithdrawnVersion, WithdrawnVersion.share_version_id == ShareVersion.id)
        .where(WithdrawnVersion.withdrawal == number)
    )
    return sorted(session.scalars(query))


def outstanding(
    session: Session, provider: str | None = None
) -> Sequence[Row[WithdrawalRecord, WithdrawalReceiver, Recipient, ClockRecord]]:
    """Return who has not answered which withdrawal, with the clock of the answer; on one provider's data if asked."""
    query = (
        select(WithdrawalRecord, WithdrawalReceiver, Recipient, ClockRecord)
        .join(WithdrawalReceiver, WithdrawalReceiver.withdrawal == WithdrawalRecord.number)
        .join(Recipient, Recipient.id == WithdrawalReceiver.recipient_id)
        .join(
            ClockRecord,
            (ClockRecord.kind == KIND)
            & (ClockRecord.number == WithdrawalRecord.number + "/" + cast(WithdrawalReceiver.recipient_id, Text)),
        )
        .where(WithdrawalReceiver.answer.is_(None))
        .order_by(ClockRecord.due_on, WithdrawalRecord.number, Recipient.name)
    )
    if provider is not None:
        query = query.where(WithdrawalRecord.provider == provider)
    return session.execute(query).all()
