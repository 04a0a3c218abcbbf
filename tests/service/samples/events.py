"""Events of a department."""

from sqlalchemy import func, select

from catalog.control.event_tables import Event
from catalog.control.events import emit
from catalog.control.session import session_scope
from tests.service.samples import Sample
from tests.service.world import World


def an_event(world: World, department: str) -> Sample:
    """Return an event that concerns a department alone."""
    with session_scope(world.exchange.control_url) as session:
        emit(session, "system.renewed", "system:1", departments=[department], payload={"name": "sample"})
        number = session.scalar(select(func.max(Event.id)).where(Event.departments == [department]))
        return Sample({"number": number})


SAMPLES = {"/api/v1/events/{number}/read": an_event, "/api/v1/events/{number}/ack": an_event}
