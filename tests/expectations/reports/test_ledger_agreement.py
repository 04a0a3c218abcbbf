"""Every number of the reports is the ledger's: pages, JSON and months against sums by plain SQL."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text, update

from catalog.control.batches import register_batch
from catalog.control.findings import record_finding
from catalog.control.issues import IssueCount, settle
from catalog.control.ledger import record_ledger
from catalog.control.migrations import migrate
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.model.departments import get_department
from catalog.model.reasons import load_reasons
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from expectations.reports.write import write_reports
from tests.conftest import use_home

DAY = date(2026, 3, 20)
RESOURCES = (
    "population.resident",
    "legal_entity.enterprise",
    "legal_entity.individual_business",
    "licence.road_transport",
)
TILES = {
    "收到记录": "received", "搁置记录（台账）": "set_aside", "退回记录（台账）": "rejected", 
    "暂扣的报送（份）": "held_deliveries", "其中暂扣记录": "held_rows", "待更正（处）": "open_faults",
}  # fmt: skip
SUMS = text(
    "SELECT coalesce(sum(l.read) FILTER (WHERE l.stage = 'extract'), 0) AS received, "
    "coalesce(sum(l.set_aside) FILTER (WHERE l.stage = 'conform'), 0) AS set_aside, "
    "coalesce(sum(l.rejected) FILTER (WHERE l.stage = 'extract'), 0) AS rejected, "
    "count(DISTINCT b.batch_id) FILTER (WHERE b.status = 'held') AS held_deliveries, "
    "coalesce(sum(l.rejected) FILTER (WHERE l.stage = 'extract' AND b.status = 'held'), 0) AS held_rows "
    "FROM batch b JOIN ledger_entry l ON l.batch_id = b.batch_id "
    "WHERE b.resource = ANY(:resources) AND b.business_date >= :since AND b.business_date < :until"
)
OPEN = text("SELECT coalesce(sum(open_rows), 0) FROM issue WHERE standing = 'set_aside' AND resource = ANY(:resources)")
EVER = {"since": date(2000, 1, 1), "until": date(2100, 1, 1)}
MARCH = {"since": date(2026, 3, 1), "until": date(2026, 4, 1)}


class Tiles(HTMLParser):
    """The tiles of a page: Chinese label → number."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._value, self._in = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "div" and "tile" in classes:
            self._in = "tile"
        elif self._in and tag in ("b", "span") and "en" not in classes:
            self._in = "value" if tag == "b" else "label"
        elif "en" in classes:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "value" and data.strip():
            self._value, self._in = data.strip(), "tile"
        elif self._in == "label" and data.strip():
            self.found.setdefault(data.strip(), self._value)
            self._in = ""

    def numbers(self) -> dict[str, int]:
        return {name: int(self.found[label].replace(",", "")) for label, name in TILES.items()}


