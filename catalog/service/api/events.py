"""Events (事件): the inbox of the caller's department, for who rather asks than is told, with what was read of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from catalog.control.acting import require_accountable
from catalog.control.audit import record
from catalog.control.inbox import Received, acknowledge, count_unread, find_event, list_events, mark_read
from catalog.model.caller import Caller
from catalog.model.event_kinds import get_event_kind, load_event_kinds
from catalog.model.roles import OFFICERS
from catalog.service.access import Database, Reading
from catalog.service.api_exchange import actor_of
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Instant, Line, Number
from catalog.service.identity import require, signed_in

router = APIRouter(prefix="/events", tags=["events"], route_class=IdempotentRoute)

Reader = Annotated[Caller, Depends(signed_in(scoped=True))]
Officer = Annotated[Caller, Depends(require(*sorted(OFFICERS), scoped=True))]
"""Who does a department's business; an administrator reads its inbox and marks nothing in it."""


class EventAnswer(Answer):
    """One event, and what the department has done with it."""

    id: int
    kind: str = Field(examples=["system.revoked"])
    name: str = Field(examples=["系统注销"])
    object: str = Field(examples=["system:4"])
    payload: dict[str, Any]
    occurred_at: Instant
    read_at: Instant | None = Field(description="None while nobody of the department has read it.")
    read_by: str | None
    acknowledged_at: Instant | None
    acknowledged_by: str | None


class EventsPage(Answer):
    """A page of events, oldest first."""

    items: list[EventAnswer]
    next: str | None = None


class UnreadOfKind(Answer):
    """How many events of a kind are unread."""

    kind: str
    name: str
    unread: int


class UnreadAnswer(Answer):
    """How much of an inbox is unread."""

    unread: int
    items: list[UnreadOfKind]


class KindAnswer(Answer):
    """A kind of event: its names, what it tells, and who is told."""

    kind: str = Field(examples=["correction.close"])
    name: str = Field(examples=["校核办结"])
    name_en: str
    object: str
    payload: list[str]
    concerned: list[str]


class KindsAnswer(Answer):
    """Every kind of event there is."""

    items: list[KindAnswer]


@router.get("")
def list_all(
    session: Reading,
    who: Reader,
    page: CurrentPage,
    kind: Annotated[list[Line] | None, Query(description="Only these kinds.", max_length=100)] = None,
    unread: Annotated[bool, Query(description="Only what nobody of the department has read.")] = False,
) -> EventsPage:
    """List the events that concern one's own department."""
    kinds = [get_event_kind(one).kind for one in kind or []]
    found = list_events(
        session, who.department, kinds=kinds, is_unread=unread, after=page.number(), limit=page.limit + 1
    )
    return EventsPage.model_validate(page.answer(found, lambda one: one[0].id, _render))


@router.get("/kinds")
def kinds(_who: Annotated[Caller, Depends(signed_in())]) -> KindsAnswer:
    """List the kinds of events: what a webhook can subscribe to, what each tells, and whom it concerns."""
    return KindsAnswer(items=[KindAnswer.model_validate(one) for one in load_event_kinds().values()])


@router.get("/unread")
def unread_count(session: Reading, who: Reader) -> UnreadAnswer:
    """Count the events of one's own department that nobody of it has read."""
    counts = count_unread(session, who.department)
    items = [UnreadOfKind(kind=kind, name=_name(kind), unread=count) for kind, count in counts.items()]
    return UnreadAnswer(unread=sum(counts.values()), items=items)


@router.post("/{number}/read")
def read(session: Database, who: Officer, number: Number, _key: IdempotencyKey = None) -> EventAnswer:
    """Mark an event of one's own department as read; the first who read it stays on record."""
    _to_mark(session, who, number)
    if mark_read(session, who.department, number, who.subject):
        record(session, who, "event.read", f"event:{number}")
    return EventAnswer(**_render(_own(session, who, number)))


@router.post("/{number}/ack")
def ack(session: Database, who: Officer, number: Number, _key: IdempotencyKey = None) -> EventAnswer:
    """Acknowledge an event for one's own department (签收); the first who did stays on record."""
    _to_mark(session, who, number)
    if acknowledge(session, who.department, number, who.subject):
        record(session, who, "event.acknowledge", f"event:{number}")
    return EventAnswer(**_render(_own(session, who, number)))


def _to_mark(session: Database, who: Caller, number: int) -> None:
    """Accept a mark on an event of one's own department; a system makes none while no officer answers for it."""
    _own(session, who, number)
    require_accountable(session, actor_of(who).name)


def _own(session: Database, who: Caller, number: int) -> Received:
    found = find_event(session, who.department, number)
    if found is None:
        raise not_found("event")
    return found


def _name(kind: str) -> str:
    """Return the Chinese name of a kind; events of kinds that are told no more keep their own word."""
    known = load_event_kinds().get(kind)
    return known.name if known else kind


def _render(received: Received) -> dict[str, object]:
    event, mark = received
    marked = ("read_at", "read_by", "acknowledged_at", "acknowledged_by")
    return {
        **{name: getattr(event, name) for name in ("id", "kind", "object", "payload", "occurred_at")},
        "name": _name(event.kind),
        **{name: getattr(mark, name, None) for name in marked},
    }
