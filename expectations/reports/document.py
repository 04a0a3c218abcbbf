"""Reports for programs (报告数据): the figures of the pages as JSON, each under the name of what it counts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from catalog.control.clocks import ZONE
from expectations.reports.content import Content, DepartmentReport, Fault, ResourceReport
from expectations.scores.evidence import Delivered
from expectations.scores.score import Score


def whole_document(content: Content) -> dict[str, Any]:
    """Return the figures of everything, by department."""
    departments = {name: _summary(report.score, report.totals) for name, report in content.departments.items()}
    return {**_dates(content), "totals": vars(content.totals), "departments": departments}


def department_document(report: DepartmentReport, content: Content) -> dict[str, Any]:
    """Return the figures of one department, by resource."""
    return {
        **_dates(content),
        "department": report.department.id,
        "name": report.department.name,
        "name_en": report.department.name_en,
        **_summary(report.score, report.totals),
        "resources": [_resource(one) for one in report.resources],
    }


def resource_document(report: ResourceReport, content: Content) -> dict[str, Any]:
    """Return the figures of one resource."""
    return {**_dates(content), "department": report.department.id, **_resource(report)}


def as_text(document: dict[str, Any]) -> str:
    """Return a document as it is written."""
    return json.dumps(document, ensure_ascii=False, indent=1)


def moment(at: datetime | None) -> str:
    """Return a moment of the clock as the official time (北京时间); empty where there is none.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 3, 1, 18, 5, tzinfo=UTC))
    '2026-03-02 02:05'
    """
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M") if at else ""


def _dates(content: Content) -> dict[str, Any]:
    return {
        "business_date": content.on.isoformat(),
        "written_at": content.written_at.isoformat(),
        "standard": content.board.scheme.citation,
    }


def _summary(score: Score, totals: object) -> dict[str, Any]:
    grade = score.grade
    return {
        "score": None if score.overall is None else round(score.overall, 6),
        "grade": grade.name if grade else None,
        "grade_en": grade.en if grade else None,
        "bad_share": None if score.bad_share is None else round(score.bad_share, 6),
        "totals": vars(totals),
    }


def _resource(report: ResourceReport) -> dict[str, Any]:
    return {
        "resource": report.contract.id,
        "title": report.contract.table.business_name,
        **_summary(report.scored.score, report.totals),
        "faults": [_fault(fault) for fault in report.faults],
        "deliveries": [_delivery(one) for one in report.scored.evidence.deliveries],
    }


def _fault(fault: Fault) -> dict[str, Any]:
    line, words = fault.line, fault.words
    return {
        "column": line.column,
        "name": fault.column_zh,
        "source_field": fault.source_field,
        "reason": line.reason,
        "problem": words.zh,
        "problem_en": words.en,
        "right_value": fault.right_zh,
        "right_value_en": fault.right_en,
        "remedy": words.remedy_zh,
        "remedy_en": words.remedy_en,
        "open_rows": line.open_rows,
        "closed_rows": line.closed_rows,
        "samples": [vars(one) for one in fault.examples],
    }


def _delivery(one: Delivered) -> dict[str, Any]:
    return {
        "batch_id": one.batch_id,
        "status": one.status,
        "reason": one.reason or None,
        "business_date": one.business_date.isoformat() if one.business_date else None,
        "received_at": one.received_at.isoformat() if one.received_at else None,
        "declared": one.declared,
        "received": one.received,
        "set_aside": one.set_aside,
        "rejected": one.rejected,
    }
