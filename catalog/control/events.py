"""Events (事件): what happened, written in the transaction in which it happened, and its way to webhooks (外发箱)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.base import utc_now
from catalog.control.event_tables import Event, Webhook, WebhookDelivery
from catalog.control.masking import mask_personal
from catalog.model.event_kinds import EVENT_KINDS, EventPayloadError, Sides, get_event_kind

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 3600, 21_600, 86_400))
"""How long after a failed attempt the next one is made; after the last the delivery is given up."""

LEASE = timedelta(seconds=60)
"""For how long an attempt belongs to the worker that took it: longer than one attempt can last."""

ENDED = "the webhook was ended"
_HEXADECIMAL = re.compile(r"[0-9a-f]{16,64}")
"""Ids of entities and digests; a run of digits in one is nobody's number."""


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


@dataclass(frozen=True)
class Telling:
    """One event before it is written."""

    kind: str
    """A kind of the register."""
    object: str
    """What it happened to, such as `grant:12`."""
    departments: Sequence[str]
    """Whom it concerns; nobody else is told."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """Names and numbers of what changed, as its kind tells them; personal numbers in them are masked."""
    once: str | None = None
    """What is told one time only; a second event of the same is not written."""


def emit(
    session: Session, kind: str, object: str, *, departments: Iterable[str], payload: Mapping[str, Any] | None = None
) -> None:
    """Tell some departments that something happened, in the transaction in which it happens.

    Raises:
        EventKindUnknownError: there is no such kind.
        EventPayloadError: the kind does not tell what the payload says.
    """
    emit_all(session, [Telling(kind, object, list(departments), payload or {})])


def tell(
    session: Session,
    kind: str,
    object: str,
    sides: Sides,
    payload: Mapping[str, Any] | None = None,
    *,
    once: str | None = None,
) -> None:
    """Tell those whom the register says a kind concerns, of the sides of the matter; as :func:`emit`."""
    concerned = get_event_kind(kind).departments(sides)
    emit_all(session, [Telling(kind, object, concerned, payload or {}, once)])


def emit_all(session: Session, tellings: Sequence[Telling]) -> None:
    """Write some events in one statement, in order; one that concerns nobody is none. Errors as :func:`emit`."""
    rows = [_row(one) for one in tellings]
    if heard := [row for row in rows if row["departments"]]:
        session.execute(insert(Event).on_conflict_do_nothing(), heard)


def _row(told: Telling) -> dict[str, Any]:
    kind = get_event_kind(told.kind)
    if more := sorted(set(told.payload) - set(kind.payload)):
        raise EventPayloadError(
            f"{told.kind} does not tell {', '.join(more)}", place=EVENT_KINDS.name, remedy="enter it there, or leave it"
        )
    return {
        "kind": told.kind,
        "object": _masked(told.object),
        "departments": sorted({one for one in told.departments if one}),
        "payload": {name: _masked(value) for name, value in told.payload.items()},
        "once": told.once,
    }


def _masked(value: Any) -> Any:  # noqa: ANN401 - a document's values
    """Return a value as a document keeps it, without personal numbers; an id of hexadecimal digits is none."""
    if isinstance(value, str):
        return value if _HEXADECIMAL.fullmatch(value) and not value.isdigit() else mask_personal(value)
    if isinstance(value, Mapping):
        return {_masked(str(name)): _masked(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return value


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


def take_due(session: Session, limit: int = 1) -> list[Shipment]:
    """Take deliveries whose time has come; each belongs to this worker for the lease and counts as an attempt.

    What was laid out for a webhook while it was being ended is given up.

    Args:
        session: a transaction.
        limit: at most so many; the lease of all of them begins now, so who makes attempts takes one at a time.
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

    To a webhook that was ended meanwhile nothing is tried again. An attempt that ends after another worker has taken
    the delivery over, or has delivered it, changes nothing.

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
    own = (WebhookDelivery.attempts == shipment.attempt, WebhookDelivery.state != "delivered")
    this = WebhookDelivery.id == shipment.delivery_id
    settled = update(WebhookDelivery).where(this, *own).values(values).returning(WebhookDelivery.state)
    return session.scalar(settled) or session.scalars(select(WebhookDelivery.state).where(this)).one()


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
