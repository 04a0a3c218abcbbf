"""Events (事件): what happened that concerns the caller's department, for who rather asks than is told."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from catalog.control.event_tables import Event
from catalog.control.events import list_events
from catalog.model.caller import Caller
from catalog.service.access import Reading
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_types import Answer, Instant
from catalog.service.identity import signed_in

router = APIRouter(prefix="/events", tags=["events"], route_class=IdempotentRoute)


class EventAnswer(Answer):
    """One event."""

    id: int
    kind: str = Field(examples=["system.revoked"])
    object: str = Field(examples=["system:4"])
    payload: dict[str, Any]
    occurred_at: Instant


class EventsPage(Answer):
    """A page of events, oldest first."""

    items: list[EventAnswer]
    next: str | None = None


@router.get("")
def list_all(
    session: Reading, who: Annotated[Caller, Depends(signed_in(scoped=True))], page: CurrentPage
) -> EventsPage:
    """List the events that concern one's own department."""
    found = list_events(session, who.department, after=page.number(), limit=page.limit + 1)
    return EventsPage.model_validate(page.answer(found, lambda event: event.id, _render))


def _render(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in EventAnswer.model_fields}
