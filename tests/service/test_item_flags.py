"""A doubt is served at once, per item, beside the table, to who may read the item, and goes when the case closes."""

import time
from datetime import UTC, date, datetime, timedelta

import httpx
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import delete, update

from catalog.control.clock_tables import ClockRecord
from catalog.control.compared_cases import end_corrected
from catalog.control.correction_cases import move, raise_case
from catalog.control.correction_tables import CorrectionCase
from catalog.control.grant_tables import AccessGrant
from catalog.control.life import next_number
from catalog.control.recipients import add_grant, add_recipient, revoke_recipient
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.roles import Role
from catalog.model.state_machine import Actor
from infra.recipient.boundary import RecipientError, ask, load_table
from tests.service.samples.exchange import _application
from tests.service.world import World

RESOURCE, PERSON, PROVIDER = "population.resident_basic", "population.person", "public_security"
COLUMNS = get_registry().get(RESOURCE).columns
TABLE, FLAGS = "city.population.resident_basic", "city.population.resident_basic_flags"
PATH = "/shares/city/schemas/population/tables"
POLICE = Actor("person:乙", PROVIDER, frozenset({"provider_officer"}))
SCHEMA = ["person_id", "column", "state", "since", "case_number", "until"]


@pytest.fixture(scope="module")
def world(make_exchange) -> World:
    exchange = make_exchange()
    table = exchange.home / "lake" / "gold" / "population__resident_basic"
    for first, division in ((0, "510104"), (20, "510105")):
        values = {name: [f"{name} {row}" for row in range(first, first + 20)] for name in COLUMNS}
        keys = {"person_id": [f"p{row:05d}" for row in range(first, first + 20)], "division_code": [division] * 20}
        write_deltalake(table, pa.table({**values, **keys}), mode="append")
    exchange.publish("city", "population", "resident_basic", table, 1)
    exchange.recipient("whole", "city")
    exchange.recipient("elsewhere", "licence")
    until = datetime.now(UTC) + timedelta(days=1)
    with session_scope(exchange.control_url) as session:
        made, _ = add_recipient(session, "housing-reads", department="housing", expires_at=until)
        add_grant(session, made, share="city", purpose="核验", valid_to=until)
    exchange.start()
    return World(exchange)


@pytest.fixture(autouse=True)
def no_doubt(world):
    """Take away what an earlier test doubted."""
    with session_scope(world.exchange.control_url) as session:
        session.execute(delete(ClockRecord))
        session.execute(update(CorrectionCase).values(state="closed"))


def narrow(world, name: str, items: list[str], **scope: object) -> None:
    """Make a recipient whose grant is narrower than the table."""
    until = datetime.now(UTC) + timedelta(days=1)
    with session_scope(world.exchange.control_url) as session:
        _, world.exchange.tokens[name] = add_recipient(session, name, department="water", expires_at=until)
        application = _application(session, "water")
        session.add(
            AccessGrant(
                number=next_number(session, "grant", 2026), application=application.number, code="101001/2",
                resource=RESOURCE, provider=PROVIDER, department="water", recipient=name, items=items,
                is_narrower=True, row_scope=scope, purpose="核验", mode="table", quota_per_day=1,
                valid_from=date(2020, 1, 1), valid_to=date(2090, 1, 1),
            )
        )  # fmt: skip


def doubt(world, row: str, column: str = "name", resource: str = RESOURCE) -> str:
    with session_scope(world.exchange.control_url) as session:
        return raise_case(
            session, resource=resource, row_key=row, column=column, doubted_department=PROVIDER,
            evidence={"statement": "不同"}, actor=Actor("person:甲", "housing", frozenset({"requester_officer"})),
            kind="department", element="person_name",
        ).number  # fmt: skip


def read(world, name: str = "whole", **more):
    return load_table(world.exchange.profile(name), FLAGS, **more).to_pandas()


def seen(world, name: str = "whole") -> list[tuple[str, str, str]]:
    rows = read(world, name)
    return sorted(zip(rows["person_id"], rows["column"], rows["state"], strict=True))


@pytest.mark.parametrize("delta_format", [False, True, None])
def test_the_flags_follow_a_case_from_doubt_to_end(world, delta_format):
    def rows():
        return read(world, use_delta_format=delta_format)

    nothing = rows()
    assert (len(nothing), list(nothing.columns)) == (0, SCHEMA)
    officer = world.token(Role.REQUESTER_OFFICER, department="housing")
    body = {"resource": RESOURCE, "row_key": "p00003", "column": "name", "statement": "户口簿不同"}
    began = time.monotonic()
    answer = world.call("POST", "/corrections", officer, json=body)
    assert answer.status_code == 201, answer.text
    number, [row] = answer.json()["number"], rows().to_dict("records")
    assert time.monotonic() - began < 60
    assert list(rows().columns) == SCHEMA
    assert (row["person_id"], row["column"], row["state"], row["case_number"]) == ("p00003", "name", "存疑", number)
    due = next(clock["due_on"] for clock in answer.json()["course"]["clocks"])
    assert str(row["until"])[:10] == due and str(row["since"])[:10] == answer.json()["raised_at"][:10]
    with session_scope(world.exchange.control_url) as session:
        move(session, number, "accept", POLICE)
    assert list(rows()["state"]) == ["正在核实"]
    with session_scope(world.exchange.control_url) as session:
        move(session, number, "confirm", POLICE)
    assert list(rows()["state"]) == ["正在核实"]
    with session_scope(world.exchange.control_url) as session:
        end_corrected(session, {number: "b-1"})
    assert len(rows()) == 0


