"""Notices by e-mail (邮件告警), through the site's own mail server."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable

from catalog.control.mail_server import compose, connect_mail
from expectations.notices.message import Message
from expectations.notices.webhook import PAUSES, TIMEOUT_SECONDS, Sent


def send_mail(
    message: Message, server: str, sender: str, recipients: list[str], pause: Callable[[float], None] = time.sleep
) -> Sent:
    """Send a notice and tell what became of it; never raises for a server that is away or refuses.

    Args:
        message: the notice.
        server: ``smtp://host:port`` (STARTTLS where a user is named), or ``smtps://user:password@host:port``.
        sender: address it comes from.
        recipients: addresses it goes to.
        pause: how to wait between tries.

    Raises:
        GuantongError: when ``server`` is no such address.
    """
    mail = compose(message.subject, sender, recipients, str(message.notice_id), message.text)
    error = ""
    for attempt in range(1, len(PAUSES) + 2):
        try:
            with connect_mail(server, TIMEOUT_SECONDS) as connection:
                connection.send_message(mail)
            return Sent(attempt)
        except (smtplib.SMTPException, OSError) as trouble:
            error = f"{type(trouble).__name__}: {trouble}"
        if attempt <= len(PAUSES):
            pause(PAUSES[attempt - 1])
    return Sent(len(PAUSES) + 1, error)
