"""Inboxes by mail (收件箱邮件): once a day, what a department without systems has not read; off unless it is set.

Invariant: a department is written to at its own address only, and of its own events only, without personal data.
"""

import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from catalog.control.inbox import count_unread, list_events
from catalog.control.mail_server import compose, connect_mail
from catalog.control.positions import get_position, set_position
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import load_event_kinds

_CONSUMER = "events.mail"
_LINES = 200
"""Events that a mail lists; of more it says how many there are."""


class MailAddressError(GuantongError):
    """The setting of addresses names a department twice, or none, or no address."""

    code = "MAIL_ADDRESS_INVALID"


@dataclass(frozen=True)
class Mailed:
    """What became of one department's mail."""

    department: str
    address: str
    unread: int
    error: str = ""
    """Why it did not go out; the next run tries again."""


def read_addresses(setting: str) -> dict[str, str]:
    """Return department → address, as `EVENT_MAIL_TO` has them.

    Raises:
        DepartmentUnknownError: one is no department.
        MailAddressError: one stands twice, or without an address.

    >>> read_addresses("water=office@water.example.gov, transport=duty@transport.example.gov")["water"]
    'office@water.example.gov'
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in setting.split(","))):
        name, _, address = (one.strip() for one in part.partition("="))
        department = get_department(name).id
        if department in found or "@" not in address:
            raise MailAddressError(
                f"{name} stands twice or has no address", place="EVENT_MAIL_TO", remedy="write water=office@example.gov"
            )
        found[department] = address
    return found


def mail_inbox(
    session: Session, department: str, address: str, *, server: str, sender: str, day: date
) -> Mailed | None:
    """Write to a department that has unread events, once a day; return what became of it, None where nothing is due.

    Args:
        session: a transaction; that the mail went out is on record with it.
        department: whose inbox.
        address: of the department.
        server: of the site, as :func:`connect_mail`.
        sender: address the mail comes from.
        day: official day.
    """
    unread = count_unread(session, department)
    if not unread or get_position(session, _CONSUMER, department) == day.isoformat():
        return None
    count = sum(unread.values())
    subject = f"政务数据共享：{count} 条未读事件 / unread events"
    text = _text(session, department, unread)
    mail = compose(subject, sender, [address], f"inbox-{department}-{day.isoformat()}", text)
    try:
        with connect_mail(server) as connection:
            connection.send_message(mail)
    except (smtplib.SMTPException, OSError) as error:
        return Mailed(department, address, count, type(error).__name__)
    set_position(session, _CONSUMER, department, day.isoformat())
    return Mailed(department, address, count)


def _text(session: Session, department: str, unread: Mapping[str, int]) -> str:
    known = load_event_kinds()
    lines = [f"{get_department(department).name}：未读事件 (unread events)", ""]
    for kind, count in unread.items():
        names = f"{known[kind].name} {known[kind].name_en}" if kind in known else ""
        lines.append(f"{count:>6}  {kind}  {names}")
    lines += ["", f"最早 {_LINES} 条 (the oldest {_LINES}):"]
    for event, _ in list_events(session, department, is_unread=True, limit=_LINES):
        lines.append(f"{event.id:>8}  {event.occurred_at:%Y-%m-%d %H:%M}Z  {event.kind}  {event.object}")
    return "\n".join([*lines, "", f"python -m catalog events list --department {department} --unread", ""])
