"""The commands ``run`` and ``recipient`` (命令)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalog.model.errors import GuantongError

DEFAULT_MINUTES = 45.0


def run_command(
    scale: Annotated[
        float | None,
        typer.Option(
            "--scale", envvar="DEMO_SCALE", min=0.001, help="Size of the departments; 1 is 50,000 people. Default 1."
        ),
    ] = None,
    real_data: Annotated[
        Path | None, typer.Option("--real-data", envvar="REAL_DATA", help="Folder with real lists to take along.")
    ] = None,
    keep_up: Annotated[bool, typer.Option("--keep-up", help="Leave the stack running afterwards.")] = False,
    minutes: Annotated[
        float, typer.Option("--minutes", envvar="RUN_MINUTES", help="Longest time for all DAGs together.")
    ] = DEFAULT_MINUTES,
) -> None:
    """One demonstration day end to end: departments, every DAG, the recipient, the account. Again: the next day."""
    from infra.run.start import perform

    raise typer.Exit(perform(scale=scale, real_data=real_data, keep_up=keep_up, seconds=minutes * 60))


def recipient_command() -> None:
    """Make the demonstration recipient and its profile, or renew its token; started by the stack."""
    from catalog.model.settings import load_settings
    from infra.run.recipient import ensure_recipient

    try:
        typer.echo(f"profile: {ensure_recipient(load_settings())}")
    except GuantongError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("run")(run_command)
    app.command("recipient", hidden=True)(recipient_command)
