"""`python -m catalog batches | runs | ledger | findings | deliveries`: what the control plane remembers."""

from datetime import date, datetime
from typing import Annotated

import typer

from catalog.cli.output import AsJson, Limit, ResourceName, explained, fields, show
from catalog.cli.proof import prove
from catalog.control.batches import list_batches
from catalog.control.deliveries import list_deliveries
from catalog.control.findings import list_findings
from catalog.control.ledger import ledger_entries
from catalog.control.recipients import list_recipients
from catalog.control.runs import recent_runs
from catalog.control.session import session_scope

Status = Annotated[str | None, typer.Option(help="Only this status.")]
ledger_app = typer.Typer(help="Row accounts (台账), and the proof that they are true (账实核对).")
ledger_app.command("prove")(prove)
BatchName = Annotated[str | None, typer.Option("--batch", help="Only this batch.")]


def batches(
    resource: ResourceName = None,
    status: Annotated[str | None, typer.Option(help="received, held, accepted, no_op or rejected.")] = None,
    business_date: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"])] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show what arrived (批次): counts declared and received, and why a batch is held or a no-op."""
    day: date | None = business_date.date() if business_date else None
    with explained(), session_scope() as session:
        found = list_batches(session, resource=resource, status=status, business_date=day, limit=limit)
    columns = ["batch_id", "resource", "business_date", "kind", "status", "declared_rows", "received_rows", "reason"]
    more = ["source", "dataset", "reason_code", "content_sha256", "cursor_from", "cursor_to", "location", "received_at"]
    show("Batches (批次)", columns, [fields(batch, *columns, *more) for batch in found], as_json)


def runs(resource: ResourceName = None, status: Status = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show which commands ran (运行记录), and the error of those that failed."""
    with explained(), session_scope() as session:
        found = recent_runs(session, resource=resource, status=status, limit=limit)
    columns = ["started_at", "stage", "resource", "status", "ended_at", "error"]
    more = ["run_id", "command", "dag_id", "dag_run_id", "task_id", "try_number", "business_date"]
    show("Runs (运行记录)", columns, [fields(run, *columns, *more) for run in found], as_json)


@ledger_app.callback(invoke_without_command=True)
def ledger(
    context: typer.Context,
    resource: ResourceName = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage.")] = None,
    batch: BatchName = None,
    as_json: AsJson = False,
) -> None:
    """Show the row accounts (台账): read = accepted + set aside + rejected, per batch and stage; or prove them."""
    if context.invoked_subcommand is not None:
        return
    with explained(), session_scope() as session:
        found = ledger_entries(session, resource=resource, stage=stage, batch_id=batch)
    columns = [
        "resource", "stage", "table_name", "batch_id", "read", "accepted", "set_aside", "rejected", "seconds",
    ]  # fmt: skip
    show("Ledger (台账)", columns, [fields(entry, *columns, "recorded_at") for entry in found], as_json)


def findings(
    resource: ResourceName = None,
    batch: BatchName = None,
    reason_code: Annotated[str | None, typer.Option("--code", help="Only this code, such as SHORT_DELIVERY.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show notes about whole batches and files (批次问题): reordered headers, short and repeated deliveries."""
    with explained(), session_scope() as session:
        found = list_findings(session, resource=resource, batch_id=batch, reason_code=reason_code, limit=limit)
    columns = ["resource", "batch_id", "reason_code", "place", "count", "detail"]
    show("Findings (问题)", columns, [fields(finding, *columns, "recorded_at") for finding in found], as_json)


def deliveries(limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show receipts (交付回执): what was handed to whom, rows offered and bytes sent."""
    with explained(), session_scope() as session:
        names = {recipient.id: recipient.name for recipient in list_recipients(session)}
        columns = ["at", "share", "schema_name", "table_name", "version", "kind", "rows", "bytes"]
        found = [
            {"recipient": names.get(receipt.recipient_id), **fields(receipt, *columns)}
            for receipt in list_deliveries(session, limit=limit)
        ]
    show("Deliveries (交付回执)", ["recipient", *columns], found, as_json)
