"""Quality reports of one's own department (质量报告): list, figures, pages, monthly workbooks; the host sees all."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import HTMLResponse
from pydantic import StringConstraints

from catalog import quality_reports as reports
from catalog.model.caller import Caller
from catalog.model.departments import load_departments
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.service.api_idempotency import IdempotentRoute
from catalog.service.api_problems import not_found
from catalog.service.api_types import Answer, Line
from catalog.service.identity import own_department, require

router = APIRouter(prefix="/quality-reports", tags=["quality"], route_class=IdempotentRoute)

NOUN = "quality report"
WIDE = (Role.HOST_AUTHORITY,)
QualityReader = Annotated[
    Caller, Depends(require(Role.STEWARD, Role.PROVIDER_OFFICER, Role.HOST_AUTHORITY, scoped=True, wide=WIDE))
]
"""Who mends a department's data; the host authority sees every department's."""
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$"), Path(examples=["2026-03"])]
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'none'",
}


class ReportTotals(Answer):
    """The rows of a department as the ledger counts them."""

    received: int
    set_aside: int
    rejected: int
    held_deliveries: int
    held_rows: int
    open_faults: int
    closed_faults: int


class ReportAnswer(Answer):
    """One department's report."""

    department: str
    name: str
    business_date: str
    written_at: str
    score: float | None
    grade: str | None
    grade_en: str | None
    bad_share: float | None
    totals: ReportTotals
    resources: list[str]
    months: list[str]


class ReportsAnswer(Answer):
    """The reports that there are."""

    items: list[ReportAnswer]


@router.get("")
def list_all(who: QualityReader) -> ReportsAnswer:
    """List the report of one's own department; the host authority sees every department's."""
    seen = [one for one in reports.reported_departments() if who.is_of(one) or who.holds(*WIDE)]
    found = [(one, reports.figures_of(one)) for one in seen if one in load_departments()]
    return ReportsAnswer(items=[_listed(name, figures) for name, figures in found if figures is not None])


@router.get("/{department}")
def show(who: QualityReader, department: Line) -> dict[str, Any]:
    """Show the figures of a department's report, by resource, with faults, samples and deliveries."""
    figures = reports.figures_of(_readable(who, department))
    if figures is None:
        raise not_found(NOUN)
    return figures


@router.get("/{department}/page", response_class=HTMLResponse)
def page(who: QualityReader, department: Line) -> Response:
    """Show a department's page; personal values are hidden."""
    return _page(reports.page_of_department(_readable(who, department)))


@router.get("/{department}/resources/{resource}/page", response_class=HTMLResponse)
def resource_page(who: QualityReader, department: Line, resource: Line) -> Response:
    """Show the page of one of a department's resources; personal values are hidden."""
    owner = _readable(who, department)
    if resource not in {one.id for one in get_registry().all() if one.government.department == owner}:
        raise not_found(NOUN)
    return _page(reports.page_of_resource(resource))


@router.get("/{department}/months/{month}", response_class=Response, responses={200: {"content": {WORKBOOK: {}}}})
def month_workbook(who: QualityReader, department: Line, month: Month) -> Response:
    """Hand out a department's workbook of a month of business dates."""
    content = reports.month_of_department(_readable(who, department), month)
    if content is None:
        raise not_found(NOUN)
    name = f'attachment; filename="{month}-{department}.xlsx"'
    return Response(content, media_type=WORKBOOK, headers={**HEADERS, "Content-Disposition": name})


def _readable(who: Caller, department: str) -> str:
    """Return a department whose report the caller may see; any other is as if there were none."""
    own_department(who, department, noun=NOUN, also=WIDE)
    if department not in load_departments():
        raise not_found(NOUN)
    return department


def _page(content: str | None) -> Response:
    if content is None:
        raise not_found(NOUN)
    return HTMLResponse(content, headers=HEADERS)


def _listed(department: str, figures: dict[str, Any]) -> ReportAnswer:
    kept = {name: figures[name] for name in ReportAnswer.model_fields if name not in ("resources", "months")}
    resources = [str(one["resource"]) for one in figures["resources"]]
    return ReportAnswer(**kept, resources=resources, months=reports.months_of(department))
