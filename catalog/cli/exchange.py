"""`python -m catalog entries | clocks | applications | grants | demands | cases | disputes`: the exchange catalogue."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from catalog.cli.output import AsJson, explained, fields, show
from catalog.control.applications import list_applications
from catalog.control.audit import record
from catalog.control.base import utc_now
from catalog.control.clocks import list_clocks, local_day
from catalog.control.correction_cases import open_cases
from catalog.control.demands import list_demands
from catalog.control.disputes import list_disputes
from catalog.control.entries import content_of, list_entries
from catalog.control.entry_search import search_entries
from catalog.control.exchange_day import run_day
from catalog.control.grants import list_access_grants
from catalog.control.lists import clocks_of_lines, list_responsibilities, number_of
from catalog.control.session import session_scope
from catalog.formats.dcat import dcat_document
from catalog.formats.workbook import read_workbook, write_workbook
from catalog.model.caller import command_line
from catalog.model.catalogue_entry import entry_of
from catalog.model.deadlines import load_deadlines
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

entries_app = typer.Typer(no_args_is_help=True, help="Entries of the exchange catalogue (政务数据目录).")
clocks_app = typer.Typer(no_args_is_help=True, help="Statutory limits (办理时限).")

Department = Annotated[str | None, typer.Option(help="Only of this department.")]
State = Annotated[str | None, typer.Option(help="Only in this state.")]


@entries_app.command("list")
def entries(department: Department = None, state: State = None, as_json: AsJson = False) -> None:
    """Show entries with their versions and states."""
    with explained(), session_scope() as session:
        found = list_entries(session, provider=department, state=state, limit=10_000)
    columns = ["number", "code", "version", "name", "provider", "state", "published_at"]
    show(
        "Entries (目录条目)", columns, [fields(one, *columns, "resource", "demand", "reason") for one in found], as_json
    )


@entries_app.command("search")
def search(
    query: Annotated[str, typer.Argument(help="Chinese words, pinyin, initials, names or codes.")],
    department: Department = None,
    as_json: AsJson = False,
) -> None:
    """Search the published catalogue.

    Example: python -m catalog entries search czrk
    """
    with explained(), session_scope() as session:
        found = search_entries(session, query, provider=department, limit=100)
    columns = ["number", "code", "name", "provider", "share_type", "item_count"]
    show(f"Found {found.total} (检索结果)", columns, [fields(one, *columns) for one in found.entries], as_json)


@entries_app.command("export")
def export(
    path: Annotated[Path, typer.Argument(help="File to write.")],
    form: Annotated[Literal["workbook", "dcat"], typer.Option("--as", help="workbook (1272号) or dcat (JSON-LD).")] = (
        "workbook"
    ),
) -> None:
    """Write the published catalogue into a file."""
    with explained(), session_scope() as session:
        found = [
            (content_of(one), one.published_at) for one in list_entries(session, state="published", limit=1_000_000)
        ]
        if form == "dcat":
            path.write_text(dcat_document(found, get_settings().require("service_url")), encoding="utf-8")
        else:
            path.write_bytes(write_workbook((entry, local_day(at) if at else None) for entry, at in found))
    typer.echo(f"{len(found)} entries written to {path}.")


@entries_app.command("check")
def check(
    path: Annotated[Path, typer.Argument(help="Workbook to be imported later.", exists=True)], as_json: AsJson = False
) -> None:
    """Read a workbook and name every wrong row; nothing is changed. Ends with 1 when a row is wrong."""
    with explained():
        read = read_workbook(path.read_bytes())
    show(f"{len(read.entries)} entries are sound (错误行)", ["row", "code", "message"],
         [fields(one, "row", "code", "message") for one in read.errors], as_json)  # fmt: skip
    if read.errors:
        raise typer.Exit(1)


@clocks_app.command("list")
def clocks(
    department: Department = None,
    status: Annotated[str, typer.Option(help="running, paused, met, late or cancelled.")] = "running",
    as_json: AsJson = False,
) -> None:
    """Show what is due when, the nearest first."""
    with explained(), session_scope() as session:
        found = list_clocks(session, responsible=department, status=status)
    columns = ["due_on", "what", "kind", "number", "responsible", "is_provisional", "overdue_on", "status"]
    show("Limits (时限)", columns, [fields(one, *columns, "citation", "started_on") for one in found], as_json)


@clocks_app.command("limits")
def limits(
    jurisdiction: Annotated[str | None, typer.Option(help="Default: the setting JURISDICTION.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the limits in force today, with citation and mark (S read in a source, M from memory)."""
    place = jurisdiction or get_settings().jurisdiction
    with explained():
        found = load_deadlines().in_force(place, local_day(utc_now()))
    rows = [
        {"limit": name, **fields(limit, "days", "unit", "what", "citation", "mark"), "stands_in": where}
        for name, (limit, where) in found.items()
    ]
    show(
        f"Limits of {place} (办理时限)",
        ["limit", "days", "unit", "what", "citation", "mark", "stands_in"],
        rows,
        as_json,
    )


