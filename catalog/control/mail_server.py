"""The site's own mail server (邮件服务器), by the setting `NOTICE_MAIL_SERVER`; no mail leaves unless it is set."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from catalog.model.errors import GuantongError

TIMEOUT_SECONDS = 10.0


def compose(subject: str, sender: str, recipients: list[str], message_id: str, text: str) -> EmailMessage:
    """Return a mail of plain text.

    Args:
        subject: one line.
        sender: address it comes from.
        recipients: addresses it goes to.
        message_id: the same for a mail that is sent again.
        text: what it says.
    """
    mail = EmailMessage()
    mail["Subject"], mail["From"] = subject, Address(addr_spec=sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    mail["Message-ID"] = f"<{message_id}@guantong>"
    mail.set_content(text)
    return mail


def connect_mail(server: str, timeout: float = TIMEOUT_SECONDS) -> smtplib.SMTP:
    """Return an open connection to a mail server.

    Args:
        server: ``smtp://host:port`` (STARTTLS where a user is named), or ``smtps://user:password@host:port``.
        timeout: seconds that each answer may take.

    Raises:
        GuantongError: ``server`` is no such address.
        SMTPException, OSError: it is away or refuses.
    """
    parts = urlsplit(server)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise GuantongError(
            "the mail server's address is not usable", place="NOTICE_MAIL_SERVER", remedy="write smtp://host:port"
        )
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        made: smtplib.SMTP = smtplib.SMTP_SSL(parts.hostname, parts.port or 465, timeout=timeout, context=context)
    else:
        made = smtplib.SMTP(parts.hostname, parts.port or 25, timeout=timeout)
    if parts.username:
        if parts.scheme == "smtp":
            made.starttls(context=ssl.create_default_context())
        made.login(unquote(parts.username), unquote(parts.password or ""))
    return made
