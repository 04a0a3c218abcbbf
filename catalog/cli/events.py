"""`python -m catalog events`: the inbox of a department that has no system of its own (部门收件箱)."""

from typing import Annotated, Any

import typer

from catalog.cli.acting import acting_on_files
from catalog.cli.output import AsJson, explained, fields, show
from catalog.control.base import utc_now
from catalog.control.clocks import local_day
from catalog.control.inbox import Received, list_events
from catalog.control.inbox_mail import Mailed, mail_inbox, read_addresses
from catalog.control.session import session_scope
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.event_kinds import get_event_kind, load_event_kinds
from catalog.model.settings import get_settings

app = typer.Typer(no_args_is_help=True, help="Events (事件): what departments are told, and which kinds there are.")

_SHOWN = ("id", "occurred_at", "kind", "object", "payload")
_MARKS = ("read_at", "read_by", "acknowledged_at", "acknowledged_by")


@app.command("list")
def inbox(
    department: Annotated[str, typer.Option(help="Whose inbox, such as water.")],
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; repeat it for more.")] = None,
    unread: Annotated[bool, typer.Option("--unread", help="Only what nobody of the department has read.")] = False,
    after: Annotated[int, typer.Option(help="Only after the event of this number.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many, oldest first.", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """Show what a department was told, and what it has read; nothing is marked.

    Example: python -m catalog events list --department water --unread
    """
    with explained():
        whose = get_department(department).id
        kinds = [get_event_kind(one).kind for one in kind or []]
        with session_scope() as session:
            found = list_events(session, whose, kinds=kinds, is_unread=unread, after=after, limit=limit)
    columns = ["id", "occurred_at", "kind", "name", "object", "payload", "read_at", "acknowledged_at"]
    show(f"Inbox of {whose} (收件箱)", columns, [_row(one) for one in found], as_json)


@app.command("kinds")
def kinds(as_json: AsJson = False) -> None:
    """Show every kind of event: what it tells, and whom it concerns."""
    columns, many = ["kind", "name", "name_en", "concerned", "payload"], ("concerned", "payload")
    rows = [fields(one, *columns) for one in load_event_kinds().values()]
    rows = [{**row, **{name: " ".join(row[name]) for name in many}} for row in rows]
    show("Kinds of events (事件种类)", columns, rows, as_json)


@app.command("mail")
def mail(as_json: AsJson = False) -> None:
    """Send each department its unread events by mail, once a day, to the addresses of `EVENT_MAIL_TO`.

    Safe to repeat; a site's scheduler runs it after `clocks tick`. Ends with 1 when a mail did not go out.
    """
    settings = get_settings()
    with explained():
        addresses = read_addresses(settings.event_mail_to)
        if not addresses or not settings.notice_mail_server:
            raise GuantongError(
                "no mail is sent", remedy="set EVENT_MAIL_TO, and NOTICE_MAIL_SERVER with NOTICE_MAIL_FROM"
            )
        sender, today = settings.require("notice_mail_from"), local_day(utc_now())
        with acting_on_files("event.mail", f"day:{today}", detail={"departments": sorted(addresses)}):
            sent = [found for one in addresses.items() if (found := _mailed(*one, settings.notice_mail_server, sender))]
    columns = ["department", "address", "unread", "error"]
    show(f"Mails of {today} (收件箱邮件)", columns, [fields(one, *columns) for one in sent], as_json)
    if any(one.error for one in sent):
        raise typer.Exit(1)


def _mailed(department: str, address: str, server: str, sender: str) -> Mailed | None:
    with session_scope() as session:
        return mail_inbox(session, department, address, server=server, sender=sender, day=local_day(utc_now()))


def _row(received: Received) -> dict[str, Any]:
    event, mark = received
    known = load_event_kinds().get(event.kind)
    marks = {name: getattr(mark, name, None) for name in _MARKS}
    return {**fields(event, *_SHOWN), "name": known.name if known else event.kind, **marks}
