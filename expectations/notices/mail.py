"""Notices by e-mail (邮件告警), through the site's own mail server."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from catalog.model.errors import GuantongError
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
    mail = EmailMessage()
    mail["Subject"], mail["From"] = message.subject, _address(sender)
    mail["To"] = [_address(recipient) for recipient in recipients]
    mail["Message-ID"] = f"<{message.notice_id}@guantong>"
    mail.set_content(message.text)
    error = ""
    for attempt in range(1, len(PAUSES) + 2):
        try:
            with _connect(server) as connection:
                connection.send_message(mail)
            return Sent(attempt)
        except (smtplib.SMTPException, OSError) as trouble:
            error = f"{type(trouble).__name__}: {trouble}"
        if attempt <= len(PAUSES):
            pause(PAUSES[attempt - 1])
    return Sent(len(PAUSES) + 1, error)


def _connect(server: str) -> smtplib.SMTP:
    parts = urlsplit(server)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise GuantongError(
            "the mail server's address is not usable", place="NOTICE_MAIL_SERVER", remedy="write smtp://host:port"
        )
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        made: smtplib.SMTP = smtplib.SMTP_SSL(
            parts.hostname, parts.port or 465, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        made = smtplib.SMTP(parts.hostname, parts.port or 25, timeout=TIMEOUT_SECONDS)
    if parts.username:
        if parts.scheme == "smtp":
            made.starttls(context=ssl.create_default_context())
        made.login(unquote(parts.username), unquote(parts.password or ""))
    return made


def _address(text: str) -> Address:
    return Address(addr_spec=text)