@clocks_app.command("tick")
def tick(
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Official day; default today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do what every day asks for: warn, escalate, end grants, start the clock of entries whose source has drifted.

    Safe to repeat; a site's scheduler runs it once a day.
    """
    today = day.date() if day else local_day(utc_now())
    registry = get_registry()
    now = {c.government.resource_code: entry_of(c, registry.elements_of(c)) for c in registry.all()}
    with explained(), session_scope() as session:
        record(session, command_line(), "clock.tick", f"day:{today}")
        outcome = run_day(session, now, today)
    rows = [{"what": one.level, "about": f"{one.kind} {one.number}", "who": one.responsible, "due_on": one.due_on}
            for one in outcome.notices]  # fmt: skip
    rows += [{"what": "grant expired", "about": number} for number in outcome.expired]
    rows += [{"what": "grant ends soon", "about": number} for number in outcome.ending]
    rows += [{"what": "entry to be updated", "about": code} for code in outcome.drifted]
    show(f"Day {today} (每日巡检)", ["what", "about", "who", "due_on"], rows, as_json)
    for error in registry.invalid().values():
        typer.echo(f"not looked at for drift: {error.told_to_readers}", err=True)


def applications(department: Department = None, state: State = None, as_json: AsJson = False) -> None:
    """Show applications for shared data (共享申请), to a provider if asked."""
    with explained(), session_scope() as session:
        found = list_applications(session, provider=department, state=state)
    columns = ["number", "code", "department", "provider", "purpose", "state", "submitted_at"]
    show(
        "Applications (共享申请)", columns, [fields(one, *columns, "items", "mode", "reason") for one in found], as_json
    )


def grants(department: Department = None, state: State = None, as_json: AsJson = False) -> None:
    """Show grants (授权): who may read what, for which purpose and until when."""
    with explained(), session_scope() as session:
        found = list_access_grants(session, department=department, state=state)
    columns = ["number", "code", "department", "recipient", "purpose", "valid_to", "state"]
    more = ["application", "items", "is_narrower", "quota_per_day", "recipient_grant_id", "reason"]
    show("Grants (授权)", columns, [fields(one, *columns, *more) for one in found], as_json)


def demands(department: Department = None, state: State = None, as_json: AsJson = False) -> None:
    """Show the demand list (需求清单): what is asked for, and of whom."""
    with explained(), session_scope() as session:
        found = list_demands(session, department=department, state=state)
    columns = ["number", "title", "department", "asked_department", "state", "entry", "reason"]
    show("Demands (需求清单)", columns, [fields(one, *columns, "elements", "candidates") for one in found], as_json)


def responsibilities(
    department: Department = None,
    batch: Annotated[int | None, typer.Option(help="Only of this batch.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the responsibility list (责任清单): what is due when, whom it was told, and what is done."""
    with explained(), session_scope() as session:
        found = list_responsibilities(session, batch=batch, department=department)
        clocks = clocks_of_lines(session, found)
    columns = ["number", "batch", "title", "department", "due_on", "fulfilled_on"]
    told = ["status", "warned_on", "due_told_on", "overdue_on", "escalated_on"]
    rows = [
        {
            **fields(line, *columns[1:], "resource", "citation"),
            "number": number_of(line),
            **(fields(clocks[number_of(line)], *told) if number_of(line) in clocks else {}),
        }
        for line in found
    ]
    show("Responsibilities (责任清单)", [*columns, *told], rows, as_json)


def cases(
    resource: Annotated[str | None, typer.Option(help="Only on rows of this resource.")] = None, as_json: AsJson = False
) -> None:
    """Show the correction cases (数据校核) that are open."""
    with explained(), session_scope() as session:
        found = open_cases(session, resource)
    columns = ["number", "resource", "row_key", "column_name", "doubted_department", "state", "raised_at"]
    show("Correction cases (校核)", columns, [fields(one, *columns, "raised_kind", "reason") for one in found], as_json)


def disputes(department: Department = None, as_json: AsJson = False) -> None:
    """Show disputes about refusals (共享争议)."""
    with explained(), session_scope() as session:
        found = list_disputes(session, department=department)
    columns = ["number", "subject_kind", "subject", "requester", "provider", "state", "outcome"]
    show("Disputes (共享争议)", columns, [fields(one, *columns, "statement", "reason") for one in found], as_json)
