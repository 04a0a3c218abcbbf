"""The departments' deliveries of one day, with progress (示范部门当日报送)."""

from __future__ import annotations

from rich.console import Console

from catalog.model.settings import Settings
from infra.demonstration.create import create_day, last_day, read_report
from infra.run.day import Day
from infra.stack.errors import StackError


def make_departments(settings: Settings, day: Day, scale: float | None, console: Console) -> None:
    """Make the deliveries of ``day``; those made before are left as they are.

    Args:
        settings: says where the departments' databases and folders are.
        day: the day.
        scale: size; None keeps the size of the first day, which is 1 when there is none yet.
        console: where progress is told.

    Raises:
        StackError: when the departments made the day for another business date.
    """
    size = scale or (read_report(settings.home, 1).scale if last_day(settings.home) else 1.0)
    console.print(f"Day {day.number}, {day.business_date}: the departments deliver (部门报送)…", highlight=False)
    with console.status("drawing people, firms and licences") as status:

        def tell(what: str, rows: int) -> None:
            status.update(f"{what} {rows:,}" if rows else what)
            if rows and not console.is_terminal:
                console.print(f"  {what}: {rows:,} rows", highlight=False)

        report = create_day(settings, day.number, size, progress=tell)
    if report.business_date != day.business_date:
        raise StackError(
            f"day {day.number} was made for {report.business_date}, not {day.business_date}",
            place=str(settings.home / "departments"),
            remedy="begin again with another GUANTONG_HOME",
        )
    rows = sum(dataset.rows for dataset in report.datasets.values())
    faults = sum(report.planted.values())
    told = f"{rows:,} rows in {len(report.datasets)} datasets, {faults:,} faults planted, {report.seconds:.1f} s"
    console.print(f"  {told}", highlight=False)
