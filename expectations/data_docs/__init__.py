"""Great Expectations' Data Docs of the checks (检查文档), as pages that load nothing from anywhere.

GX's own renderers make the pages from the validation results; its page frame, which loads some fifteen files from the
internet, is replaced by one with a stylesheet inside. A page that would still ask for anything is refused.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader

from catalog.model.errors import GuantongError
from catalog.model.registry import Registry, get_registry
from catalog.model.settings import get_settings
from expectations.data_docs import pages
from expectations.report import write_private

HERE = Path(__file__).resolve().parent
NEWEST = 10
"""Versions per resource that get a page."""
WORDS = {"pass": "通过 pass", "warn": "提示 warn", "stop": "阻断 stop"}
_DROPPED = ("js_script_imports.j2", "cta_footer.j2", "page_action_card.j2")
_FETCHED = re.compile(
    r"<(?:script|iframe|object|embed)\b|<(?:img|source|video|audio)\b[^>]*\bsrc\s*=\s*[\"']?+(?!data:)"
    r"|<link\b[^>]*\bhref\s*=\s*[\"']?+(?!data:)|url\(|@import",
    re.IGNORECASE,
)


_SUITE_LINK = re.compile(r'href="[^"]*/expectations/[^"]*"')
"""GX's link to a suite's page, which lies where this site puts it."""


class PageNotSelfContainedError(GuantongError):
    """A page of the check documents would load something."""

    code = "PAGE_NOT_SELF_CONTAINED"


@dataclass(frozen=True)
class Line:
    """One checked version in the index."""

    resource: str
    table: str
    version: int
    outcome: str
    rows: int
    planned: int
    failed: int
    checked: str
    page: str
    suite: str

    @property
    def words(self) -> str:
        """The outcome in two languages."""
        return WORDS[self.outcome]


def build_data_docs() -> Path:
    """Build the site anew below ``<home>/reports/data-docs`` from the kept results, and return its index.

    Raises:
        GuantongError: when nothing has been checked yet.
        PageNotSelfContainedError: when a page would load anything.
    """
    reports = get_settings().home / "reports"
    site, draft = reports / "data-docs", reports / ".data-docs.new"
    shutil.rmtree(draft, ignore_errors=True)
    lines = list(_pages(reports / "checks", draft, get_registry()))
    if not lines:
        raise GuantongError(
            "nothing has been checked yet",
            place=str(reports / "checks"),
            remedy="python -m expectations check <resource>",
        )
    _write(draft / "index.html", _view().env.get_template("index.j2").render(lines=lines))
    shutil.rmtree(site, ignore_errors=True)
    draft.rename(site)
    return site / "index.html"


def _pages(checks: Path, site: Path, registry: Registry) -> Iterator[Line]:
    """Write a page per checked version and per suite; yield the lines of the index."""
    known = {contract.id for contract in registry.all()}
    for folder in sorted(path for path in checks.glob("*") if path.is_dir()):
        suite = _suite_page(folder.name, site, registry) if folder.name in known else ""
        versions = sorted((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), reverse=True)
        for version in versions[:NEWEST]:
            document = json.loads((folder / f"{version}.json").read_text(encoding="utf-8"))
            gate, page = document["meta"]["gate"], f"validations/{folder.name}/{version}.html"
            if document.get("results"):
                html = _view().render(pages.validation_content(document))
                _write(site / page, _SUITE_LINK.sub(f'href="../../{suite}"' if suite else "", html))
            checked = str(document["meta"].get("validation_time", ""))[:19]
            numbers = {name: gate[name] for name in ("table", "version", "outcome", "rows", "planned", "failed")}
            shown = page if document.get("results") else ""
            yield Line(resource=folder.name, checked=checked, page=shown, suite=suite, **numbers)


def _suite_page(resource: str, site: Path, registry: Registry) -> str:
    from expectations.suite import build_plan

    suite = build_plan(registry.get(resource), registry=registry).suite
    page = f"suites/{resource}/suite.html"
    _write(site / page, _view().render(pages.suite_content(suite)))
    return page


def _view() -> Any:  # noqa: ANN401 - GX's view has no types
    """Return GX's page view with this folder's frame in place of its own."""
    view = pages.DefaultJinjaPageView()
    view.env.loader = ChoiceLoader([FileSystemLoader(HERE), DictLoader(dict.fromkeys(_DROPPED, "")), view.env.loader])
    view.env.globals["stylesheet"] = (HERE / "offline.css").read_text(encoding="utf-8")
    return view


def _write(path: Path, page: str) -> None:
    found = _FETCHED.search(page)
    if found:
        raise PageNotSelfContainedError(
            f"a page would load something: {page[found.start() : found.start() + 80]}",
            place=str(path),
            remedy="leave the template out in expectations/data_docs, or put what it loads inside",
        )
    write_private(path, page)
