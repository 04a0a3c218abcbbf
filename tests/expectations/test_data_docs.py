"""GX's Data Docs of kept results open in a browser without asking anything of anybody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from expectations.data_docs import PageNotSelfContainedError, _write, build_data_docs
from expectations.evaluate import _document
from expectations.gx import ExpectationValidationResult
from expectations.report import write_report
from expectations.result import CheckOutcome
from expectations.suite import build_plan

RESOURCE = "population.resident"
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def result_of(version: int) -> None:
    """Keep a result as the gate does; every fifth rule has failed on three rows."""
    plan = build_plan(get_registry().get(RESOURCE))
    found = {"element_count": 100, "unexpected_count": 3, "unexpected_percent": 3.0, "missing_count": 0}
    verdicts = [
        ExpectationValidationResult(
            success=number % 5 > 0,
            expectation_config=rule.configuration,
            result={**found, "partial_unexpected_index_list": [{"citizen_id": "110105************"}]},
            exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        )
        for number, rule in enumerate(plan.rules)
    ]
    outcome = CheckOutcome(RESOURCE, "silver.population__resident", version, len(plan.rules), 100, [])
    write_report(outcome, json.loads(json.dumps(_document(plan, outcome, verdicts), default=str)))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path / "reports"
    monkeypatch.undo()
    get_settings.cache_clear()


def test_pages_are_made_of_results_and_hold_everything_they_need(site: Path) -> None:
    result_of(3)
    result_of(4)
    index = build_data_docs()
    pages = sorted(path.relative_to(index.parent).as_posix() for path in index.parent.rglob("*.html"))
    assert pages == [
        "index.html",
        *(f"suites/{RESOURCE}/{name}" for name in ("suite.html",)),
        *(f"validations/{RESOURCE}/{version}.html" for version in (3, 4)),
    ]
    page = (index.parent / f"validations/{RESOURCE}/4.html").read_text(encoding="utf-8")
    assert "公民身份号码应为有效的公民身份号码" in page and "3 unexpected values found" in page
    assert f'href="../../suites/{RESOURCE}/suite.html"' in page
    assert index.stat().st_mode & 0o077 == 0
    text = index.read_text(encoding="utf-8")
    assert "阻断 stop" in text and f"validations/{RESOURCE}/3.html" in text


def test_nothing_checked(site: Path) -> None:
    with pytest.raises(GuantongError, match="nothing has been checked"):
        build_data_docs()


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<script>fetch('//x')</script>",
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
        "<link href=//cdn.example/x.css rel=stylesheet>",
        '<img alt="" src="http://cdn.example/x.png">',
        "<style>@import 'x.css'</style>",
        "<style>body { background: url(https://cdn.example/x.png) }</style>",
        '<iframe src="about:blank"></iframe>',
    ],
)
def test_a_page_that_would_load_something_is_refused(tmp_path: Path, page: str) -> None:
    with pytest.raises(PageNotSelfContainedError):
        _write(tmp_path / "x.html", page)
    assert not (tmp_path / "x.html").exists()
    _write(tmp_path / "x.html", '<link rel="icon" href="data:,"><a href="https://example.org">elsewhere</a>')


def requests_of(addresses: list[str], folder: Path) -> tuple[list[str], list[str]]:
    """Return what a browser asked for while it showed each page, and the titles."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    titles = []
    try:
        browser.get("about:blank")
        browser.get_log("performance")
        for address in addresses:
            browser.get(address)
            titles.append(browser.title)
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    finally:
        browser.quit()
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return asked, titles


@pytest.mark.skipif(not (BROWSER and DRIVER), reason="no chromium and chromedriver on this machine")
def test_a_browser_asks_for_nothing_outside(site: Path, tmp_path: Path) -> None:
    pytest.importorskip("selenium")
    result_of(3)
    index = build_data_docs()
    pages = [path.as_uri() for path in sorted(index.parent.rglob("*.html"))]
    assert len(pages) == 3
    asked, titles = requests_of(pages, tmp_path / "browser")
    assert all(titles)
    assert set(pages) <= set(asked), "the log saw the pages themselves"
    assert [url for url in asked if not url.startswith(("file:", "data:", "chrome:"))] == []