def deliver(session: Any, chance: random.Random, resource: str, number: int) -> None:
    """Lay one delivery into the control plane as extract and conform do, with rows as chance has it."""
    contract = get_registry().get(resource)
    day = date(2026, chance.choice((2, 3, 3)), 1 + number)
    batch_id, status = f"{contract.name}-{number}", chance.choice(("accepted", "accepted", "held", "rejected", "no_op"))
    reason = {"held": "SHORT_DELIVERY", "rejected": "MASS_DELETE", "no_op": "DUPLICATE_DELIVERY"}.get(status)
    rows = chance.randint(50, 3000)
    register_batch(
        session, batch_id=batch_id, resource=resource, source="s", dataset=contract.name, kind="file", status=status,
        business_date=day, reason_code=reason, declared_rows=rows, received_rows=rows, content_sha256=f"{batch_id}",
    )  # fmt: skip
    at = datetime(2026, 11, 1 + number, 17, 30, tzinfo=UTC)
    session.execute(update(Batch).where(Batch.batch_id == batch_id).values(received_at=at))
    spoilt = chance.randint(0, 20) if status == "accepted" else 0 if status == "no_op" else rows
    read = 0 if status == "no_op" else rows
    taken = read - spoilt
    common = {"resource": resource, "batch_id": batch_id}
    record_ledger(session, **common, stage="extract", table_name="bronze.x", read=read, accepted=taken, rejected=spoilt)
    if reason:
        record_finding(session, **common, reason_code=reason, count=max(spoilt, 1))
    if status == "accepted":
        aside = chance.randint(0, taken // 10)
        record_ledger(
            session, **common, stage="conform", table_name="silver.x", read=taken, accepted=taken - aside,
            set_aside=aside,
        )  # fmt: skip
        counts = [IssueCount(batch_id, "set_aside", contract.key[0], "REQUIRED_MISSING", aside)] if aside else []
        settle(
            session, resource=resource, department=contract.government.department, judged_under="d",
            batch_ids=[batch_id], counts=counts, closings=[],
        )  # fmt: skip


@pytest.fixture(scope="module")
def written(database_server, tmp_path_factory):
    """Return the address of a control plane and the folder of the reports written from it."""
    url, folder = database_server.create_database(), tmp_path_factory.mktemp("ledger")
    migrate(url=url)
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("GUANTONG_HOME", str(folder / "home"))
        changed.setenv("CONTROL_URL", url)
        use_home(folder / "home")
        chance = random.Random(20260320)
        with session_scope(url) as session:
            for resource in RESOURCES:
                for number in range(12):
                    deliver(session, chance, resource, number)
        write_reports(folder / "out", on=DAY, control_url=url)
        yield url, folder / "out"
    get_settings.cache_clear()
    get_registry.cache_clear()


def sums(url: str, resources: list[str], span: dict[str, date] = EVER) -> dict[str, int]:
    with session_scope(url) as session:
        found = session.execute(SUMS, {"resources": resources, **span}).mappings().one()
        waits = session.scalar(OPEN, {"resources": resources})
    return {**{name: int(value) for name, value in found.items()}, "open_faults": int(waits)}


def by_department() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for resource in RESOURCES:
        found.setdefault(get_registry().get(resource).government.department, []).append(resource)
    return found


def test_index_departments_and_resources_say_what_the_ledger_says(written):
    url, out = written
    whole = sums(url, list(RESOURCES))
    assert (
        whole["rejected"] > 1800 and whole["held_rows"] > 0 and whole["set_aside"] > 0 and whole["held_deliveries"] > 2
    )
    pages = {out / "index.html": whole}
    for department, resources in by_department().items():
        pages[out / "departments" / f"{department}.html"] = sums(url, resources)
    for resource in RESOURCES:
        pages[out / "resources" / f"{resource}.html"] = sums(url, [resource])
    assert len(pages) == 1 + len(by_department()) + len(RESOURCES)
    for path, expected in pages.items():
        assert Tiles(path.read_text(encoding="utf-8")).numbers() == expected, path.name
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["totals"]
        assert {name: told[name] for name in expected} == expected, path.name


def test_every_held_delivery_stands_on_index_and_department_page_with_both_dates(written):
    url, out = written
    index = (out / "index.html").read_text(encoding="utf-8")
    seen = 0
    with session_scope(url) as session:
        for batch in session.query(Batch).filter(Batch.status == "held"):
            department = get_registry().get(batch.resource).government.department
            page = (out / "departments" / f"{department}.html").read_text(encoding="utf-8")
            for text_of in (index, page):
                row = next(line for line in text_of.split("<tr>") if f"<code>{batch.batch_id}</code>" in line)
                assert f"<td>{batch.business_date}</td>" in row and f"{batch.received_rows:,}" in row
                local = f"2026-11-{batch.received_at.day + 1:02} 01:30"
                assert local in row, "the clock's time is Beijing's, and no business date"
                assert load_reasons()["SHORT_DELIVERY"].zh in row
            seen += 1
    assert seen > 2
    assert "业务日期" in index and "生成时间（北京时间）" in index and f" {DAY} ·" in index


def test_a_months_workbook_holds_the_deliveries_of_its_business_dates_alone(written):
    url, out = written
    months = sorted((out / "months").iterdir())
    assert len(months) == len(by_department())
    for department, resources in by_department().items():
        book = openpyxl.load_workbook(out / "months" / f"2026-03-{department}.xlsx")
        heads = ("received", "set_aside", "rejected", "held_deliveries", "held_rows")
        cover = rows_below(book["概况"], "数据资源")
        for resource in resources:
            title = get_registry().get(resource).table.business_name
            row = next(row for row in cover if row["数据资源"] == title)
            told = [row[name] for name in ("收到", "搁置", "退回", "暂扣批次", "暂扣行数")]
            expected = sums(url, [resource], MARCH)
            assert told == [expected[name] for name in heads], (department, resource)
        sent = rows_below(book["报送"], "数据资源")
        with session_scope(url) as session:
            of_month = session.query(Batch).filter(
                Batch.resource.in_(resources), Batch.business_date >= MARCH["since"],
                Batch.status.in_(("accepted", "held", "rejected")),
            )  # fmt: skip
            known = {batch.batch_id: batch.status for batch in of_month}
        words = {"已接收": "accepted", "暂扣": "held", "已退回": "rejected"}
        assert {row["批次"]: words[row["状态"]] for row in sent} == known
        assert len({row["业务日期"] for row in sent}) > 1
        assert {row["业务日期"][:7] for row in sent} == {"2026-03"}
        assert {row["接收时间（北京时间）"][:7] for row in sent} == {"2026-11"}
        assert "样例" in str(book["待更正行样例"]["A1"].value)
        faults = rows_below(book["问题"], "数据资源")
        assert faults and all(row["数源字段"] for row in faults)


def rows_below(sheet: Any, heading: str) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(values_only=True))
    start = next(place for place, row in enumerate(rows) if row[0] == heading)
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :] if row[0]]


def test_hints_name_the_field_and_form_of_the_source_itself(written):
    page = (written[1] / "departments" / "public_security.json").read_text(encoding="utf-8")
    faults = json.loads(page)["resources"][0]["faults"]
    assert [fault["source_field"] for fault in faults] == ["resident_feed · citizen_id"]
    listed = get_registry().get("licence.road_transport")
    named = [listed.item(column).source_names for column in listed.key]
    transport = json.loads((written[1] / "departments" / "transport.json").read_text(encoding="utf-8"))
    told = {fault["source_field"] for one in transport["resources"] for fault in one["faults"]}
    assert any(names[0] in field for names in named for field in told), (named, told)


OURS = re.compile(
    r"catalog/|jobs/|\.ya?ml|\.csv\b|\bpython\b|(?<!\w)--\w|`|codes map|契约|contract\b|bind the column|绑定"
)


def test_a_remedy_is_something_that_a_department_can_do():
    reasons = load_reasons()
    assert len(reasons) > 100
    wrong = {code: text_of for code, reason in reasons.items()
             for text_of in (reason.remedy_zh, reason.remedy_en) if OURS.search(text_of)}  # fmt: skip
    assert wrong == {}
    assert get_department("transport").name
