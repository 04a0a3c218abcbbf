"""``python -m infra.demonstration --day 1 --scale 0.02``: make a day of demonstration data, with progress."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from catalog.model.errors import GuantongError
from catalog.model.masked_output import secrets_hidden
from catalog.model.settings import get_settings
from infra.demonstration.create import DEFAULT_SEED, LEAST_SCALE, DayReport, create_day, last_day


def main(
    day: Annotated[int, typer.Option(help="Day to make; 0 means the next one.")] = 0,
    scale: Annotated[
        float,
        typer.Option(
            envvar="DEMO_SCALE", min=LEAST_SCALE, help="1.0: 50,000 people, 20,000 entities, 60,000 licences."
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = DEFAULT_SEED,
) -> None:
    """Make one day of the demonstration departments (示范部门).

    Fills 公安's and 市场监管's databases, drops 药监's, 住建's and 交通's files, and writes the lists behind 人社's
    interface. Day 1 creates everything, each later day changes about one row in a hundred. The answer key of the
    planted faults goes to answer_key/ below GUANTONG_HOME.
    """
    console = Console()
    settings = get_settings()
    wanted = day or last_day(settings.home) + 1
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(f"day {wanted}", total=None)
            report = create_day(
                settings,
                wanted,
                scale,
                seed,
                lambda what, rows: progress.update(task, description=f"day {wanted}: {what} {rows:,}"),
            )
    except GuantongError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    _print(console, report)


def _print(console: Console, report: DayReport) -> None:
    table = Table(title=f"Day {report.day}, {report.business_date}: {report.seconds:.1f} s")
    for heading in ("dataset", "rows", "new", "changed", "deleted"):
        table.add_column(heading, justify="left" if heading == "dataset" else "right")
    for name, counts in report.datasets.items():
        numbers = (counts.rows, counts.inserted, counts.updated, counts.deleted)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    console.print(table)
    faults = Table(title="Planted faults")
    faults.add_column("kind")
    faults.add_column("planted", justify="right")
    for kind, count in report.planted.items():
        faults.add_row(kind, f"{count:,}")
    console.print(faults)


if __name__ == "__main__":
    with secrets_hidden():
        typer.run(main)
