"""Reports and worklists over HTTP: written by the production command, read by officers, each its own department's."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

import openpyxl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from catalog.control.audit_tables import AuditEntry
from catalog.control.batches import register_batch
from catalog.control.issues import IssueCount, settle
from catalog.control.ledger import record_ledger
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from tests.service.world import HOST, World

OWN, OTHER = "public_security", "transport"
RESIDENT, CARRIER = "population.resident", "licence.road_transport"
NUMBER, WRONG = "440524188001010014", "440524188001010015"
PHONE = "13800138000"
DAY = date(2026, 3, 20)
ROW = pa.struct([("column", pa.string()), ("reason", pa.string())])


@pytest.fixture(scope="module")
def world(make_exchange) -> World:
    """Return a service whose control plane and lake hold two departments' rows, with the reports that follow."""
    exchange = make_exchange()
    exchange.recipient("reader", "population")
    deliver(exchange, RESIDENT, OWN, "citizen_id", "CITIZEN_ID_CHECKSUM")
    deliver(exchange, CARRIER, OTHER, "holder_code", "REQUIRED_MISSING")
    set_aside(exchange.home)
    exchange.settings["BUSINESS_DATE"] = DAY.isoformat()
    done = exchange.command("expectations", "report")
    assert done.returncode == 0, done.stderr
    exchange.start()
    return World(exchange)


def deliver(exchange, resource: str, department: str, column: str, reason: str) -> None:
    """Lay down an accepted delivery with two rows set aside, and a held one."""
    with session_scope(exchange.control_url) as session:
        for number, status in enumerate(("accepted", "held")):
            batch = f"{resource}-{number}"
            register_batch(
                session, batch_id=batch, resource=resource, source="s", dataset="d", kind="file", status=status,
                business_date=DAY, reason_code="SHORT_DELIVERY" if status == "held" else None, received_rows=1800,
                declared_rows=1900, content_sha256=batch,
            )  # fmt: skip
            rows = {"read": 1800, "accepted": 0, "rejected": 1800} if number else {"read": 100, "accepted": 100}
            record_ledger(session, resource=resource, stage="extract", table_name="bronze.x", batch_id=batch, **rows)
        record_ledger(
            session, resource=resource, stage="conform", table_name="silver.x", batch_id=f"{resource}-0", read=100,
            accepted=98, set_aside=2,
        )  # fmt: skip
        settle(
            session, resource=resource, department=department, judged_under="d", batch_ids=[f"{resource}-0"],
            counts=[IssueCount(f"{resource}-0", "set_aside", column, reason, 2)], closings=[],
        )  # fmt: skip


