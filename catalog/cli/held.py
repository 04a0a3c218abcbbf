"""`python -m catalog held`: deliveries that are held, and what becomes of them (暂扣处置)."""

from typing import Annotated

import typer

from catalog.cli.acting import acting
from catalog.cli.output import AsJson, ResourceName, explained, fields, show
from catalog.cli.signing import By
from catalog.control.audit import Detail
from catalog.control.held_deliveries import DECIDERS, HeldDelivery, decide, find_held, list_held
from catalog.control.session import session_scope
from catalog.model.caller import command_line
from catalog.model.departments import host_department
from catalog.model.state_machine import Actor

app = typer.Typer(no_args_is_help=True, help="Deliveries that are held, and what becomes of them (暂扣处置).")

BatchId = Annotated[str, typer.Argument(help="Batch id, as `held list` shows it.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]


@app.command("list")
def list_all(resource: ResourceName = None, as_json: AsJson = False) -> None:
    """Show the held deliveries: why, whether they may be released, and who is next."""
    with explained(), session_scope() as session:
        told = [_shown(one) for one in list_held(session, resource=resource)]
    columns = ["batch_id", "resource", "department", "business_date", "rows", "reason_code", "release", "awaits"]
    show("Deliveries held (暂扣的报送)", columns, told, as_json)


@app.command()
def release(batch_id: BatchId, by: By, reason: Why) -> None:
    """Let a delivery in that its department has confirmed; the next extract takes it up as it is.

    The account that confirmed it does not release it.
    """
    _decide(batch_id, "release", str(by), reason)


@app.command()
def reject(batch_id: BatchId, by: By, reason: Why) -> None:
    """Close a delivery that its department takes back and sends anew; its rows stay rejected in the ledger."""
    _decide(batch_id, "reject", str(by), reason)


def _decide(batch_id: str, act: str, by: str, reason: str) -> None:
    caller = command_line()
    with explained():
        detail: Detail = {"reason": reason, "by": by}
        with acting(f"held.{act}", f"batch:{batch_id}", detail=detail) as session:
            held = find_held(session, batch_id)
            department = host_department() if act == "release" else held.department
            actor = Actor(f"command:{caller.name}", department, frozenset({DECIDERS[act]}))
            told = f"{reason.strip()} ({by})" if reason.strip() else ""
            decided = decide(session, batch_id, act, actor, told)
    resource = held.batch.resource
    typer.echo(f"{batch_id}: {act}, waits for {decided.awaits}; python -m jobs extract --resource {resource}")


def _shown(held: HeldDelivery) -> dict[str, object]:
    batch = held.batch
    return {
        **fields(batch, "batch_id", "resource", "business_date", "reason_code", "reason", "received_at"),
        "department": held.department,
        "rows": batch.received_rows,
        "release": held.rule.release,
        "awaits": held.awaits,
        "decisions": [
            fields(one, "act", "reason", "decided_by", "decided_at", "applied_at", "applied_in")
            for one in held.decisions
        ],
    }
