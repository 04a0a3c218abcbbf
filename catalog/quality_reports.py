"""Quality reports as they were written (质量报告读取): which there are, and their pages, figures and workbooks.

The pipeline writes them below the home; whoever reads them is told by the caller whose department may be read.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from catalog.model.settings import get_settings

MONTH = re.compile(r"\A[0-9]{4}-[0-9]{2}\Z")


def reports_folder() -> Path:
    """Return where reports lie unless a person says otherwise: ``<home>/reports/quality``."""
    return get_settings().home / "reports" / "quality"


def reported_departments() -> list[str]:
    """Return the departments of which there is a report, in order of id."""
    return sorted(path.stem for path in (reports_folder() / "departments").glob("*.json"))


def figures_of(department: str) -> dict[str, Any] | None:
    """Return the figures of a department's report, or None where there is none.

    Args:
        department: a department that is known; never a text that a caller made up.
    """
    path = reports_folder() / "departments" / f"{department}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def page_of_department(department: str) -> str | None:
    """Return the page of a department that is known, or None where there is none."""
    return _text(reports_folder() / "departments" / f"{department}.html")


def page_of_resource(resource: str) -> str | None:
    """Return the page of a resource that is known, or None where there is none."""
    return _text(reports_folder() / "resources" / f"{resource}.html")


def months_of(department: str) -> list[str]:
    """Return the months of business dates of which a department has a workbook, oldest first."""
    names = (
        path.stem.removesuffix(f"-{department}") for path in (reports_folder() / "months").glob(f"*-{department}.xlsx")
    )
    return sorted(name for name in names if MONTH.match(name))


def month_of_department(department: str, month: str) -> bytes | None:
    """Return the workbook of a department for a month, or None where there is none."""
    path = reports_folder() / "months" / f"{month}-{department}.xlsx"
    return path.read_bytes() if MONTH.match(month) and path.is_file() else None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
