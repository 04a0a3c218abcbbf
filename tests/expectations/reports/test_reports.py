"""Reports end to end: two deliveries of a real pipeline, the pages in a browser without network, the workbooks."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from expectations.__main__ import app
from expectations.reports.content import Content, collect
from expectations.reports.site import write_site
from jobs.conform.stage import conform
from tests.stages.extract.conftest import Department
from tests.stages.extract.shop_contract import contract_document, file_source

COLUMNS = {"record_no": "记录号", "citizen_id": "身份证号", "uscc": "统一社会信用代码", "status_code": "登记状态"}
GOOD, PERSON, WRONG = "91350100M000100Y43", "440524188001010014", "440524188001010015"
HEADER = "记录号,身份证号,统一社会信用代码,登记状态\n"
FIRST = HEADER + "".join(f"N{n},{PERSON},{GOOD},1\n" for n in range(20)) + (
    f"B1,{WRONG},{GOOD},1\nB2,{PERSON},9.14E+17,1\nB3,{PERSON},<script>alert(1)</script>,开业中\n"
)  # fmt: skip
SECOND = HEADER + f"B2,{PERSON},{GOOD},1\nN30,{PERSON},{GOOD},1\n"


@pytest.fixture(scope="module")
def resource(stack, spark, tmp_path_factory) -> Iterator[str]:
    """A list delivered on two days: three rows fail, one of them is mended on the second."""
    with pytest.MonkeyPatch.context() as changed:
        folder = tmp_path_factory.mktemp("reports")
        changed.setenv("SOURCE_TRANSPORT", f"file:{folder}/outbox")
        changed.setenv("RESOURCE_PATH", str(folder / "resources"))
        get_settings.cache_clear()
        department = Department(folder, get_settings(), spark)
        department.name = f"reported_{uuid4().hex[:8]}"
        path = department.resources / f"{department.name}.yml"
        path.write_text(yaml.safe_dump(document(department.name), allow_unicode=True), encoding="utf-8")
        for day, content in (("2026-03-02", FIRST), ("2026-03-03", SECOND)):
            changed.setenv("BUSINESS_DATE", day)
            get_settings.cache_clear()
            get_registry.cache_clear()
            department.drop(f"{day}.csv", content.encode())
            department.extract()
            conform(department.contract.id)
            assert get_settings().business_date.isoformat() == day
            with session_scope() as session:
                collect(session, get_registry(), get_settings().business_date)
        yield department.contract.id
    get_settings.cache_clear()
    get_registry.cache_clear()


def document(name: str) -> dict[str, Any]:
    made = contract_document(file_source(key=["record_no"]), name, COLUMNS)
    made["schema"][0]["businessName"] = "示范报告清单"
    made["schema"][0]["properties"][1] |= {"classification": "personal", "required": True}
    made["government"]["items"] |= {
        "citizen_id": {"from": ["身份证号"], "standard": "citizen_id", "mask": "first_6"},
        "uscc": {"from": ["统一社会信用代码"], "standard": "uscc"},
        "status_code": {"from": ["登记状态"], "standard": "code", "code_list": "entity_status"},
    }
    return made


@pytest.fixture(scope="module")
def content(resource) -> Content:
    with session_scope() as session:
        return collect(session, get_registry(), get_settings().business_date)


def test_the_content_says_what_to_mend_and_shows_nobodys_number(content, resource):
    report = content.resources[resource]
    assert (report.totals.received, report.totals.set_aside, report.open_faults, report.closed_faults) == (25, 3, 3, 1)
    faults = {(f.column_zh, f.line.reason): f for f in report.faults}
    mended = faults["统一社会信用代码", "USCC_SPREADSHEET"]
    assert (mended.line.open_rows, mended.line.closed_rows, mended.examples) == (0, 1, [])
    wrong = faults["身份证号", "CITIZEN_ID_CHECKSUM"]
    assert [(e.file, e.row, e.record, e.value) for e in wrong.examples] == [
        ("2026-03-02.csv", 22, "B1", "440524************")
    ]
    assert "18 位公民身份号码" in wrong.right_zh and wrong.words.remedy_zh
    assert len(report.trend) == 2 and report.trend[1][1] > report.trend[0][1], "mending is seen in the score"
    assert content.departments["transport"].score.measured["脏数据出现率"].b >= 25


def test_pages_are_written_quickly_privately_and_hold_no_markup_of_the_data(content, resource, tmp_path):
    began = time.monotonic()
    index = write_site(content, tmp_path / "site")
    assert time.monotonic() - began < 2
    pages = list((tmp_path / "site").rglob("*.html"))
    assert index in pages and len(pages) >= 3
    assert all(page.stat().st_mode & 0o077 == 0 for page in pages)
    page = (tmp_path / "site" / "resources" / f"{resource}.html").read_text(encoding="utf-8")
    assert "公民身份号码校验位不符" in page and "2026-03-02.csv" in page and "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page and WRONG not in page and PERSON not in page
    for address in ("http://", "https://", "//cdn"):
        assert address not in page.replace("http://www.w3.org", "")


def test_the_commands_write_pages_scores_and_months(resource, tmp_path):
    runner = CliRunner()
    done = runner.invoke(app, ["report", "--out", str(tmp_path / "all")])
    assert done.exit_code == 0 and (tmp_path / "all" / "index.html").is_file(), done.output
    done = runner.invoke(app, ["report", "--resource", resource, "--out", str(tmp_path / "one")])
    written = sorted(path.name for path in (tmp_path / "one" / "resources").iterdir())
    assert done.exit_code == 0 and written == [f"{resource}.html", f"{resource}.json"]
    done = runner.invoke(
        app, ["report", "--department", "transport", "--month", "2026-03", "--out", str(tmp_path / "m")]
    )
    assert done.exit_code == 0, done.output
    book = openpyxl.load_workbook(tmp_path / "m" / "2026-03-transport.xlsx")
    assert book.sheetnames == ["概况", "问题", "待更正行样例", "质量关口", "报送", "指标"]
    waiting = [row for row in book["待更正行样例"].iter_rows(values_only=True) if row[0] == "示范报告清单"]
    assert {row[5] for row in waiting} == {"B1", "B3"} and {row[3] for row in waiting} == {"2026-03-02.csv"}
    assert all(isinstance(row[4], int) and row[2] and row[8] for row in waiting)
    assert WRONG not in str(waiting)
    sent = [row for row in book["报送"].iter_rows(values_only=True) if row[0] == "示范报告清单"]
    assert [(row[1], row[4], row[5]) for row in sent] == [("2026-03-02", 23, 3), ("2026-03-03", 2, 0)]
    assert runner.invoke(app, ["report", "--department", "transport", "--month", "1999-01"]).exit_code != 0
    scores = json.loads(runner.invoke(app, ["scores", "--resource", resource, "--json"]).output)
    told = scores["resources"][resource]
    assert told["indicators"]["脏数据出现率"] == {"a": 2, "b": 25, "score": 0.92} and len(told["batches"]) == 2
    assert told["indicators"]["可用"]["reason"] == "尚未经过质量关口"


def test_a_browser_without_network_shows_the_pages(content, resource, tmp_path):
    driver = chromium()
    try:
        write_site(content, tmp_path / "site")
        for page in ("index.html", f"resources/{resource}.html", "departments/transport.html"):
            driver.get((tmp_path / "site" / page).as_uri())
            assert "示范" in driver.find_element("tag name", "main").text
            assert driver.find_elements("css selector", "svg.chart rect"), page
        driver.get((tmp_path / "site" / "resources" / f"{resource}.html").as_uri())
        heading = driver.find_element("css selector", ".fault h3")
        assert "校验位不符" in heading.text or "代码集" in heading.text or "不是" in heading.text
        driver.find_element("id", "language").click()
        assert "what to do" in driver.find_element("tag name", "main").text
        asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
        assert len(urls) >= 4, "the log saw the pages themselves"
        assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        driver.quit()


def chromium() -> Any:
    """Return a headless browser, or skip the test where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("no Chromium with its driver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
