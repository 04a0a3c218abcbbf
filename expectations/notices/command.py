"""``python -m expectations notices``: what was told about stopped gates, and telling again what did not arrive."""

from __future__ import annotations

from typing import Annotated

import typer


def notices(
    resend: Annotated[bool, typer.Option("--resend", help="Send again what did not arrive.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")] = False,
) -> None:
    """Show the notices about stopped gates (告警记录), and whether each arrived."""
    if resend:
        from expectations.notices.send import resend_failed

        arrived, lost = resend_failed()
        typer.echo(f"{arrived} arrived, {lost} did not.")
        return
    from catalog.cli.output import fields, show
    from catalog.control.notices import list_notices
    from catalog.control.session import session_scope

    with session_scope() as session:
        columns = ["created_at", "channel", "target", "resource", "status", "tries", "error"]
        rows = [fields(notice, *columns, "notice_id", "body", "sent_at") for notice in list_notices(session)]
    show("Notices (告警记录)", columns, rows, as_json)
