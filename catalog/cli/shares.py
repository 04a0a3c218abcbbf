"""`python -m catalog shares`: published versions of shared tables, and taking them back (发布版本, 撤回)."""

from typing import Annotated

import typer

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, ResourceName, explained, fields, show
from catalog.cli.signing import By
from catalog.control.audit import Detail
from catalog.control.held_rows import rows_to_take
from catalog.control.session import session_scope
from catalog.control.shares import Place, list_share_versions
from catalog.control.version_retention import removable_versions
from catalog.control.withdrawal import Withdrawal, release_rows, withdraw, withdraw_rows
from catalog.control.withdrawal_receipts import outstanding
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
    columns = [
        "share",
        "schema_name",
        "table_name",
        "version",
        "delta_version",
        "rows",
        "status",
        "published_at",
        "ends_at",
    ]
    more = ["resource", "table_uri", "content_digest", "check_id", "superseded_at", "ended_because"]
    show("Shared tables (共享表)", columns, [fields(version, *columns, *more) for version in found], as_json)


@app.command("withdraw")
def withdraw_versions(
    table: Table,
    by: By,
    why: Annotated[str, typer.Option("--why", help="Told to the provider and to every reader; no personal data.")],
    version: Version = None,
    everything: Annotated[bool, typer.Option("--all", help="Every version not withdrawn yet.")] = False,
) -> None:
    """Take published versions back: nobody reads them from the next request on, and who had them is told.

    Nothing takes their place until a newer version is published; the withdrawn one never is again.

    Example: python -m catalog shares withdraw city.licence.valid_licence --version 3 --why 含已注销人员 --by 示范管理员
    """
    with explained():
        place = _place(table)
        if bool(version) == everything:
            raise GuantongError("which versions is not said", remedy="give --version N, or --all")
        _require_reason(why)
        detail = {"versions": version or "all", "by": str(by), "reason": why}
        with acting("share.withdraw", f"share:{table.lower()}", detail=detail) as session:
            found = withdraw(session, *place, numbers=version, reason=why, by=str(by))
    _say(table, found, "is withdrawn")


@app.command("withdraw-rows")
def take_rows_back(
    table: Table,
    by: By,
    why: Annotated[str, typer.Option("--why", help="Told to the provider and to every reader; no personal data.")],
    key: Annotated[list[str], typer.Option("--key", help="Key of a row, such as a person_id; may be repeated.")],
) -> None:
    """Take rows back by their key: nobody is shown them, and versions that hold them are read as a whole no more.

    The next version is published once it holds none of them, or after `shares release-rows`.

    Example: python -m catalog shares withdraw-rows city.population.resident_basic --key p00017 --why 错误关联 --by 示范
    """
    with explained():
        place = _place(table)
        _require_reason(why)
        detail: Detail = {"rows": len(set(key)), "by": str(by), "reason": why}
        with acting("share.withdraw_rows", f"share:{table.lower()}", detail=detail) as session:
            taken = rows_to_take(session, place, key)
            found = withdraw_rows(session, place, taken, reason=why, by=str(by))
    _say(table, found, f"is read as a whole no more ({found[0].number})")


@app.command("release-rows")
def release(
    number: Annotated[str, typer.Argument(metavar="WDR-YEAR-NUMBER", help="As `shares outstanding` names it.")],
    by: By,
    why: Annotated[str, typer.Option("--why", help="Why the rows are right now; no personal data.")],
) -> None:
    """Let rows that were taken back be published again; versions from before stay closed."""
    with explained():
        _require_reason(why)
        with acting("share.release_rows", f"withdrawal:{number}", detail={"by": str(by), "reason": why}) as session:
            released = release_rows(session, number, reason=why, by=str(by))
            rows = len(released.row_keys)
    typer.echo(f"{rows} row(s) of {number} may be published again with the next version.")


@app.command("outstanding")
def show_outstanding(
    provider: Annotated[str | None, typer.Option(help="Only on the data of this department.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show who has not said yet what they did with what was taken back (未回执)."""
    with explained(), session_scope() as session:
        rows = [
            {
                "due_on": clock.due_on,
                "withdrawal": record.number,
                "table": f"{record.share}.{record.schema_name}.{record.table_name}",
                "kind": record.kind,
                "provider": record.provider,
                "recipient": system.name,
                "department": receiver.department,
                "versions": ", ".join(map(str, receiver.versions)),
                "overdue_on": clock.overdue_on,
            }
            for record, receiver, system, clock in outstanding(session, provider)
        ]
    columns = ["due_on", "withdrawal", "table", "kind", "provider", "recipient", "department", "versions", "overdue_on"]
    show("Outstanding answers to withdrawals (撤回未回执)", columns, rows, as_json)


@app.command("retention")
def show_retention(as_json: AsJson = False) -> None:
    """Show which lake versions were served once and never will be again; nothing is removed (可清理版本)."""
    with explained(), session_scope() as session:
        rows = [
            {
                **fields(one.version, "share", "schema_name", "table_name", "version", "delta_version", "table_uri"),
                "why": one.why,
                "could_go": not one.still_pinned_by,
                "pinned_by": ", ".join(map(str, one.still_pinned_by)),
            }
            for one in removable_versions(session)
        ]
    columns = ["share", "schema_name", "table_name", "version", "delta_version", "could_go", "pinned_by", "why"]
    show("Versions that ended (已终止版本)", [*columns, "table_uri"], rows, as_json)


def _place(table: str) -> Place:
    parts = table.lower().split(".")
    if len(parts) != 3:
        raise GuantongError(f"{table!r} names no table", remedy="write SHARE.SCHEMA.TABLE")
    return parts[0], parts[1], parts[2]


def _require_reason(why: str) -> None:
    if not why.strip():
        raise GuantongError("nothing is said why", remedy="give --why TEXT")


def _say(table: str, found: list[Withdrawal], what: str) -> None:
    for withdrawal in found:
        readers = ", ".join(f"{reader.name} ({reader.department})" for reader in withdrawal.readers) or "nobody"
        typer.echo(f"{table} version {withdrawal.version.version} {what}. Had been handed to: {readers}.")