def test_a_value_by_which_its_department_stands_is_flagged_no_more(world):
    number = doubt(world, "p00004")
    assert seen(world) == [("p00004", "name", "存疑")]
    with session_scope(world.exchange.control_url) as session:
        move(session, number, "refuse", POLICE, {"reason": "登记无误"})
    assert seen(world) == []


def test_what_the_library_doubts_is_doubted_in_the_table_cut_from_it(world):
    doubt(world, "p00005", "name", PERSON)
    doubt(world, "p00006", "phone", PERSON)
    doubt(world, "p00007", "name", "licence.valid_licence")
    doubt(world, "p99999", "name", PERSON)
    doubt(world, "p00008", "is_insured")
    assert seen(world) == [("p00005", "name", "存疑"), ("p00008", "is_insured", "存疑")]


def test_a_grant_on_part_of_the_table_shows_its_rows_and_columns_alone(world):
    narrow(world, "part", ["person_id", "name"], divisions=["510104"])
    narrow(world, "keyless", ["name"])
    narrow(world, "worded", ["person_id", "name"], condition="本区申请人")
    for row in ("p00001", "p00021"):
        for column in ("name", "sex_code"):
            doubt(world, row, column)
    everything = [(row, column, "存疑") for row in ("p00001", "p00021") for column in ("name", "sex_code")]
    assert seen(world) == everything
    assert seen(world, "part") == [("p00001", "name", "存疑")]
    for stranger in ("keyless", "worded", "elsewhere"):
        with pytest.raises(RecipientError, match="HTTPError: 404"):
            read(world, stranger)
    with pytest.raises(RecipientError, match="HTTPError: 403"):
        load_table(world.exchange.profile("part"), TABLE)


def test_the_flags_are_listed_beside_their_table(world):
    assert ask("tables", world.exchange.profile("whole")) == [TABLE, FLAGS]
    assert [one["name"] for one in world.exchange.get(PATH, "whole").json()["items"]] == [
        "resident_basic", "resident_basic_flags",
    ]  # fmt: skip
    narrow(world, "lister", ["person_id", "name"])
    assert ask("tables", world.exchange.profile("lister")) == [FLAGS]
    assert world.exchange.get(f"{PATH}/RESIDENT_BASIC_FLAGS/metadata", "whole").status_code == 200


def test_an_address_of_flags_ends_with_its_grant_and_is_for_nobody_else(world):
    exchange = world.exchange
    exchange.recipient("leaving", "city")
    doubt(world, "p00009")
    answer = exchange.query(f"{PATH}/resident_basic_flags", name="leaving")
    address = answer.text.split('"url":"')[1].split('"')[0]
    assert httpx.get(address).status_code == 200
    assert httpx.get(address.replace("/flag-files/", "/files/")).status_code == 404
    assert httpx.get(address.replace("recipient=", "recipient=1")).status_code == 403
    with session_scope(exchange.control_url) as session:
        revoke_recipient(session, "leaving")
    assert httpx.get(address).status_code == 403
    assert exchange.query(f"{PATH}/resident_basic_flags", name="leaving").status_code == 401


def test_flags_have_no_versions_of_their_own_and_no_changes(world):
    ask = world.exchange.query
    assert ask(f"{PATH}/resident_basic_flags", {"version": 1}, "whole").status_code == 400
    assert ask(f"{PATH}/resident_basic_flags", {"startingVersion": 1}, "whole").status_code == 400
    assert ask(f"{PATH}/nothing_flags", name="whole").status_code == 404
    assert world.exchange.get(f"{PATH}/resident_basic_flags/changes", "whole").status_code == 400
    first = int(world.exchange.get(f"{PATH}/resident_basic_flags/version", "whole").headers["delta-table-version"])
    assert first > 1_700_000_000


def test_a_later_grant_line_of_another_recipient_changes_no_address(world):
    """Two recipients of one scope get one file, each under an address of its own."""
    until = datetime.now(UTC) + timedelta(days=1)
    with session_scope(world.exchange.control_url) as session:
        made, world.exchange.tokens["second"] = add_recipient(session, "second", department="water", expires_at=until)
        add_grant(session, made, share="city", purpose="核验", valid_to=until)
    doubt(world, "p00010")
    texts = [world.exchange.query(f"{PATH}/resident_basic_flags", name=name).text for name in ("whole", "second")]
    addresses = [text.split('"url":"')[1].split('"')[0] for text in texts]
    assert addresses[0] != addresses[1]
    assert httpx.get(addresses[0]).content == httpx.get(addresses[1]).content
