"""`python -m catalog`: look into the catalogue and the control plane, and decide who may read (目录与管控命令)."""

from typing import Annotated

import typer

from catalog.cli import (
    audit,
    authority,
    codes,
    contracts,
    elements,
    entities,
    erasure,
    events,
    exchange,
    held,
    identities,
    ids,
    library,
    people,
    recipients,
    records,
    resources,
    review,
    shares,
    worklist,
)
from catalog.cli.output import explained
from catalog.model.caller import command_line
from catalog.model.masked_output import secrets_hidden

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Look into the catalogue (政务数据目录) and the control plane (管控库), and decide who may read what.",
)
app.add_typer(resources.app, name="resources")
app.add_typer(contracts.app, name="contract")
app.add_typer(elements.app, name="elements")
app.add_typer(codes.app, name="codes")
app.add_typer(recipients.app, name="recipients")
app.add_typer(ids.app, name="ids")
app.add_typer(authority.app, name="authority")
app.command("explain")(library.explain_cells)
app.add_typer(entities.app, name="licences")
for question in (library.conflicts, entities.find, entities.relations, entities.history):
    app.command()(question)
app.add_typer(people.app, name="people")
app.add_typer(audit.app, name="audit")
app.add_typer(exchange.entries_app, name="entries")
app.add_typer(exchange.clocks_app, name="clocks")
for matter in (
    exchange.applications, exchange.grants, exchange.demands, exchange.responsibilities, exchange.cases,
    exchange.disputes,
):  # fmt: skip
    app.command()(matter)
app.add_typer(events.app, name="events")
app.add_typer(records.ledger_app, name="ledger")
app.add_typer(shares.app, name="shares")
app.add_typer(worklist.app, name="worklist")
app.add_typer(held.app, name="held")
app.add_typer(review.app, name="review")
app.add_typer(erasure.app, name="erase")
app.command()(identities.merge)
app.command()(identities.split)
app.command()(identities.redirects)
for command in (records.batches, records.runs, records.findings, records.deliveries):
    app.command()(command)


@app.command()
def migrate(
    to: Annotated[str, typer.Option(help="head, base, a revision, or -1 for one step back.")] = "head",
    yes: Annotated[bool, typer.Option("--yes", help="Yes, remove tables and what they hold; for steps back.")] = False,
) -> None:
    """Bring the tables of the control plane (管控库) to a revision; safe to repeat. A step back needs --yes."""
    from catalog.control.audit import record_alone
    from catalog.control.migrations import can_record, current_revision, head_revision, require_consent
    from catalog.control.migrations import migrate as bring

    with explained():
        before = current_revision()
        require_consent(to, is_given=yes)
        changes = before != (head_revision() if to == "head" else to)
        if changes and can_record():
            record_alone(None, command_line(), "control.migrate", f"revision:{to}", "done", detail={"from": before})
        after = bring(to)
    typer.echo(f"The control plane is at revision {after or 'base (no tables)'}.")


if __name__ == "__main__":
    with secrets_hidden():
        app(prog_name="python -m catalog")
