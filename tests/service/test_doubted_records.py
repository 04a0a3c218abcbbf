"""The provider's officer sees whom a doubt concerns, hidden by default, in clear for a purpose that is on record."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import select

from catalog.control.audit_tables import AuditEntry
from catalog.control.correction_cases import move, raise_case
from catalog.control.disclosure_tables import Disclosure
from catalog.control.list_tables import NegativeListing
from catalog.control.session import session_scope
from catalog.model.roles import Role
from catalog.model.state_machine import Actor
from tests.library.conftest import SCHEMA
from tests.service.world import World

PERSON, ROW, INSURED = "11010519491231002X", "a" * 24, "b" * 24
PROVIDER = "public_security"
CLEAR = ("示范甲", "示范乙", "示范丙", PERSON)


@pytest.fixture(scope="module")
def world(make_exchange) -> World:
    exchange = make_exchange()
    exchange.recipient("reader", "population")
    place = exchange.home / "lake" / "ops" / "statement__population__person"
    moment = datetime.now(UTC)
    for row, source, key, file, name in (
        (ROW, "population.resident", PERSON, f"户籍{PERSON}.csv", "示范甲"),
        (ROW, "population.insured_person", "参保77", "insured.csv", "示范乙"),
        (INSURED, "population.insured_person", "参保78", "insured.csv", "示范丁"),
    ):
        said = {
            "entity_id": row, "entity_key": PERSON, "source": source, "input_version": 1, "recorded_at": moment,
            "recorded_on": moment.date(), "source_at": moment, "is_withdrawn": False, "batch_id": f"{source}:1",
            "record_key": key, "source_file": file, "row_number": 12, "flags": [],
            "statements": [{"element": "name", "value": name, "original": f" {name}", "rule": "name"}],
        }  # fmt: skip
        write_deltalake(place, pa.Table.from_pylist([said], schema=SCHEMA), mode="append")
    exchange.start()
    return World(exchange)


@pytest.fixture(scope="module")
def number(world) -> str:
    with session_scope(world.exchange.control_url) as session:
        return raise_case(
            session, resource="population.resident_basic", row_key=ROW, column="name", element="person_name",
            doubted_department=PROVIDER, evidence={"statement": "户口簿不同"}, kind="department",
            actor=Actor("person:甲", "housing", frozenset({"requester_officer"})), proposed_value="示范丙",
        ).number  # fmt: skip


def disclosures(world) -> list[Disclosure]:
    with session_scope(world.exchange.control_url) as session:
        return list(session.scalars(select(Disclosure).order_by(Disclosure.id)))


def test_the_record_is_hidden_until_a_purpose_is_named(world, number):
    officer = world.token(Role.PROVIDER_OFFICER, department=PROVIDER)
    hidden = world.call("GET", f"/corrections/{number}/record", officer)
    assert hidden.status_code == 200, hidden.text
    shown = hidden.json()
    assert not any(word in hidden.text for word in CLEAR)
    assert (shown["value"], shown["proposed"], shown["is_clear"]) == ("示**", "示**", False)
    [own], [other] = shown["own"], shown["others"]
    assert (own["value"], own["row"], own["source"]) == ("示**", 12, "population.resident")
    assert own["record_key"].startswith("110105****") and own["file"].startswith("户籍110105****")
    assert other == {"department": "human_resources", "value": "示**", "verdict": "conflict"}
    before = len(disclosures(world))
    for body in ({}, {"purpose": ""}, {"purpose": " "}):
        refused = world.call("POST", f"/corrections/{number}/record/clear", officer, json=body)
        assert refused.status_code == 422 and not any(word in refused.text for word in CLEAR), refused.text
    assert len(disclosures(world)) == before


def test_what_is_shown_in_clear_is_on_record_with_its_purpose_and_person(world, number):
    officer = world.token(Role.PROVIDER_OFFICER, department=PROVIDER)
    body = {"purpose": "核对户籍底册"}
    clear = world.call("POST", f"/corrections/{number}/record/clear", officer, json=body).json()
    assert (clear["entity_key"], clear["value"], clear["proposed"]) == (PERSON, "示范甲", "示范丙")
    assert (clear["own"][0]["record_key"], clear["own"][0]["original"]) == (PERSON, " 示范甲")
    assert (clear["others"][0]["value"], "参保77" in str(clear)) == ("示范乙", False)
    last = disclosures(world)[-1]
    assert (last.resource, last.entity_id, last.columns, last.reason) == (
        "population.person", ROW, ["name"], body["purpose"],
    )  # fmt: skip
    assert last.person.startswith("person:")
    with session_scope(world.exchange.control_url) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "correction.unmask")).one()
    assert (entry.object, entry.purpose, len(entry.subjects)) == (f"case:{number}", body["purpose"], 1)


def test_what_another_department_may_not_share_is_shown_to_nobody(world, number):
    officer = world.token(Role.PROVIDER_OFFICER, department=PROVIDER)

    def values() -> tuple[str | None, str | None, str | None]:
        path = f"/corrections/{number}/record/clear"
        clear = world.call("POST", path, officer, json={"purpose": "核对户籍底册"}).json()
        return clear["value"], clear["own"][0]["value"], clear["others"][0]["value"]

    assert values() == ("示范甲", "示范甲", "示范乙")
    with session_scope(world.exchange.control_url) as session:
        line = NegativeListing(
            title="参保登记姓名", department="human_resources", elements=["person_name"], citation="《社会保险法》",
            listed_by="t",
        )  # fmt: skip
        session.add(line)
        session.flush()
        listed = line.id
    withheld = values()
    with session_scope(world.exchange.control_url) as session:
        session.get_one(NegativeListing, listed).ended_at = datetime.now(UTC)
    assert withheld == ("示范甲", "示范甲", None)
    assert values() == ("示范甲", "示范甲", "示范乙")


def test_nothing_is_read_in_clear_for_a_case_that_is_closed(world):
    with session_scope(world.exchange.control_url) as session:
        actor = Actor("person:甲", "housing", frozenset({"requester_officer"}))
        ended = raise_case(
            session, resource="population.resident_basic", row_key=ROW, column="sex_code", element="sex_code",
            doubted_department=PROVIDER, evidence={"statement": "不同"}, kind="department", actor=actor,
        ).number  # fmt: skip
    officer, path = world.token(Role.PROVIDER_OFFICER, department=PROVIDER), f"/corrections/{ended}/record"
    body = {"purpose": "核对户籍底册"}
    assert world.call("POST", f"{path}/clear", officer, json=body).status_code == 200
    with session_scope(world.exchange.control_url) as session:
        move(session, ended, "withdraw", actor, {"reason": "误提"})
    before = len(disclosures(world))
    refused = world.call("POST", f"{path}/clear", officer, json=body)
    assert refused.status_code == 409 and not any(word in refused.text for word in CLEAR)
    assert world.call("GET", path, officer).status_code == 200 and len(disclosures(world)) == before


def test_nobody_else_sees_it_and_the_case_itself_tells_no_value(world, number):
    for role, department in (
        (Role.PROVIDER_OFFICER, "human_resources"), (Role.PROVIDER_OFFICER, "housing"),
        (Role.REQUESTER_OFFICER, "housing"), (Role.HOST_AUTHORITY, "data_administration"),
    ):  # fmt: skip
        token = world.token(role, department=department)
        seen = world.call("GET", f"/corrections/{number}/record", token)
        clear = world.call("POST", f"/corrections/{number}/record/clear", token, json={"purpose": "看看"})
        assert {seen.status_code, clear.status_code} <= {403, 404}, (role, department)
    asker = world.token(Role.REQUESTER_OFFICER, department="housing")
    assert not any(word in world.call("GET", f"/corrections/{number}", asker).text for word in CLEAR)


def test_the_raiser_sees_to_whom_a_case_was_passed_on(world):
    with session_scope(world.exchange.control_url) as session:
        passed = raise_case(
            session, resource="population.resident_basic", row_key=INSURED, column="name", element="person_name",
            doubted_department=PROVIDER, evidence={"statement": "工资表不同"}, kind="department",
            actor=Actor("person:甲", "housing", frozenset({"requester_officer"})),
        ).number  # fmt: skip
    path = f"/corrections/{passed}"
    police = world.token(Role.PROVIDER_OFFICER, department=PROVIDER)
    astray = {"act": "pass_on", "reason": "非本局数据", "department": "market_regulation"}
    assert world.call("POST", f"{path}/steps", police, json=astray).status_code == 409
    assert (
        world.call("POST", f"{path}/steps", police, json={"act": "pass_on", "reason": "非本局数据"}).status_code == 200
    )
    assert world.call("GET", path, police).status_code == 404
    case = world.call("GET", path, world.token(Role.REQUESTER_OFFICER, department="housing")).json()
    assert (case["doubted_department"], case["state"]) == ("human_resources", "raised")
    assert [(one["responsible"], one["status"]) for one in case["course"]["clocks"]] == [
        (PROVIDER, "met"), ("human_resources", "running"),
    ]  # fmt: skip
    assert [one["act"] for one in case["course"]["history"]] == ["raise", "pass_on"]
    labour = world.token(Role.PROVIDER_OFFICER, department="human_resources")
    assert world.call("GET", f"{path}/record", labour).json()["own"][0]["record_key"] == "参保78"
