"""``python -m jobs <stage> --resource <id>``: every stage as a command, ``run`` composes them (数据作业命令行)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from catalog.model.errors import GuantongError
from catalog.model.masked_output import secrets_hidden
from jobs.reconcile.linking import commands as linking
from jobs.stages import perform, perform_all

app = typer.Typer(
    help="Move data from its sources to the shared tables: extract, conform, check, reconcile, curate, publish.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(linking.app, name="link")

Resource = Annotated[str, typer.Option("--resource", "-r", help="Resource id, such as population.resident.")]
Batch = Annotated[str | None, typer.Option("--batch", "-b", help="Only this batch; default: all that are waiting.")]


Linked = Annotated[str, typer.Option("--resource", "-r", help="Base library whose contract says `linked: true`.")]


@linking.app.callback(invoke_without_command=True)
def link(context: typer.Context, resource: Linked = "") -> None:
    """Link records (记录关联): as a stage of a library, or train a model, evaluate it on lists, link by hand."""
    if context.invoked_subcommand is None and resource:
        perform("link", resource)


MassDelete = Annotated[
    bool, typer.Option("--allow-mass-delete", help="Let more than a fifth of a table's records vanish at once.")
]
FeedRestarted = Annotated[
    bool, typer.Option("--feed-restarted", help="The feed was loaded anew: read it whole, as newer than all before.")
]


@app.command()
def extract(
    resource: Resource, batch: Batch = None, mass_delete: MassDelete = False, feed_restarted: FeedRestarted = False
) -> None:
    """Source → landing → bronze (归集): what a department sent, admitted or held with its reason."""
    perform("extract", resource, batch, allow_mass_delete=mass_delete, feed_restarted=feed_restarted)


@app.command()
def conform(resource: Resource, batch: Batch = None) -> None:
    """Bronze → silver (标准化): standard types, codes and identifiers; failing rows set aside with every reason."""
    perform("conform", resource, batch)


@app.command()
def check(resource: Resource, batch: Batch = None) -> None:
    """The gate (质量检查): evaluate the contract's suite on the table as it stands; stop when it fails."""
    perform("check", resource, batch)


@app.command()
def reconcile(resource: Resource, batch: Batch = None) -> None:
    """Silver → base (多源校核): one record per real thing, each cell from its authoritative source."""
    perform("reconcile", resource, batch)


@app.command()
def curate(resource: Resource, batch: Batch = None) -> None:
    """Base → gold (共享表加工): the shared table of the contract."""
    perform("curate", resource, batch)


@app.command()
def publish(resource: Resource, batch: Batch = None) -> None:
    """Gold → share (发布): the checked version goes into the exchange catalogue."""
    perform("publish", resource, batch)


@app.command()
def run(resource: Resource, batch: Batch = None) -> None:
    """All stages of a resource's layer, in order."""
    perform_all(resource, batch)


@app.command()
def upgrade(
    resource: Annotated[list[str], typer.Option("--resource", "-r", help="Only these; default all.")] = [],  # noqa: B006
) -> None:
    """Bring the tables of an older home into the present form (升级), once; again it changes nothing."""
    from jobs.upgrade import upgrade as bring_up

    bring_up(resource)


def main() -> None:
    """Run the command line; errors meant for people come without a traceback."""
    with secrets_hidden():
        try:
            app()
        except GuantongError as error:
            print(error, file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
