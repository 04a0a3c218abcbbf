"""Reports written to their folder (报告输出): all of them at the end of a run, or what a person asks for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.quality_reports import reports_folder
from expectations.reports.content import DepartmentReport, collect
from expectations.reports.month import write_month
from expectations.reports.site import write_site


def write_reports(
    out: Path | None = None,
    *,
    resource: str | None = None,
    department: str | None = None,
    language: str = "zh",
    on: date | None = None,
    control_url: str | None = None,
) -> Path:
    """Write the pages and the workbooks of the business date's month, and return the index page.

    Args:
        out: folder; default :func:`reports_folder`.
        resource: only this resource's pages.
        department: only this department's.
        language: which language the pages show first, `zh` or `en`.
        on: business date; default the setting.
        control_url: control plane; default the setting.
    """
    folder, day = out or reports_folder(), on or get_settings().business_date
    with session_scope(control_url) as session:
        content = collect(session, get_registry(), day, resource=resource, department=department)
    month = f"{day:%Y-%m}"
    for name, report in content.departments.items():
        if resource is None and _delivered_in(report, month):
            write_month(report, month, folder / "months" / f"{month}-{name}.xlsx")
    return write_site(content, folder, language)


def write_monthly(month: str, out: Path, department: str | None = None) -> list[Path]:
    """Write the monthly workbooks, one per department that delivered in ``month``, and return them.

    Args:
        month: ``YYYY-MM``, of business dates.
        out: folder.
        department: only this one; it must have delivered.
    """
    with session_scope() as session:
        content = collect(session, get_registry(), get_settings().business_date, department=department)
    written = []
    for name, report in content.departments.items():
        if department or _delivered_in(report, month):
            path = out / f"{month}-{name}.xlsx"
            write_month(report, month, path)
            written.append(path)
    return written


def _delivered_in(report: DepartmentReport, month: str) -> bool:
    batches = (batch for resource in report.resources for batch in resource.scored.evidence.deliveries)
    return any(batch.business_date and f"{batch.business_date:%Y-%m}" == month for batch in batches)
