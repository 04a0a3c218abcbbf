"""How commands answer: a table for people, JSON for programs."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError, OperationalError

from catalog.control.session import WATCHED_SECONDS, describe, waiting_at_most
from catalog.model.errors import GuantongError
from catalog.model.registry import Registry
from catalog.model.settings import get_settings

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for programs.")]
ResourceName = Annotated[str | None, typer.Option("--resource", help="Only this resource, as domain.resource.")]
Limit = Annotated[int, typer.Option(help="At most so many, newest first.", min=1, max=10_000)]


def screen() -> Console:
    """Return what to print tables on: as wide as the terminal, and wide enough for whole ids in a file or pipe."""
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=200)


def show(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as a table of the named columns, or all their fields as JSON."""
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=_plain))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        numeric = bool(rows) and isinstance(rows[0].get(column), int | float)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console = screen()
    console.print(table)
    if not rows:
        console.print("Nothing yet.")


def fields(record: object, *names: str) -> dict[str, Any]:
    """Return some attributes of a record by name."""
    return {name: getattr(record, name) for name in names}


@contextmanager
def explained() -> Iterator[None]:
    """Turn an error a person can mend into its sentence and exit code 2; wait only briefly for the database."""
    try:
        with waiting_at_most(WATCHED_SECONDS):
            yield
    except GuantongError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except OperationalError as error:
        place = describe(get_settings().control_url or "")
        typer.echo(f"The control database does not answer at {place}; `make status` shows what runs.", err=True)
        raise typer.Exit(3) from error
    except DBAPIError as error:
        if type(error.orig).__name__ != "UndefinedTable":
            raise
        typer.echo("The control database lacks its tables: run `python -m catalog migrate`.", err=True)
        raise typer.Exit(3) from error


def tell_invalid(registry: Registry) -> None:
    """Name the contracts that cannot be used and are therefore not among all, and end with exit code 1 then."""
    if invalid := registry.invalid():
        for error in invalid.values():
            typer.echo(f"not among them: {error.resource}, because its contract cannot be used", err=True)
            for problem in error.problems:
                typer.echo(f"{error.path}:{problem.line}: {problem.sentences()}", err=True)
        raise typer.Exit(1)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
