"""`python -m catalog shares`: published versions of shared tables, and taking them back (发布版本, 撤回)."""

from typing import Annotated

import typer

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, ResourceName, explained, fields, show
from catalog.cli.signing import By
from catalog.control.session import session_scope
from catalog.control.shares import list_share_versions
from catalog.control.withdrawal import withdraw
from catalog.model.errors import GuantongError

app = typer.Typer(help="Published versions of shared tables (发布版本), and taking them back (撤回).")
Table = Annotated[str, typer.Argument(metavar="SHARE.SCHEMA.TABLE", help="As `catalog shares` names it.")]
Version = Annotated[list[int] | None, typer.Option("--version", min=1, help="Only this one; may be repeated.")]


@app.callback(invoke_without_command=True)
def shares(
    context: typer.Context,
    resource: ResourceName = None,
    every: Annotated[bool, typer.Option("--all", help="Also superseded and withdrawn versions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the published versions of shared tables (发布版本); or take some back."""
    if context.invoked_subcommand is not None:
        return
    with explained(), session_scope() as session:
        found = list_share_versions(session, resource=resource, served_only=not every)
    columns = ["share", "schema_name", "table_name", "version", "delta_version", "rows", "status", "published_at"]
    more = ["resource", "table_uri", "content_digest", "check_id"]
    show("Shared tables (共享表)", columns, [fields(version, *columns, *more) for version in found], as_json)


@app.command("withdraw")
def withdraw_versions(
    table: Table,
    by: By,
    why: Annotated[str, typer.Option("--why", help="Told to the provider and to every reader; no personal data.")],
    version: Version = None,
    everything: Annotated[bool, typer.Option("--all", help="Every version that may still be read.")] = False,
) -> None:
    """Take published versions back: nobody reads them from the next request on, and who had them is told.

    Nothing takes their place until a newer version is published; the withdrawn one never is again.

    Example: python -m catalog shares withdraw city.licence.valid_licence --version 3 --why 含已注销人员 --by 示范管理员
    """
    with explained():
        place = table.lower().split(".")
        if len(place) != 3:
            raise GuantongError(f"{table!r} names no table", remedy="write SHARE.SCHEMA.TABLE")
        if bool(version) == everything:
            raise GuantongError("which versions is not said", remedy="give --version N, or --all")
        if not why.strip():
            raise GuantongError("nothing is said why", remedy="give --why TEXT")
        detail = {"versions": version or "all", "by": str(by), "reason": why}
        with acting("share.withdraw", f"share:{table.lower()}", detail=detail) as session:
            found = withdraw(session, *place, numbers=version, reason=why)
    for withdrawal in found:
        readers = ", ".join(f"{reader.name} ({reader.department})" for reader in withdrawal.readers) or "nobody"
        typer.echo(f"{table} version {withdrawal.version.version} is withdrawn. Had been handed to: {readers}.")
