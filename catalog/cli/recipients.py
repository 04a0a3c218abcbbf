"""`python -m catalog recipients`: who may read, what, for which purpose and how long (接收系统与授权)."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from catalog.cli.output import AsJson, explained, fields, show
from catalog.control import recipients as register
from catalog.control.audit import Detail, record
from catalog.control.session import session_scope
from catalog.control.tables import Recipient
from catalog.model.caller import command_line
from catalog.model.errors import GuantongError
from catalog.model.settings import get_settings
from catalog.service.configuration import PREFIX
from catalog.service.profiles import write_profile

app = typer.Typer(
    no_args_is_help=True,
    help="Who may read, what, for which purpose and how long (接收系统与授权).",
)

Name = Annotated[str, typer.Argument(help="Name of the receiving system, such as tax-bureau-credit.")]
Share = Annotated[str, typer.Option(help="Share to be read, such as population.")]
Schema = Annotated[str | None, typer.Option(help="Only this schema of the share.")]
TableName = Annotated[str | None, typer.Option("--table", help="Only this table; needs --schema.")]
Purpose = Annotated[str, typer.Option(help="What the data is used for; it is kept with the grant.")]
Days = Annotated[int, typer.Option(help="How many days it is in force.", min=1, max=3650)]
Profile = Annotated[
    Path | None, typer.Option(help="Where to write the profile file; default below GUANTONG_HOME/profiles.")
]
Show = Annotated[bool, typer.Option("--show", help="Print the token as well; by default no screen ever has it.")]


@app.command("add")
def add(
    name: Name,
    department: Annotated[str, typer.Option(help="Department it belongs to.")],
    share: Share,
    purpose: Purpose = "unspecified",
    schema: Schema = None,
    table: TableName = None,
    days: Days = 365,
    profile: Profile = None,
    show_token: Show = False,
) -> None:
    """Make a recipient with a token and a grant, and write its profile file (mode 0600).

    Example: python -m catalog recipients add tax-bureau --department taxation --share population
    --purpose "credit check of applicants"
    """
    with explained():
        _require_sound(name, schema, table)
        until = datetime.now(UTC) + timedelta(days=days)
        endpoint = _endpoint()
        with session_scope() as session:
            detail: Detail = {"department": department, "share": share, "purpose": purpose, "days": days}
            record(session, command_line(), "recipient.add", f"recipient:{name}", detail=detail)
            made, token = register.add_recipient(session, name, department=department, expires_at=until)
            register.add_grant(
                session,
                made,
                share=share.lower(),
                schema_name=schema and schema.lower(),
                table_name=table and table.lower(),
                purpose=purpose,
                valid_to=until,
            )
        path = _write(made, token, endpoint, profile)
        _tell(made, path, token if show_token else None)


@app.command("grant")
def grant(
    name: Name,
    share: Share,
    purpose: Purpose,
    schema: Schema = None,
    table: TableName = None,
    days: Days = 365,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Also versions superseded before today (历史版本).")
    ] = False,
) -> None:
    """Let a recipient read one more share, schema or table; the same again renews its term."""
    with explained():
        _require_sound(name, schema, table)
        with session_scope() as session:
            detail: Detail = {"share": share, "schema": schema, "table": table, "purpose": purpose, "days": days}
            detail = {**detail, **({"earlier": True} if earlier else {})}
            record(session, command_line(), "recipient.grant", f"recipient:{name}", detail=detail)
            register.add_grant(
                session,
                register.find_recipient(session, name),
                share=share.lower(),
                schema_name=schema and schema.lower(),
                table_name=table and table.lower(),
                purpose=purpose,
                valid_to=datetime.now(UTC) + timedelta(days=days),
                opens_earlier=earlier,
            )
        typer.echo(f"{name} may read {'.'.join(part for part in (share, schema, table) if part)} for {days} days.")


@app.command("renew")
def renew(name: Name, days: Days = 365, profile: Profile = None, show_token: Show = False) -> None:
    """Give a recipient a new token and profile file; the old token ends at once."""
    with explained():
        endpoint = _endpoint()
        with session_scope() as session:
            until = datetime.now(UTC) + timedelta(days=days)
            record(session, command_line(), "recipient.renew", f"recipient:{name}", detail={"days": days})
            recipient, token = register.renew_token(session, name, expires_at=until)
        path = _write(recipient, token, endpoint, profile)
        _tell(recipient, path, token if show_token else None)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Show recipients and what they may read."""
    with explained(), session_scope() as session:
        rows = []
        for recipient in register.list_recipients(session):
            granted = [
                fields(one, "share", "schema_name", "table_name", "purpose", "valid_to")
                for one in register.list_grants(session, recipient.id)
            ]
            row: dict[str, Any] = fields(recipient, "name", "department", "created_at", "expires_at", "revoked_at")
            row["active"] = register.is_active(recipient)
            row["grants"] = granted if as_json else "; ".join(_scope(one) for one in granted)
            rows.append(row)
    show("Recipients (接收系统)", ["name", "department", "active", "grants", "expires_at", "revoked_at"], rows, as_json)


@app.command("revoke")
def revoke(
    name: Name,
    share: Annotated[str | None, typer.Option(help="End only the grants on this share.")] = None,
) -> None:
    """End a recipient's token and grants, effective with its next request."""
    with explained(), session_scope() as session:
        record(session, command_line(), "recipient.revoke", f"recipient:{name}", detail={"share": share})
        if share is None:
            register.revoke_recipient(session, name)
            typer.echo(f"{name} can no longer read anything.")
        else:
            ended = register.revoke_grants(session, name, share=share.lower())
            typer.echo(f"{ended} grant(s) of {name} on {share} ended.")


def _require_sound(name: str, schema: str | None, table: str | None) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise GuantongError(
            f"{name!r} is no name for a recipient", remedy="use letters, digits, dots, hyphens and underscores"
        )
    if table and not schema:
        raise GuantongError("--table needs --schema", remedy=f"add --schema SCHEMA before --table {table}")


def _endpoint() -> str:
    return f"{get_settings().require('service_url').rstrip('/')}{PREFIX}"


def _write(recipient: Recipient, token: str, endpoint: str, profile: Path | None) -> Path:
    """Write the profile of a token that is in force by now; when that fails, `recipients renew` gives another."""
    path = profile or get_settings().home / "profiles" / f"{recipient.name}.share"
    write_profile(path, endpoint=endpoint, token=token, expires_at=recipient.expires_at)
    return path


def _tell(recipient: Recipient, path: Path, token: str | None) -> None:
    typer.echo(f"Profile of {recipient.name}, in force until {recipient.expires_at:%Y-%m-%d}: {path}")
    if token:
        typer.echo(f"Token: {token}")


def _scope(grant: dict[str, Any]) -> str:
    parts = [grant["share"], grant["schema_name"] or "*", grant["table_name"] or "*"]
    return f"{'.'.join(parts)} ({grant['purpose']})"
