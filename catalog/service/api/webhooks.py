"""Webhooks (回调): where a department's systems are told of events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field
from sqlalchemy import select

from catalog.control.audit import record
from catalog.control.event_tables import Webhook, WebhookDelivery
from catalog.control.events import end_webhook, list_deliveries_of
from catalog.control.sealing import seal
from catalog.model.caller import Caller
from catalog.model.event_kinds import get_event_kind
from catalog.model.roles import Role
from catalog.service.access import CurrentConfiguration, Database
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import ProblemError, not_found
from catalog.service.api_types import Answer, Body, Instant, Line, Number
from catalog.service.api_versions import IfMatch, etag, require_match
from catalog.service.identity import own_department, require
from catalog.service.webhooks import new_secret

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=IdempotentRoute)

Officer = Annotated[
    Caller,
    Depends(
        require(Role.PROVIDER_OFFICER, Role.REQUESTER_OFFICER, Role.HOST_AUTHORITY, Role.DATA_ENGINEER, scoped=True)
    ),
]


class NewWebhook(Body):
    """Where to send, and what."""

    url: str = Field(min_length=8, max_length=500, examples=["https://hooks.water.example.gov/guantong"])
    kinds: list[Line] = Field(default_factory=list, max_length=500, examples=[["grant.revoke", "system.revoked"]])
    """Kinds of events, as `GET /events/kinds` lists them; empty means all that concern the department."""


class WebhookAnswer(Answer):
    """A webhook."""

    id: int
    department: str
    url: str
    kinds: list[str]
    created_at: Instant
    disabled_at: Instant | None


class WebhookMade(WebhookAnswer):
    """A webhook just made, with the secret of its signatures, which is shown here once."""

    secret: str = Field(examples=["whsec_…"])


class WebhooksPage(Answer):
    """A page of webhooks."""

    items: list[WebhookAnswer]
    next: str | None = None


class DeliveryAnswer(Answer):
    """One event on its way."""

    id: int
    event_id: int
    state: str
    attempts: int
    next_attempt_at: Instant
    last_status: int | None
    last_error: str | None
    delivered_at: Instant | None


class DeliveriesPage(Answer):
    """A page of deliveries, newest first."""

    items: list[DeliveryAnswer]
    next: str | None = None


@router.get("")
def list_all(session: Database, who: Officer, page: CurrentPage) -> WebhooksPage:
    """List the webhooks of one's own department."""
    query = select(Webhook).where(Webhook.department == who.department, Webhook.id > page.number())
    found = session.scalars(query.order_by(Webhook.id).limit(page.limit + 1)).all()
    return WebhooksPage.model_validate(page.answer(found, lambda webhook: webhook.id, _render))


@router.post("", status_code=201)
def make(
    session: Database,
    settings: CurrentConfiguration,
    who: Officer,
    response: Response,
    body: NewWebhook,
    _key: IdempotencyKey = None,
) -> WebhookMade:
    """Make a webhook of one's own department; only hosts on the operator's list are taken."""
    settings.guard.require_listed(body.url)
    kinds = sorted({get_event_kind(one).kind for one in body.kinds})
    record(session, who, "webhook.add", f"department:{who.department}", detail={"url": body.url, "kinds": kinds})
    made = Webhook(department=who.department, url=body.url, kinds=kinds, secret="", created_by=who.subject)
    session.add(made)
    session.flush()
    secret = new_secret()
    made.secret = seal("webhook", f"webhook:{made.id}", secret.encode())
    session.flush()
    session.refresh(made)
    _tag(response, made)
    response.headers["Location"] = f"/api/v1/webhooks/{made.id}"
    return WebhookMade(**_render(made), secret=secret)


@router.get("/{number}")
def show(session: Database, who: Officer, response: Response, number: Number) -> WebhookAnswer:
    """Show one webhook of one's own department."""
    webhook = _own(session, who, number)
    _tag(response, webhook)
    return WebhookAnswer(**_render(webhook))


@router.delete("/{number}")
def end(session: Database, who: Officer, response: Response, number: Number, if_match: IfMatch = None) -> WebhookAnswer:
    """End a webhook; what waits for it is given up."""
    webhook = _own(session, who, number)
    require_match(if_match, etag("webhook", webhook.id, webhook.revision))
    if webhook.disabled_at is not None:
        raise ProblemError("CONFLICT", reason="the webhook was ended (回调已停用)")
    record(session, who, "webhook.end", f"webhook:{number}")
    end_webhook(session, webhook)
    session.flush()
    _tag(response, webhook)
    return WebhookAnswer(**_render(webhook))


@router.get("/{number}/deliveries")
def deliveries(session: Database, who: Officer, page: CurrentPage, number: Number) -> DeliveriesPage:
    """List what was sent to a webhook, and how each attempt ended."""
    _own(session, who, number)
    found = list_deliveries_of(session, number, before=page.number() or None, limit=page.limit + 1)
    return DeliveriesPage.model_validate(page.answer(found, lambda delivery: delivery.id, _delivery))


def _own(session: Database, who: Caller, number: int) -> Webhook:
    webhook = session.get(Webhook, number, with_for_update=True)
    if webhook is None:
        raise not_found("webhook")
    own_department(who, webhook.department, noun="webhook")
    return webhook


def _tag(response: Response, webhook: Webhook) -> None:
    response.headers["ETag"] = etag("webhook", webhook.id, webhook.revision)


def _render(webhook: Webhook) -> dict[str, object]:
    return {name: getattr(webhook, name) for name in WebhookAnswer.model_fields}


def _delivery(delivery: WebhookDelivery) -> dict[str, object]:
    return {name: getattr(delivery, name) for name in DeliveryAnswer.model_fields}