def set_aside(home) -> None:
    """Write the two rows of the registry of residents as conform writes them."""
    rows = [
        {"citizen_id": WRONG, "name": "张三", "phone": PHONE},
        {"citizen_id": NUMBER, "name": "李四", "phone": PHONE},
    ]
    columns = {
        "_batch_id": [f"{RESIDENT}-0"] * 2,
        "_record_key": ["R1", "R2"],
        "reasons": [["CITIZEN_ID_CHECKSUM"]] * 2,
        "places": pa.array([[{"column": "citizen_id", "reason": "CITIZEN_ID_CHECKSUM"}]] * 2, pa.list_(ROW)),
        "_source_file": ["residents.csv"] * 2,
        "_row_number": pa.array([22, 23], pa.int64()),
        "_row_id": pa.array([1, 2], pa.int64()),
        "_row": pa.array([list(row.items()) for row in rows], pa.map_(pa.string(), pa.string())),
        "_set_aside_at": pa.array([datetime(2026, 11, 20, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
    }
    write_deltalake(home / "lake" / "ops" / "set_aside__population__resident", pa.table(columns))


def acts(world: World) -> list[AuditEntry]:
    with session_scope(world.exchange.control_url) as session:
        found = session.query(AuditEntry).filter(AuditEntry.act == "worklist.read").order_by(AuditEntry.seq).all()
        session.expunge_all()
    return found


@pytest.mark.parametrize("role", [Role.STEWARD, Role.PROVIDER_OFFICER])
def test_an_officer_reads_the_report_of_the_own_department_alone(world, role):
    token = world.token(role, department=OWN)
    listed = world.call("GET", "/quality-reports", token).json()["items"]
    assert [one["department"] for one in listed] == [OWN]
    assert listed[0]["totals"]["rejected"] == 1800 and listed[0]["totals"]["held_deliveries"] == 1
    assert listed[0]["business_date"] == "2026-03-20" and listed[0]["written_at"][:10] != "2026-03-20"
    figures = world.call("GET", f"/quality-reports/{OWN}", token).json()
    assert figures["resources"][0]["resource"] == RESIDENT and figures["resources"][0]["faults"][0]["open_rows"] == 2
    page = world.call("GET", f"/quality-reports/{OWN}/page", token)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "示范市公安局" in page.text and "1,800" in page.text and page.headers["cache-control"] == "private, no-store"
    shown = world.call("GET", f"/quality-reports/{OWN}/resources/{RESIDENT}/page", token)
    assert "residents.csv" in shown.text and WRONG not in shown.text and PHONE not in shown.text
    month = world.call("GET", f"/quality-reports/{OWN}/months/2026-03", token)
    assert "概况" in openpyxl.load_workbook(io.BytesIO(month.content)).sheetnames
    for path in (f"/{OTHER}", f"/{OTHER}/page", f"/{OTHER}/months/2026-03", f"/{OTHER}/resources/{CARRIER}/page",
                 f"/{OWN}/resources/{CARRIER}/page", "/..", "/%2e%2e%2findex", f"/{OWN}/months/2031-01"):  # fmt: skip
        answer = world.call("GET", f"/quality-reports{path}", token)
        assert answer.status_code == 404 and OTHER not in json.dumps(answer.json()), path


def test_the_host_authority_reads_every_department(world):
    token = world.token(Role.HOST_AUTHORITY, department=HOST)
    listed = world.call("GET", "/quality-reports", token).json()["items"]
    assert {one["department"] for one in listed} >= {OWN, OTHER}
    assert world.call("GET", f"/quality-reports/{OTHER}/page", token).status_code == 200


def test_the_worklist_is_the_own_departments_with_what_to_do_in_both_languages(world):
    items = world.call("GET", "/worklist", world.token(Role.STEWARD, department=OWN)).json()["items"]
    assert {one["department"] for one in items} == {OWN} and {one["kind"] for one in items} == {"row", "delivery"}
    fault = next(one for one in items if one["kind"] == "row")
    assert fault["open_rows"] == 2 and fault["source_field"] == "resident_feed · citizen_id"
    assert fault["problem"] and fault["problem_en"] and fault["remedy"] and fault["right_value"].startswith("18 位")
    every = world.call("GET", "/worklist", world.token(Role.HOST_AUTHORITY, department=HOST)).json()["items"]
    assert {one["department"] for one in every} == {OWN, OTHER}


def test_rows_that_wait_hide_personal_values_until_a_purpose_is_on_record(world):
    token, before = world.token(Role.PROVIDER_OFFICER, department=OWN), len(acts(world))
    masked = world.call("GET", f"/worklist/{RESIDENT}/rows", token)
    assert masked.status_code == 200 and masked.json()["is_masked"] is True
    first = masked.json()["items"][0]
    assert (first["source_file"], first["row_number"], first["batch_id"]) == ("residents.csv", 22, f"{RESIDENT}-0")
    assert first["reasons"][0]["reason"] == "CITIZEN_ID_CHECKSUM" and first["reasons"][0]["remedy"]
    assert first["values"]["citizen_id"] and not any(one in masked.text for one in (WRONG, NUMBER, PHONE, "张三"))
    assert len(acts(world)) == before, "nothing in clear, nothing read"
    clear = world.call("GET", f"/worklist/{RESIDENT}/rows", token, params={"purpose": "核对户籍档案"})
    assert clear.json()["is_masked"] is False and clear.json()["items"][0]["values"]["citizen_id"] == WRONG
    assert clear.headers["cache-control"] == "private, no-store"
    entry = acts(world)[-1]
    assert len(acts(world)) == before + 1 and entry.purpose == "核对户籍档案" and entry.department == OWN
    assert len(entry.subjects) == 1 and NUMBER not in str(entry.subjects)
    assert WRONG not in world.exchange.log and NUMBER not in world.exchange.log
    for params in ({"purpose": " "}, {"purpose": ""}):
        assert world.call("GET", f"/worklist/{RESIDENT}/rows", token, params=params).status_code == 422


def test_others_see_no_row_and_the_host_none_in_clear(world):
    host = world.token(Role.HOST_AUTHORITY, department=HOST)
    seen = world.call("GET", f"/worklist/{RESIDENT}/rows", host)
    assert len(seen.json()["items"]) == 2 and WRONG not in seen.text
    before = len(acts(world))
    refused = world.call("GET", f"/worklist/{RESIDENT}/rows", host, params={"purpose": "检查"})
    assert (refused.status_code, refused.json()["code"]) == (403, "OTHER_DEPARTMENT") and len(acts(world)) == before
    stranger = world.token(Role.STEWARD, department=OTHER)
    assert world.call("GET", f"/worklist/{RESIDENT}/rows", stranger).status_code == 404
    assert world.call("GET", "/worklist/no.such/rows", stranger).status_code == 404
    requester = world.token(Role.REQUESTER_OFFICER, department=OWN)
    assert world.call("GET", f"/worklist/{RESIDENT}/rows", requester).json()["code"] == "ROLE_MISSING"
    assert get_registry().get(RESIDENT).government.department == OWN
