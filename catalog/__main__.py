"""`python -m catalog`: look into the catalogue and the control plane, and decide who may read (目录与管控命令)."""

from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Look into the catalogue (政务数据目录) and the control plane, and decide who may read what.",
)


@app.callback()
def catalog() -> None:
    """Look into the catalogue (政务数据目录) and the control plane, and decide who may read what."""


@app.command()
def migrate(
    to: Annotated[str, typer.Option(help="head, base, a revision, or -1 for one step back.")] = "head",
) -> None:
    """Bring the control plane's tables (管控库) to a revision; safe to repeat."""
    from catalog.control.migrations import migrate as bring

    typer.echo(f"The control plane is at revision {bring(to) or 'base (no tables)'}.")


if __name__ == "__main__":
    app(prog_name="python -m catalog")
