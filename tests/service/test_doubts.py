"""A doubt is raised where its row may be read; what it answers is what reading the case would."""

import threading
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import func, select

from catalog.control.clock_tables import ClockRecord
from catalog.control.correction_tables import CorrectionCase
from catalog.control.grant_tables import AccessGrant, Application
from catalog.control.life import next_number
from catalog.control.recipients import add_grant, add_recipient, revoke_grants
from catalog.control.session import session_scope
from catalog.control.withdrawal import RowsTaken, standing_versions, withdraw_rows
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from tests.service.samples.exchange import _application
from tests.service.world import World

RESOURCE, PROVIDER = "population.resident_basic", "public_security"
SECRET = "本局核查笔录：当事人住址为示范路一号"
COLUMNS = [name for name in get_registry().get(RESOURCE).columns if name != "is_insured"]


def rows(first: int, last: int, division: str) -> pa.Table:
    count = range(first, last)
    values = {name: [f"{name} {row}" for row in count] for name in COLUMNS}
    return pa.table({**values, "person_id": [f"p{row:05d}" for row in count], "division_code": [division] * len(count)})


@pytest.fixture(scope="module")
def world(make_exchange) -> World:
    exchange = make_exchange()
    table = exchange.home / "lake" / "gold" / "population__resident_basic"
    write_deltalake(table, rows(0, 20, "510104"))
    write_deltalake(table, rows(20, 40, "510105"), mode="append")
    exchange.publish("city", "population", "resident_basic", table, 0)
    exchange.publish("city", "population", "resident_basic", table, 1)
    for department in ("housing", "water", "natural_resources"):
        reader(exchange, department)
    write_deltalake(table, rows(40, 60, "510105"), mode="append")
    exchange.start()
    made = World(exchange)
    with session_scope(exchange.control_url) as session:
        revoke_grants(session, "natural_resources-reads", share="city")
    return made


def reader(exchange, department: str) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    with session_scope(exchange.control_url) as session:
        made, _ = add_recipient(session, f"{department}-reads", department=department, expires_at=until)
        add_grant(session, made, share="city", purpose="核验", valid_to=until)


def doubt(world, department, row="p00003", column="name", resource=RESOURCE, statement="不同", **more):
    token = more.pop("token", None) or world.token(Role.REQUESTER_OFFICER, department=department)
    body = {"resource": resource, "row_key": row, "column": column, "statement": statement, **more}
    return world.call("POST", "/corrections", token, json=body)


def counts(world) -> tuple[int, int]:
    with session_scope(world.exchange.control_url) as session:
        cases = session.scalar(select(func.count()).select_from(CorrectionCase)) or 0
        clocks = session.scalar(
            select(func.count()).select_from(ClockRecord).where(ClockRecord.kind == "correction_case")
        )
    return cases, clocks or 0


def grant(world, department: str, items: list[str], divisions: list[str] | None = None, condition: str = "") -> str:
    """Give a department a grant that is narrower than the table."""
    scope = {"divisions": divisions or [], "condition": condition} if divisions or condition else {}
    with session_scope(world.exchange.control_url) as session:
        application: Application = _application(session, department)
        made = AccessGrant(
            number=next_number(session, "grant", 2026), application=application.number, code="101001/2",
            resource=RESOURCE, provider=PROVIDER, department=department, items=items, is_narrower=True,
            row_scope=scope, purpose="核验", mode="lookup", quota_per_day=1,
            valid_from=datetime.now(UTC).date() - timedelta(days=1), valid_to=datetime.now(UTC).date() + timedelta(9),
        )  # fmt: skip
        session.add(made)
        return str(made.number)


def test_who_joins_a_case_is_told_no_more_than_reading_it_tells(world):
    made = doubt(world, "housing", statement=SECRET, attachments=["调查表 11010519491231002X"])
    assert made.status_code == 201 and SECRET in made.text and "19491231" not in made.text
    number, water = made.json()["number"], world.token(Role.REQUESTER_OFFICER, department="water")
    joined = doubt(world, "water", statement="水费户名不同", token=water)
    assert joined.status_code == 201
    assert joined.json() == {
        "resource": RESOURCE, "row_key": "p00003", "column_name": "name", "doubted_department": PROVIDER,
    }  # fmt: skip
    assert "location" not in joined.headers and number not in str(joined.headers)
    assert world.call("GET", f"/corrections/{number}", water).status_code == 404
    housing = world.token(Role.REQUESTER_OFFICER, department="housing")
    own = world.call("GET", f"/corrections/{number}", housing)
    assert SECRET in own.text and "水费" not in own.text and "water" not in own.text
    police = world.token(Role.PROVIDER_OFFICER, department=PROVIDER)
    asked = world.call("GET", f"/corrections/{number}", police).json()
    assert [(one["act"], one["department"]) for one in asked["course"]["history"]] == [
        ("raise", "housing"), ("join", "water"),
    ]  # fmt: skip
    stepped = world.call("POST", f"/corrections/{number}/steps", housing, json={"act": "withdraw", "reason": "误报"})
    assert stepped.status_code == 200 and "水费" not in stepped.text


