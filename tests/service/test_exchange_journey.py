"""From a demand to a corrected value, over the interface: each step with its clock, its history and its audit entry."""

import io
import json
from datetime import UTC, datetime, timedelta

import httpx
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from openpyxl import load_workbook
from sqlalchemy import select

from catalog.control.audit_tables import AuditEntry
from catalog.control.clocks import local_day
from catalog.control.recipients import add_recipient
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from tests.library.conftest import SCHEMA as STATEMENTS
from tests.service.world import World

PROVIDER, REQUESTER = "public_security", "housing"
RESOURCE, CODE = "population.resident_basic", "101001/2"
PURPOSE = "公租房资格核验"
REVIEW = {"conclusion": "符合要求", "signed_by": "示范负责人"}


class Journey:
    """The officers, and what each step must leave behind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = {
            "asker": world.token(Role.REQUESTER_OFFICER, department=REQUESTER),
            "drafter": world.token(Role.PROVIDER_OFFICER, department=PROVIDER),
            "head": world.token(Role.PROVIDER_OFFICER, Role.STEWARD, department=PROVIDER),
            "host": world.token(Role.HOST_AUTHORITY),
            "stranger": world.token(Role.PROVIDER_OFFICER, Role.REQUESTER_OFFICER, department="water"),
        }

    def call(self, who: str, method: str, path: str, body: dict | None = None, status: int = 200, **more) -> dict:
        answer = self.world.call(method, path, self.tokens[who], **({"json": body} if body else {}), **more)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json()

    def step(self, who: str, path: str, act: str, status: int = 200, **facts) -> dict:
        return self.call(who, "POST", f"{path}/steps", {"act": act, **facts}, status)

    def audited(self, act: str) -> AuditEntry:
        with session_scope(self.world.exchange.control_url) as session:
            found = session.scalars(
                select(AuditEntry).where(AuditEntry.act == act).order_by(AuditEntry.seq.desc())
            ).first()
        assert found is not None and found.outcome == "done", act
        return found


@pytest.fixture(scope="module")
def journey(exchange) -> Journey:
    residents = exchange.home / "lake" / "gold" / "city__resident_basic"
    columns = get_registry().get(RESOURCE).columns
    write_deltalake(residents, pa.table(columns_of_rows(columns)))
    exchange.publish("city", "population", "resident_basic", residents, 0)
    until = datetime.now(UTC) + timedelta(days=30)
    with session_scope(exchange.control_url) as session:
        _, token = add_recipient(session, "housing-check", department=REQUESTER, expires_at=until)
    exchange.tokens["housing-check"] = token
    return Journey(World(exchange))


def columns_of_rows(columns) -> dict[str, list[str]]:
    """Return twenty rows, `p00000` to `p00019`."""
    values = {name: [f"{name} {row}" for row in range(20)] for name in columns}
    return {**values, "person_id": [f"p{row:05d}" for row in range(20)]}


def deliver(exchange, batch: str, row: str, name: str) -> None:
    """Let a batch of the police say a name, as the pipeline leaves it: the batch in the control plane, a statement."""
    with session_scope(exchange.control_url) as session:
        session.add(
            Batch(
                batch_id=batch, resource="population.resident", source="s", dataset="resident", kind="full",
                status="accepted", arrival=1,
            )
        )  # fmt: skip
    moment = datetime.now(UTC)
    said = {
        "entity_id": row, "entity_key": "110105194912310038", "source": "population.resident", "input_version": 1,
        "recorded_on": moment.date(), "recorded_at": moment, "source_at": moment, "is_withdrawn": False,
        "batch_id": batch, "record_key": row, "row_number": 7, "flags": [],
        "statements": [{"element": "name", "value": name, "original": name, "rule": None}],
    }  # fmt: skip
    place = exchange.home / "lake" / "ops" / "statement__population__person"
    write_deltalake(place, pa.Table.from_pylist([said], schema=STATEMENTS), mode="append")


def clocks(answer: dict) -> list[tuple[str, str, str]]:
    return [(clock["limit_id"], clock["responsible"], clock["status"]) for clock in answer["course"]["clocks"]]


def test_from_demand_to_corrected_value(journey):
    demand = journey.call(
        "asker", "POST", "/demands",
        {"title": "常住人口核验", "elements": ["姓名", "性别代码"], "purpose": PURPOSE, "service_item": "公租房申请"},
        201,
    )  # fmt: skip
    path = f"/demands/{demand['number']}"
    assert (demand["state"], demand["asked_department"]) == ("asked", PROVIDER)
    assert clocks(demand) == [("confirm_uncatalogued", PROVIDER, "running")]
    assert journey.audited("demand.raise").department == REQUESTER
    journey.call("stranger", "GET", path, status=404)
    journey.step("asker", path, "confirm", 409)
    assert journey.step("head", path, "confirm")["state"] == "confirmed"
    assert journey.audited("demand.confirm").object == f"demand:{demand['number']}"

    entry = journey.call(
        "drafter", "POST", "/entries",
        {"resource": RESOURCE, "demand": demand["number"], "additions": {"use_conditions": "仅供资格核验"}}, 201,
    )  # fmt: skip
    path = f"/entries/{entry['number']}"
    assert entry["content"]["items"][1]["element"] == "citizen_id"
    reviews = {"secrecy_review": REVIEW, "personal_assessment": REVIEW}
    journey.step("drafter", path, "submit")
    journey.step("drafter", path, "endorse", 403, **reviews)
    journey.step("head", path, "endorse", 422, secrecy_review=REVIEW)
    assert journey.step("head", path, "endorse", **reviews)["state"] == "host_review"
    assert clocks(journey.call("host", "GET", path)) == [("host_review", "data_administration", "running")]
    assert journey.call("asker", "GET", "/catalogue?q=czrkjbxx")["total"] == 0
    assert journey.step("host", path, "publish")["state"] == "published"
    assert clocks(journey.call("drafter", "GET", path)) == [("host_review", "data_administration", "met")]
    assert journey.audited("entry.publish").roles == "host_authority"
    for query in ("常住人口", "changzhurenkou", "czrkjbxx", "性别", RESOURCE):
        assert [e["code"] for e in journey.call("stranger", "GET", f"/catalogue?q={query}")["items"]] == [CODE], query
    demand = journey.call("asker", "GET", f"/demands/{demand['number']}")
    assert (demand["state"], demand["entry"]) == ("catalogued", entry["number"])
    assert clocks(demand) == [("confirm_uncatalogued", PROVIDER, "met")]

    today = local_day(datetime.now(UTC))
    form = {
        "code": CODE, "purpose": PURPOSE, "service_item": "公租房申请", "legal_basis": "《公共租赁住房管理办法》第七条",
        "mode": "table", "volume_per_day": 500, "term_from": today.isoformat(),
        "term_to": (today + timedelta(days=20)).isoformat(), "responsible_officer": "示范经办二",
        "recipient": "housing-check",
    }  # fmt: skip
    tables = "/shares/city/schemas/population/tables"
    assert journey.world.exchange.get(tables, "housing-check").status_code == 404
    application = journey.call("asker", "POST", "/applications", form, 201)
    path = f"/applications/{application['number']}"
    assert clocks(application) == [("reply_conditional", PROVIDER, "running")]
    assert journey.audited("application.submit").purpose == PURPOSE
    journey.call("stranger", "GET", path, status=404)
    journey.step("asker", path, "approve", 409)
    waiting = journey.step("head", path, "ask_papers", reason="请补充职责依据")
    assert clocks(waiting) == [("reply_conditional", PROVIDER, "paused")]
    journey.step("asker", path, "supply_papers", papers=["三定规定"])
    journey.call("head", "POST", f"/clocks/application/{application['number']}/extension", {"reason": "核对范围"})
    decision = f"/clocks/application/{application['number']}/extension/decision"
    assert journey.call("host", "POST", decision, {"consents": True})["extended_by"] == 10
    approved = journey.step("head", path, "approve")
    assert approved["state"] == "approved" and clocks(approved) == [("reply_conditional", PROVIDER, "met")]
    assert [event["act"] for event in approved["course"]["history"]] == [
        "submit", "ask_papers", "supply_papers", "approve",
    ]  # fmt: skip
    assert journey.audited("application.approve").department == PROVIDER

    grant = journey.call("asker", "GET", f"/grants/{approved['grant']}")
    assert (grant["state"], grant["is_readable"]) == ("active", True)
    assert clocks(grant) == [("delivery", PROVIDER, "met")]
    assert journey.world.exchange.get(tables, "housing-check").status_code == 200
    assert journey.world.exchange.query(f"{tables}/resident_basic", name="housing-check").status_code == 200
    assert journey.call("asker", "GET", f"/grants/{approved['grant']}")["used_today"] == 20

    case = journey.call(
        "asker", "POST", "/corrections",
        {"resource": RESOURCE, "row_key": "p00003", "column": "name", "statement": "户口簿不同，11010519491231002X"},
        201,
    )  # fmt: skip
    path = f"/corrections/{case['number']}"
    assert case["doubted_department"] == PROVIDER and "19491231" not in case["evidence"]["statement"]
    assert clocks(case) == [("reply_correction", PROVIDER, "running")]
    journey.step("head", path, "accept")
    journey.step("head", path, "confirm")
    journey.step("head", path, "correct", 422)
    batch = "population.resident:2026-11-23"
    journey.step("head", path, "correct", 409, batch_id=batch)
    deliver(journey.world.exchange, batch, "p00003", "更正后的姓名")
    corrected = journey.step("head", path, "correct", batch_id=batch)
    assert corrected["state"] == "corrected" and clocks(corrected) == [
        ("reply_correction", PROVIDER, "met"), ("mend_correction", PROVIDER, "met"),
    ]  # fmt: skip
    assert journey.step("asker", path, "close")["state"] == "closed"
    assert journey.audited("correction.close").object == f"case:{case['number']}"

    path = f"/grants/{grant['number']}"
    journey.step("stranger", path, "revoke", 404, reason="x")
    revoked = journey.step("head", path, "revoke", reason="超出目的")
    assert (revoked["state"], revoked["is_readable"]) == ("revoked", False)
    assert journey.world.exchange.get(tables, "housing-check").status_code == 404
    assert journey.world.exchange.query(f"{tables}/resident_basic", name="housing-check").status_code == 404
    assert journey.audited("grant.revoke").object == f"grant:{grant['number']}"


def test_a_refusal_goes_through_consultation_and_ruling_to_a_grant(journey):
    refusable = {
        "entry": {
            "code": "301777/1", "name": "争议资源", "abstract": "争议", "provider": PROVIDER,
            "provider_uscc": "11510000MB000700X3", "share_type": "conditional", "condition": "经同意",
            "items": [{"name": "a", "business_name": "甲", "share_type": "conditional", "condition": "经同意"}],
        }
    }  # fmt: skip
    entry = journey.call("drafter", "POST", "/entries", refusable, 201)
    path = f"/entries/{entry['number']}"
    journey.step("drafter", path, "submit")
    journey.step("head", path, "endorse", secrecy_review=REVIEW, personal_assessment=REVIEW)
    journey.step("host", path, "publish")
    form = {
        "code": "301777/1", "purpose": "核验", "service_item": "事项", "legal_basis": "依据", "volume_per_day": 1,
        "term_from": "2026-01-01", "term_to": "2028-01-01", "responsible_officer": "示范经办二",
    }  # fmt: skip
    number = journey.call("asker", "POST", "/applications", form, 201)["number"]
    journey.step("head", f"/applications/{number}", "refuse", 422)
    journey.step("head", f"/applications/{number}", "refuse", reason="与职责无关")
    subject = {"subject_kind": "application", "subject": number, "statement": "职责见三定规定"}
    dispute = journey.call("asker", "POST", "/disputes", subject, 201)
    path = f"/disputes/{dispute['number']}"
    journey.step("host", path, "rule", 409, outcome="overturned", reason="x")
    journey.step("asker", path, "bring_to_host", reason="协商不成")
    ruled = journey.step("host", path, "rule", outcome="overturned", reason="职责成立")
    assert (ruled["state"], clocks(ruled)) == ("ruled", [("host_ruling", "data_administration", "met")])
    application = journey.call("asker", "GET", f"/applications/{number}")
    assert application["state"] == "approved" and application["grant"].startswith("GRA-")
    assert journey.audited("dispute.rule").roles == "host_authority"


def test_lists_exports_and_what_need_not_be_asked(journey):
    entry = journey.call("stranger", "GET", f"/catalogue?q={RESOURCE}")["items"][0]
    number = entry["number"]
    headers = {"Authorization": f"Bearer {journey.tokens['stranger']}"}
    url = f"{journey.world.exchange.url}/api/v1/catalogue"
    book = httpx.get(f"{url}/workbook", headers=headers)
    rows = list(load_workbook(io.BytesIO(book.content)).active.iter_rows(values_only=True))
    assert any(CODE in row for row in rows)
    assert httpx.get(f"{url}/dcat", headers=headers).json()["@graph"]
    assert "resident_basic" in httpx.get(f"{url}/entries/{number}/odcs", headers=headers).text
    assert httpx.get(f"{url}/entries/{number}/openapi", headers=headers).json()["openapi"] == "3.1.0"
    sheet = {
        **headers,
        "Authorization": f"Bearer {journey.tokens['drafter']}",
        "Content-Type": "application/octet-stream",
    }
    imported = httpx.post(f"{url}/workbook", headers=sheet, content=book.content).json()
    assert imported["errors"] == [] and len(imported["drafted"]) >= 2
    again = httpx.post(f"{url}/workbook", headers=sheet, content=book.content).json()
    assert again["drafted"] == [] and "in work" in again["errors"][0]["message"]

    duty = {"title": "常住人口", "department": PROVIDER, "due_on": "2026-01-31", "citation": "责任清单第一批"}
    journey.call("head", "POST", "/responsibilities", {"duties": [duty]}, 403)
    batch = journey.call("host", "POST", "/responsibilities", {"duties": [duty]}, 201)["batch"]
    line = journey.call("asker", "GET", f"/responsibilities?batch={batch}")[0]
    assert line["is_overdue"]
    journey.call("stranger", "POST", f"/responsibilities/{line['id']}/fulfilment", {"resource": RESOURCE}, 409)
    proof = journey.call("head", "POST", f"/responsibilities/{line['id']}/fulfilment", {"resource": RESOURCE})
    assert proof["evidence"]["code"] == CODE and proof["evidence"]["served_version"] == 1
    listed = {"title": "涉密档案", "department": PROVIDER, "citation": "《保守国家秘密法》第二十四条"}
    kept = journey.call("host", "POST", "/negative-list", listed, 201)
    assert [one["id"] for one in journey.call("asker", "GET", "/negative-list")] == [kept["id"]]
    assert journey.call("host", "DELETE", f"/negative-list/{kept['id']}")["ended_at"]
    repeated = journey.call("host", "GET", "/repeated-collections")
    assert {one["authority"] for one in repeated} >= {PROVIDER}
    subsidy = journey.call("asker", "GET", "/service-items/housing_subsidy")
    asked = {one["material"]: one["is_asked"] for one in subsidy["materials"]}
    assert asked == {"身份证明": False, "居住地证明": False, "参保证明": False, "收入声明": True}
    assert journey.call("host", "GET", "/clocks?status=met")["items"]


def test_commands_show_export_check_and_do_the_days_work(journey, tmp_path):
    command = journey.world.exchange.command
    found = command("catalog", "entries", "search", "czrkjbxx", "--json")
    assert found.returncode == 0 and json.loads(found.stdout)[0]["code"] == CODE, found.stderr
    path = tmp_path / "catalogue.xlsx"
    assert "entries written" in command("catalog", "entries", "export", str(path)).stdout
    assert command("catalog", "entries", "check", str(path), "--json").returncode == 0
    shown = command("catalog", "grants", "--json")
    assert shown.returncode == 0 and json.loads(shown.stdout), shown.stderr
    day = local_day(datetime.now(UTC)) + timedelta(days=200)
    doubt = {"resource": RESOURCE, "row_key": "p00004", "column": "name", "statement": "不同"}
    journey.call("asker", "POST", "/corrections", doubt, 404)
    reader = {"--department": REQUESTER, "--share": "city", "--purpose": PURPOSE}
    assert command("catalog", "recipients", "add", "housing-doubts", *sum(reader.items(), ())).returncode == 0
    journey.call("asker", "POST", "/corrections", doubt, 201)
    done = command("catalog", "clocks", "tick", "--date", day.isoformat(), "--json")
    told = {row["what"] for row in json.loads(done.stdout)}
    assert done.returncode == 0 and {"overdue", "escalated"} <= told, (done.stdout, done.stderr)
    assert journey.audited("clock.tick").object == f"day:{day}"
