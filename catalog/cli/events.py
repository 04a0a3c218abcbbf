"""`python -m catalog events`: the inbox of a department that has no system of its own (部门收件箱)."""

from typing import Annotated, Any

import typer

from catalog.cli.output import AsJson, explained, fields, show
from catalog.control.inbox import Received, list_events
from catalog.control.session import session_scope
from catalog.model.departments import get_department
from catalog.model.event_kinds import get_event_kind, load_event_kinds

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


def _row(received: Received) -> dict[str, Any]:
    event, mark = received
    known = load_event_kinds().get(event.kind)
    marks = {name: getattr(mark, name, None) for name in _MARKS}
    return {**fields(event, *_SHOWN), "name": known.name if known else event.kind, **marks}
