"""`python -m catalog worklist`: rows that wait to be mended, per department (待处置清单)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from catalog.cli.acting import acting, record_reading
from catalog.cli.output import AsJson, ResourceName, explained, show
from catalog.cli.signing import By
from catalog.control.audit import Detail
from catalog.control.batches import reopen_stage
from catalog.control.issues import dismiss, dismissed_places, open_batches, stale_batches
from catalog.control.session import session_scope
from catalog.model.contract import Contract
from catalog.model.departments import load_departments
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from catalog.model.rule_digest import rule_digest
from catalog.model.settings import get_settings
from catalog.worklist.rows import WaitingRow, waiting_rows
from catalog.worklist.scope import Scope, require_resource, scope_of
from catalog.worklist.summary import SummaryLine, summarise
from catalog.worklist.workbook import write_workbook

app = typer.Typer(invoke_without_command=True, help="Rows that wait to be mended, per department (待处置清单).")

DepartmentName = Annotated[str | None, typer.Option("--department", help="Only the rows of this department.")]
Reader = Annotated[
    str | None, typer.Option("--reader", help="Department that will read; default the host, with values hidden.")
]
Purpose = Annotated[
    str, typer.Option("--purpose", help="What personal values in clear are needed for; kept in the audit.")
]
MOST_ROWS = 100_000
"""Rows of one resource in one workbook."""
COLUMNS = ["department", "resource", "column", "reason", "problem", "open_rows", "closed_rows", "closure_rate",
           "age_days", "days_to_close", "kind"]  # fmt: skip


@app.callback()
def summary(
    context: typer.Context,
    department: DepartmentName = None,
    resource: ResourceName = None,
    reader: Reader = None,
    as_json: AsJson = False,
) -> None:
    """Show what waits: by resource, column and reason, how old it is, and how much of it was closed."""
    if context.invoked_subcommand is not None:
        return
    with explained():
        scope = _scope(reader, department)
        if resource:
            require_resource(scope, get_registry().get(resource))
        with session_scope() as session:
            lines = summarise(session, scope, resource)
    show("Rows that wait (待处置清单)", COLUMNS, [_shown(line, as_json) for line in lines], as_json)


@app.command("rows")
def rows(
    resource: Annotated[str, typer.Argument(help="Resource id, such as population.resident.")],
    reader: Reader = None,
    limit: Annotated[int, typer.Option(help="Rows at most.", min=1)] = 50,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Show the rows of a resource that wait: file, line, reasons, and the values at fault.

    For the source department, which sees its values as they are, --purpose says what for.
    """
    with explained():
        contract, scope = get_registry().get(resource), _scope(reader, None)
        require_resource(scope, contract)
        with session_scope() as session:
            dismissed = dismissed_places(session, resource)
        found = waiting_rows(contract, scope, limit=limit, dismissed=dismissed)
        _record_clear("worklist.read", scope, {resource: found}, {resource: contract}, purpose)
    told = [
        {
            "batch_id": row.batch_id,
            "source_file": row.source_file,
            "row_number": row.row_number,
            "record_key": row.record_key,
            "reasons": [f"{column}: {reason}" if column else reason for column, reason in row.places],
            "values": {column: row.values.get(contract.item(column).of or column) for column, _ in row.places if column}
            if not as_json
            else row.values,
        }
        for row in found
    ]
    columns = ["batch_id", "source_file", "row_number", "record_key", "reasons", "values"]
    show(f"{resource}: rows that wait (待处置行)", columns, told, as_json)


@app.command("export")
def export(
    department: Annotated[str, typer.Option("--department", help="Whose rows.")],
    out: Annotated[Path, typer.Option("--out", help="Workbook to write, .xlsx.")],
    reader: Annotated[
        str | None, typer.Option("--reader", help="Department that will read it; default the source itself.")
    ] = None,
    purpose: Purpose = "",
) -> None:
    """Write a department's worklist as a workbook: what is wrong, what a right value looks like, what to do.

    The source department reads its values as they are, for the --purpose named, so hand the file to it alone; any
    other reader gets personal values hidden.
    """
    with explained():
        scope = scope_of(reader or department, department)
        with session_scope() as session:
            lines = summarise(session, scope)
            contracts = _contracts_of(department)
            dismissed = {resource: dismissed_places(session, resource) for resource in contracts}
        waiting = {line.resource for line in lines if line.kind == "row" and line.open_rows}
        found = {
            resource: waiting_rows(contract, scope, limit=MOST_ROWS, dismissed=dismissed[resource])
            for resource, contract in contracts.items()
            if resource in waiting
        }
        _record_clear("worklist.export", scope, found, contracts, purpose)
        day = get_settings().business_date
        write_workbook(out, department=department, scope=scope, lines=lines, rows=found, contracts=contracts, on=day)
    typer.echo(f"{out}: {sum(map(len, found.values())):,} rows of {len(found)} resources wait in {department}.")


