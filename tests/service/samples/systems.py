"""Systems and webhooks of a department."""

from catalog.control.event_tables import Webhook
from catalog.control.session import session_scope
from catalog.model.roles import Role
from tests.service.samples import Sample
from tests.service.world import World


def system(world: World, department: str) -> Sample:
    with session_scope(world.exchange.control_url) as session:
        return Sample({"number": world.new_system(session, Role.REQUESTER_OFFICER, department=department).id})


def webhook(world: World, department: str) -> Sample:
    with session_scope(world.exchange.control_url) as session:
        made = Webhook(department=department, url="https://x.example", kinds=[], secret="-", created_by="command:test")
        session.add(made)
        session.flush()
        return Sample({"number": made.id}, headers={"If-Match": f'"webhook-{made.id}-1"'})


SAMPLES = {
    "/api/v1/systems/{number}": system,
    "/api/v1/webhooks/{number}": webhook,
    "/api/v1/webhooks/{number}/deliveries": webhook,
}
