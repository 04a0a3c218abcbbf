"""Withdrawals of published data (发布撤回): what was taken back, and what receivers did with their copies."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from catalog.control.audit import record
from catalog.control.clocks import clocks_of
from catalog.control.tables import Recipient
from catalog.control.withdrawal import KIND, clock_number
from catalog.control.withdrawal_receipts import Answer as Said
from catalog.control.withdrawal_receipts import (
    acknowledge,
    find_withdrawal,
    list_withdrawals,
    receivers_of,
    versions_of,
)
from catalog.control.withdrawal_tables import WithdrawalReceiver, WithdrawalRecord
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_exchange import Officer, Reason, Reference, RequesterOfficer, actor_of, answered, is_of_side
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Body, Instant, Line

router = APIRouter(prefix="/withdrawals", tags=["withdrawals"], route_class=IdempotentRoute)

WithdrawalNumber = Annotated[Reference, Path(examples=["WDR-2026-000001"])]


class Acknowledgement(Body):
    """What one's department did with its copy."""

    recipient: Line = Field(examples=["housing-checker"], description="Receiving system that had been handed it.")
    answer: Literal["deleted", "kept_by_law"]
    reason: Reason | None = Field(default=None, description="The law by which a copy is kept; needed then.")


class ReceiverAnswer(Answer):
    """A receiver of what was taken back."""

    recipient: str
    receiving_department: str
    versions: list[int]
    due_on: date | None = Field(description="Last day for the answer.")
    answer: Literal["deleted", "kept_by_law"] | None
    answer_reason: str | None
    answered_by: str | None
    answered_at: Instant | None


class WithdrawalAnswer(Answer):
    """A withdrawal."""

    number: str
    kind: Literal["version", "rows"]
    share: str
    schema_name: str
    table_name: str
    resource: str
    provider: str | None
    versions: list[int]
    reason: str
    withdrawn_at: Instant
    released_at: Instant | None
    outstanding: int = Field(description="Receivers that have not answered; to a receiver, of its own systems.")


class WithdrawalWhole(WithdrawalAnswer):
    """A withdrawal with its rows and receivers; a receiver sees its own systems only."""

    key_column: str | None
    row_keys: list[str]
    receivers: list[ReceiverAnswer]


class WithdrawalsPage(Answer):
    """A page of withdrawals, the newest first."""

    items: list[WithdrawalAnswer]
    next: str | None = None


@router.get("")
def list_all(session: Database, who: Officer, page: CurrentPage) -> WithdrawalsPage:
    """List what was taken back of one's own data, and of what one's own systems had; the host authority sees all."""
    department = None if who.holds(Role.HOST_AUTHORITY) else who.department
    found = list_withdrawals(session, department, before=page.text(), limit=page.limit + 1)
    shown = page.answer(found, lambda one: one.number, lambda one: _rendered(session, who, one))
    return WithdrawalsPage.model_validate(shown)


@router.get("/{number}")
def show(session: Database, who: Officer, number: WithdrawalNumber) -> WithdrawalWhole:
    """Show one withdrawal: which rows, who had them, and who has answered."""
    with answered("withdrawal"):
        found = find_withdrawal(session, number)
    return _whole(session, who, found)


@router.post("/{number}/acknowledgements")
def answer(
    session: Database, who: RequesterOfficer, number: WithdrawalNumber, body: Acknowledgement,
    _key: IdempotencyKey = None,
) -> WithdrawalWhole:  # fmt: skip
    """Answer for a system of one's own department: its copy was deleted, or is kept by which law."""
    with answered("withdrawal"):
        detail = {"recipient": body.recipient, "answer": body.answer, "reason": body.reason}
        record(session, who, "withdrawal.acknowledge", f"withdrawal:{number}", detail=detail)
        said = Said(body.recipient, body.answer, body.reason)
        acknowledge(session, number, said, actor_of(who))
        return _whole(session, who, find_withdrawal(session, number))


def _receivers(session: Database, who: Caller, found: WithdrawalRecord) -> list[tuple[WithdrawalReceiver, Recipient]]:
    """Return the receivers that a caller sees: all on its own data, else its own department's."""
    own = None if is_of_side(who, found.provider) else who.department
    return [(receiver, system) for receiver, system in receivers_of(session, found.number, own)]


def _rendered(session: Database, who: Caller, found: WithdrawalRecord) -> dict[str, Any]:
    names = set(WithdrawalAnswer.model_fields) - {"versions", "outstanding"}
    waiting = [one for one, _ in _receivers(session, who, found) if one.answer is None]
    values = {name: getattr(found, name) for name in names}
    return {**values, "versions": versions_of(session, found.number), "outstanding": len(waiting)}


def _whole(session: Database, who: Caller, found: WithdrawalRecord) -> WithdrawalWhole:
    receivers = _receivers(session, who, found)
    if not receivers and not is_of_side(who, found.provider):
        raise not_found("withdrawal")
    return WithdrawalWhole(
        **_rendered(session, who, found),
        key_column=found.key_column,
        row_keys=found.row_keys,
        receivers=[_receiver(session, one, system) for one, system in receivers],
    )


def _receiver(session: Database, one: WithdrawalReceiver, system: Recipient) -> ReceiverAnswer:
    clocks = clocks_of(session, KIND, clock_number(one.withdrawal, one.recipient_id))
    return ReceiverAnswer(
        recipient=system.name,
        receiving_department=one.department,
        versions=one.versions,
        due_on=clocks[-1].due_on if clocks else None,
        answer=one.answer,
        answer_reason=one.answer_reason,
        answered_by=one.answered_by,
        answered_at=one.answered_at,
    )
