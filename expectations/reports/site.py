"""The pages themselves (报告页面): an index, one page per department and per resource; they load nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from expectations.report import write_private
from expectations.reports.charts import RED, Bar, Column, colour_of, deliveries, horizontal_bars, shares, trend
from expectations.reports.content import Content, DepartmentReport, Fault, ResourceReport
from expectations.reports.document import as_text, department_document, moment, resource_document, whole_document
from expectations.scores.command import percent
from expectations.scores.evidence import Delivered
from expectations.scores.score import Score, quality_of

LATEST_DELIVERIES = 30
TEMPLATES = Path(__file__).with_name("templates")
MOST_BARS = 10


def write_site(content: Content, out: Path, language: str = "zh") -> Path:
    """Write all pages below ``out`` and return the index.

    Args:
        content: what they say.
        out: folder; pages that are there already are replaced.
        language: which language is shown first, `zh` or `en`; a switch on each page shows the other.
    """
    common = {
        "on": content.on.isoformat(),
        "written_at": moment(content.written_at),
        "citation": content.board.scheme.citation,
        "language": language,
    }
    for name, report in content.resources.items():
        page = _render("resource.html", **common, root="../", r=report, charts=_of_resource(report))
        write_private(out / "resources" / f"{name}.html", page)
        write_private(out / "resources" / f"{name}.json", as_text(resource_document(report, content)))
    for name, department in content.departments.items():
        page = _render("department.html", **common, root="../", d=department, charts=_of_department(department))
        write_private(out / "departments" / f"{name}.html", page)
        write_private(out / "departments" / f"{name}.json", as_text(department_document(department, content)))
    every = [(r, f) for r in content.resources.values() for f in r.faults]
    page = _render("index.html", **common, root="", content=content, charts={"faults": _faults(every, named=True)})
    write_private(out / "index.html", page)
    write_private(out / "index.json", as_text(whole_document(content)))
    return out / "index.html"


def both(zh: object, en: object) -> Markup:
    """Return a text in both languages, of which the page shows one.

    >>> both("行", "<rows>")
    Markup('<span class="zh">行</span><span class="en">&lt;rows&gt;</span>')
    """
    return Markup('<span class="zh">{}</span><span class="en">{}</span>').format(zh, en)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    tones = {colour_of(1.0): "good", colour_of(0.85): "fair", colour_of(0.0): "poor", colour_of(None): "none"}
    grades = ("good", "good", "fair", "poor", "poor")
    made.globals.update(
        t=both,
        percent=percent,
        moment=moment,
        share=lambda value: f"{100 * value:.2f} %",
        quality=quality_of,
        tone=lambda value: tones[colour_of(value)],
        graded=lambda score: grades[score.scheme.grades.index(score.grade)] if score.grade else "none",
    )
    return made


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


def _of_resource(report: ResourceReport) -> dict[str, Markup | str]:
    columns = [
        Column(
            batch.business_date.strftime("%m-%d") if batch.business_date else batch.batch_id[-6:],
            batch.received,
            batch.set_aside + batch.rejected,
        )
        for batch in sorted(report.scored.evidence.deliveries, key=_arrival)[-LATEST_DELIVERIES:]
    ]
    return {
        "dimensions": _dimensions(report.scored.score),
        "faults": _faults([(report, fault) for fault in report.faults], named=False),
        "deliveries": deliveries(columns) if len(columns) > 1 else "",
        "trend": trend(report.trend),
    }


def _arrival(delivery: Delivered) -> tuple[str, str]:
    return delivery.received_at.isoformat() if delivery.received_at else "", delivery.batch_id


def _of_department(report: DepartmentReport) -> dict[str, Markup | str]:
    return {
        "dimensions": _dimensions(report.score),
        "faults": _faults(report.faults, named=True),
        "trend": trend(report.trend),
    }


def _dimensions(score: Score) -> Markup:
    return shares([(d.name, d.en, score.of_dimension(d)) for d in score.scheme.dimensions])


def _faults(faults: Sequence[tuple[ResourceReport, Fault]], *, named: bool) -> Markup:
    """Return the most frequent open faults; ``named`` ones say their resource."""
    waiting = sorted((each for each in faults if each[1].line.open_rows), key=lambda each: -each[1].line.open_rows)
    bars = []
    for report, fault in waiting[:MOST_BARS]:
        told = fault.told_zh
        if named:
            told = f"{report.contract.table.business_name} · {told}"
        rows = fault.line.open_rows
        bars.append(Bar(told, fault.told_en, rows, f"{rows:,}", RED))
    return horizontal_bars(bars, width=1080 if named else 640, label=620 if named else 360)