@app.command("replay")
def replay(
    resource: Annotated[
        str, typer.Option("--resource", help="Resource whose contract, element, list or rule changed.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="Every batch with rows that wait, also where only code changed.")
    ] = False,
) -> None:
    """Let the batches with waiting rows be judged again under the rules in force; rows that now pass are freed.

    Without --all only batches that were judged under another contract, element or code list are opened.
    """
    with explained():
        registry = get_registry()
        digest = rule_digest(registry.get(resource), registry)
        with acting("worklist.replay", f"resource:{resource}", detail={"all": everything}) as session:
            batches = open_batches(session, resource) if everything else stale_batches(session, resource, digest)
            reopen_stage(session, batches, "conform")
    for batch_id in batches:
        typer.echo(f"python -m jobs conform --resource {resource} --batch {batch_id}")
    if batches:
        typer.echo(f"{len(batches)} batch(es) wait for conform; the next run, or the commands above, replay them.")
    else:
        typer.echo("No batch waits under earlier rules; --all judges every batch with waiting rows again.")


@app.command("dismiss")
def dismiss_rows(
    resource: Annotated[str, typer.Option("--resource", help="Resource id.")],
    reason: Annotated[str, typer.Option("--reason", help="Reason code, such as USCC_HEADING.")],
    by: By,
    why: Annotated[str, typer.Option("--why", help="Why nothing will come; it is kept.")],
    batch: Annotated[str | None, typer.Option("--batch", help="Only of this batch.")] = None,
    column: Annotated[str | None, typer.Option("--column", help="Only of this column.")] = None,
) -> None:
    """Close rows for which nothing will come, such as repeated headers; they stay aside and count as not mended."""
    with explained():
        get_registry().get(resource)
        if not why.strip():
            raise GuantongError("nothing is said why", remedy="give --why TEXT")
        detail: Detail = {"reason": reason, "by": str(by), "why": why, "batch": batch, "column": column}
        with acting("worklist.dismiss", f"resource:{resource}", detail=detail) as session:
            rows = dismiss(session, resource, reason, by=str(by), why=why, batch_id=batch, column_name=column)
    typer.echo(f"{rows:,} rows of {resource} no longer wait under {reason}." if rows else "Nothing waits so.")


def _record_clear(
    act: str, scope: Scope, found: dict[str, list[WaitingRow]], contracts: dict[str, Contract], purpose: str
) -> None:
    """Record what of the rows found the reader sees in clear, before it does."""
    for resource, waiting in found.items():
        if waiting and scope.is_clear(contracts[resource]):
            values = [{**row.values, "": row.record_key} for row in waiting]
            detail: Detail = {"reader": scope.reader, "rows": len(waiting)}
            record_reading(act, f"resource:{resource}", values, purpose=purpose, detail=detail)


def _scope(reader: str | None, department: str | None) -> Scope:
    return scope_of(reader or _host(), department)


def _host() -> str:
    return next(d.id for d in load_departments().values() if d.role == "host")


def _contracts_of(department: str) -> dict[str, Contract]:
    return {c.id: c for c in get_registry().all("silver") if c.government.department == department}


def _shown(line: SummaryLine, as_json: bool) -> dict[str, Any]:
    rate, days = line.closure_rate, line.days_to_close
    return {
        "department": line.department,
        "resource": line.resource,
        "column": line.column,
        "reason": line.reason,
        "problem": line.words.zh,
        "problem_en": line.words.en,
        "remedy": line.words.remedy_zh,
        "open_rows": line.open_rows,
        "closed_rows": line.closed_rows,
        "closure_rate": rate if as_json or rate is None else f"{rate:.0%}",
        "oldest": line.oldest,
        "age_days": line.age_days,
        "days_to_close": round(days, 2) if days is not None else None,
        "kind": line.kind,
    }
