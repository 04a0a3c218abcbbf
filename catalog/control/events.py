"""Events (事件): what happened, written in the transaction in which it happened, and its way to webhooks (外发箱)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.base import utc_now
from catalog.control.event_tables import Event, Webhook, WebhookDelivery

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600, 21_600, 86_400))
"""How long after a failed attempt the next one is made; after the last the delivery is given up."""

LEASE = timedelta(seconds=60)
"""For how long an attempt belongs to the worker that took it."""

ENDED = "the webhook was ended"


@dataclass(frozen=True)
class Shipment:
    """One attempt to be made."""

    delivery_id: int
    attempt: int
    webhook_id: int
    url: str
    sealed_secret: str
    event_id: int
    kind: str
    body: Mapping[str, Any]


def emit(
    session: Session, kind: str, object: str, *, departments: Iterable[str], payload: Mapping[str, Any] | None = None
) -> None:
    """Tell that something happened, in the transaction in which it happens.

    Args:
        session: the transaction of the effect.
        kind: `noun.happened`, such as `grant.revoked`.
        object: what it happened to, such as `grant:12`.
        departments: whom it concerns; nobody else is told.
        payload: names and numbers of what changed; no personal data.
    """
    concerned = sorted({department for department in departments if department})
    session.add(Event(kind=kind, object=object, departments=concerned, payload=dict(payload or {})))


def list_events(session: Session, department: str, *, after: int = 0, limit: int = 100) -> Sequence[Event]:
    """Return the events that concern a department, oldest first."""
    query = select(Event).where(Event.id > after, Event.departments.contains([department]))
    return session.scalars(query.order_by(Event.id).limit(limit)).all()


def lay_out(session: Session, limit: int = 500) -> int:
    """Make a delivery for each webhook that wants one of the new events; return how many events were laid out."""
    fresh = session.scalars(
        select(Event)
        .where(Event.dispatched_at.is_(None))
        .order_by(Event.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for event in fresh:
        wanting = session.scalars(
            select(Webhook.id).where(
                Webhook.disabled_at.is_(None),
                Webhook.department.in_(event.departments),
                or_(Webhook.kinds.contains([event.kind]), Webhook.kinds == []),
            )
        )
        session.add_all(WebhookDelivery(event_id=event.id, webhook_id=number) for number in wanting)
        event.dispatched_at = utc_now()
    return len(fresh)


def take_due(session: Session, limit: int = 20) -> list[Shipment]:
    """Take deliveries whose time has come; each belongs to this worker for the lease and counts as an attempt.

    What was laid out for a webhook while it was being ended is given up.
    """
    _give_up(session, WebhookDelivery.webhook_id.in_(select(Webhook.id).where(Webhook.disabled_at.is_not(None))))
    due = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.state == "waiting", WebhookDelivery.next_attempt_at <= utc_now())
        .order_by(WebhookDelivery.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalars(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(due))
        .values(attempts=WebhookDelivery.attempts + 1, next_attempt_at=utc_now() + LEASE)
        .returning(WebhookDelivery.id)
    ).all()
    rows = session.execute(
        select(WebhookDelivery, Webhook, Event)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .join(Event, Event.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.id.in_(taken))
        .order_by(WebhookDelivery.id)
        .execution_options(populate_existing=True)
    )
    return [_shipment(*row) for row in rows]


def is_wanted(session: Session, shipment: Shipment) -> bool:
    """Tell whether an attempt that was taken is still to be made: its webhook may have been ended since."""
    return bool(
        session.scalar(select(exists().where(Webhook.id == shipment.webhook_id, Webhook.disabled_at.is_(None))))
    )


def settle(session: Session, shipment: Shipment, *, status: int | None, error: str | None) -> str:
    """Record how an attempt ended and return the delivery's state: 2xx is delivered, all else is tried again.

    To a webhook that was ended meanwhile nothing is tried again.

    Args:
        session: a transaction.
        shipment: the attempt.
        status: HTTP status of the answer, if there was one.
        error: why there was none, or why it does not count.
    """
    delivered = status is not None and 200 <= status < 300
    webhook = session.get_one(Webhook, shipment.webhook_id, with_for_update={"read": True}, populate_existing=True)
    if webhook.disabled_at is not None and not delivered:
        error = ENDED
    last = shipment.attempt > len(PAUSES) or webhook.disabled_at is not None
    values: dict[str, Any] = {"last_status": status, "last_error": None if delivered else error}
    if delivered:
        values |= {"state": "delivered", "delivered_at": func.now()}
    elif last:
        values |= {"state": "given_up"}
    else:
        values |= {"state": "waiting", "next_attempt_at": utc_now() + PAUSES[shipment.attempt - 1]}
    session.execute(update(WebhookDelivery).where(WebhookDelivery.id == shipment.delivery_id).values(values))
    return str(values["state"])


def list_deliveries_of(
    session: Session, webhook_id: int, *, before: int | None = None, limit: int = 100
) -> Sequence[WebhookDelivery]:
    """Return the deliveries of a webhook, newest first."""
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    if before is not None:
        query = query.where(WebhookDelivery.id < before)
    return session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit)).all()


def end_webhook(session: Session, webhook: Webhook) -> None:
    """End a webhook; what waits for it is given up."""
    webhook.disabled_at = webhook.disabled_at or utc_now()
    webhook.revision += 1
    _give_up(session, WebhookDelivery.webhook_id == webhook.id)


def _give_up(session: Session, which: ColumnElement[bool]) -> None:
    waiting = WebhookDelivery.state == "waiting"
    session.execute(update(WebhookDelivery).where(waiting, which).values(state="given_up", last_error=ENDED))


def _shipment(delivery: WebhookDelivery, webhook: Webhook, event: Event) -> Shipment:
    return Shipment(
        delivery_id=delivery.id,
        attempt=delivery.attempts,
        webhook_id=webhook.id,
        url=webhook.url,
        sealed_secret=webhook.secret,
        event_id=event.id,
        kind=event.kind,
        body={
            "id": event.id,
            "type": event.kind,
            "object": event.object,
            "timestamp": event.occurred_at.isoformat(),
            "data": event.payload,
        },
    )
