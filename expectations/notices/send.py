"""Sending (告警发送): a stopped gate tells the channels that a site has set; the verdict never depends on them."""

from __future__ import annotations

import logging
import uuid
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from catalog.control.notices import list_notices, record_notice
from catalog.control.session import in_transaction, session_scope
from catalog.model.errors import GuantongError
from catalog.model.settings import Settings, get_settings
from expectations.notices.mail import send_mail
from expectations.notices.message import Message, message_of
from expectations.notices.webhook import Sent, post
from expectations.result import CheckOutcome

logger = logging.getLogger(__name__)


def notify_stopped(outcome: CheckOutcome) -> int:
    """Tell every channel that is set about a stopped check, and return how many were told.

    Trouble with a channel is recorded and logged; the gate stops either way.
    """
    channels = _channels(get_settings())
    told = 0
    for channel in channels:
        message = message_of(outcome)
        try:
            told += deliver(channel, message) is None
        except (GuantongError, SQLAlchemyError) as error:
            logger.warning("a notice could not be sent: %s", type(error).__name__)
    return told


def deliver(channel: str, message: Message) -> str | None:
    """Send one notice on one channel, record it, and return the error, or None when it arrived.

    Raises:
        GuantongError: when the channel is not set.
    """
    settings = get_settings()
    sent = _try(settings, channel, message)
    target = _target(settings, channel)
    in_transaction(
        lambda session: record_notice(
            session,
            notice_id=message.notice_id,
            channel=channel,
            target=target,
            resource=message.resource,
            body=message.body,
            tries=sent.tries,
            error=sent.error,
        )
    )
    if sent.error:
        logger.warning("the notice %s did not arrive by %s: %s", message.notice_id, channel, sent.error)
    return sent.error


def resend_failed() -> tuple[int, int]:
    """Send the notices again that did not arrive; return how many arrived now and how many did not."""
    with session_scope() as session:
        waiting = [(n.channel, n.notice_id, n.resource, dict(n.body)) for n in list_notices(session, status="failed")]
    errors = [
        deliver(channel, Message(uuid.UUID(str(number)), resource, body)) for channel, number, resource, body in waiting
    ]
    return sum(error is None for error in errors), sum(error is not None for error in errors)


def _channels(settings: Settings) -> list[str]:
    found = ["webhook"] if settings.notice_webhook_url else []
    return found + (["mail"] if settings.notice_mail_server and settings.notice_mail_to else [])


def _try(settings: Settings, channel: str, message: Message) -> Sent:
    """Send one notice; what goes wrong with a channel, whatever it is, is that notice's own error.

    The error of an address that cannot be used may quote its password, so only its kind is kept.
    """
    try:
        return _send(settings, channel, message)
    except GuantongError:
        raise
    except Exception as trouble:
        return Sent(1, f"the channel cannot be used ({type(trouble).__name__})")


def _send(settings: Settings, channel: str, message: Message) -> Sent:
    if channel == "webhook":
        return post(message, settings.require("notice_webhook_url"), settings.require("notice_webhook_key"))
    recipients = [each.strip() for each in settings.require("notice_mail_to").split(",") if each.strip()]
    sender = settings.notice_mail_from or recipients[0]
    return send_mail(message, settings.require("notice_mail_server"), sender, recipients)


def _target(settings: Settings, channel: str) -> str:
    """Return where a notice goes: of an address the host, since the path of a chat robot (群机器人) opens it."""
    if channel == "mail":
        return settings.notice_mail_to
    try:
        parts = urlsplit(settings.notice_webhook_url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "an address that cannot be read"