def test_ones_own_open_case_is_joined_and_shown_after_the_grant_has_ended(world):
    number = grant(world, "transport", ["name"])
    first = doubt(world, "transport", "p00005")
    assert first.status_code == 201
    with session_scope(world.exchange.control_url) as session:
        session.get_one(AccessGrant, number).valid_to = datetime.now(UTC).date() - timedelta(days=1)
    again = doubt(world, "transport", "p00005", statement="另有驾驶证为据")
    assert (again.status_code, again.json().get("number")) == (201, first.json()["number"])
    assert doubt(world, "transport", "p00006").status_code == 404


def test_a_grant_covers_its_columns_and_its_divisions_only(world):
    grant(world, "human_resources", ["person_id", "name"], ["510104"])
    assert doubt(world, "human_resources", "p00007").status_code == 201
    assert doubt(world, "human_resources", "p00007", "sex_code").status_code == 404
    assert doubt(world, "human_resources", "p00027").status_code == 404


def test_a_grant_that_words_limit_covers_no_row_of_its_own(world):
    grant(world, "education", ["person_id", "name"], condition="本区申请人")
    assert doubt(world, "education", "p00007").status_code == 404


def test_thousands_of_doubts_on_nothing_start_no_clock(world):
    before = counts(world)
    refused = [
        ("natural_resources", "p00003", "name", RESOURCE),
        ("market_regulation", "p00003", "name", RESOURCE),
        ("housing", "p00059", "name", RESOURCE),
        ("housing", "p00003", "is_nothing", RESOURCE),
        ("housing", "p00003", "name", "population.person"),
        ("housing", "p00003", "name", "population.resident"),
        ("housing", "p00003", "name", "population.nothing"),
    ]
    tokens = {one: world.token(Role.REQUESTER_OFFICER, department=one) for one, *_ in refused}
    for department, row, column, resource in refused:
        answer = doubt(world, department, row, column, resource, token=tokens[department])
        assert answer.status_code == 404, (department, row, column, resource, answer.text)
    statuses: list[int] = []

    def flood(first: int) -> None:
        for serial in range(first, first + 500):
            statuses.append(doubt(world, "housing", f"none{serial}", token=tokens["housing"]).status_code)

    floods = [threading.Thread(target=flood, args=(start,)) for start in range(0, 2000, 500)]
    for thread in floods:
        thread.start()
    for thread in floods:
        thread.join()
    assert (len(statuses), set(statuses)) == (2000, {404})
    assert counts(world) == before
    assert doubt(world, "housing", "p00039", token=tokens["housing"]).status_code == 201
    assert counts(world) == (before[0] + 1, before[1] + 1)


def test_a_refusal_of_others_cannot_be_disputed_and_looks_as_if_there_were_none(world):
    with session_scope(world.exchange.control_url) as session:
        application = _application(session, "transport")
        application.state, application.reason = "refused", "与职责无关"
        number = application.number
    water = world.token(Role.REQUESTER_OFFICER, department="water")
    form = {"subject_kind": "application", "statement": "不服"}
    there = world.call("POST", "/disputes", water, json={**form, "subject": number})
    nothing = world.call("POST", "/disputes", water, json={**form, "subject": "APP-2026-999999"})
    assert (there.status_code, nothing.status_code) == (404, 404)
    assert there.json()["detail"] == nothing.json()["detail"]
    own = world.token(Role.REQUESTER_OFFICER, department="transport")
    assert world.call("POST", "/disputes", own, json={**form, "subject": number}).status_code == 201


def test_a_row_that_was_taken_back_is_shown_to_nobody_and_the_others_are(world):
    place = ("city", "population", "resident_basic")
    assert doubt(world, "water", row="p00018", statement="前").status_code in (200, 201)
    with session_scope(world.exchange.control_url) as session:
        versions = [version.id for version in standing_versions(session, place)]
        withdraw_rows(session, place, RowsTaken("person_id", ("p00018",), versions), reason="错误关联", by="示范管理员")
    refused = doubt(world, "water", row="p00018", column="citizen_id")
    assert refused.status_code == 409 and "已撤回" in refused.json()["detail"], refused.text
    assert doubt(world, "water", row="p00017", column="citizen_id").status_code == 201
    grant(world, "transport", ["person_id", "birth_date"], ["510105"])
    elsewhere = [doubt(world, "transport", row=row, column="birth_date") for row in ("p00018", "p00017", "p99999")]
    assert [one.status_code for one in elsewhere] == [404, 404, 404], "who may not know of the row is not told of it"
