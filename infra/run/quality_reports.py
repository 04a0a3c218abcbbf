"""Quality reports at the end of a run (质量报告): written from the control plane and the lake, without Spark."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from catalog.model.errors import GuantongError
from catalog.model.settings import Settings


def leave_reports(settings: Settings, console: Console, phases: dict[str, float]) -> Path | None:
    """Write all reports and return their index; one that cannot be written is told, and does not undo the day.

    Args:
        settings: of the run, with its business date.
        console: where trouble is told.
        phases: phase of the run → seconds, which gains this one.
    """
    from expectations.reports.write import write_reports

    began = time.monotonic()
    folder = settings.home / "reports" / "quality"
    try:
        return write_reports(folder, on=settings.business_date, control_url=settings.require("control_url"))
    except (GuantongError, SQLAlchemyError, OSError) as error:
        told = f"Quality reports were not written (质量报告未生成): {error}"
        console.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
        return None
    finally:
        phases["reports"] = time.monotonic() - began
