"""Whoever is concerned by a correction is told, each once and nobody else: the two sides, the host, and every reader.

The cases are ended by the functions that the pipeline calls, in the portions in which it calls them, and the corrected
version is published by the function that publishes.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select

from catalog.control.base import utc_now
from catalog.control.compared_cases import Doubt, end_corrected, raise_compared
from catalog.control.correction_cases import open_cases, raise_case
from catalog.control.deliveries import record_delivery
from catalog.control.event_tables import Event
from catalog.control.inbox import list_events
from catalog.control.migrations import migrate
from catalog.control.recipients import add_grant, add_recipient, find_recipient, revoke_recipient
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.model.state_machine import Actor

HOST = "data_administration"
PERSON, RESIDENTS, ENTITY, ENTITIES = (
    "population.person", "population.resident_basic", "legal_entity.entity", "legal_entity.entity_basic",
)  # fmt: skip
AT_A_TIME = 500
PLANTED = "11010519491231002X"
READERS = {PERSON: {"taxation", "education"}, RESIDENTS: {"taxation", "education"}, ENTITY: {"water"}}
"""Resource → departments that were handed rows of a table with the column in doubt."""
BYSTANDERS = {"drug_administration", "natural_resources", "transport", "human_resources"}
"""They may read, asked for the columns, had the table without the column, or another table; none had the value."""


@dataclass
class City:
    """The cases by number, whom each concerns, and how long it took to end them."""

    url: str
    concerned: dict[str, set[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def heard(self, kind: str) -> Counter[tuple[str, str]]:
        """Return how often each department has a case in its inbox by an event of a kind."""
        with session_scope(self.url) as session:
            events = session.scalars(select(Event).where(Event.kind == kind)).all()
            return Counter((one.payload["number"], who) for one in events for who in one.departments)

    def expected(self) -> Counter[tuple[str, str]]:
        """Return every case and department that it concerns, each once."""
        return Counter((number, who) for number, departments in self.concerned.items() for who in departments)


def serve(session, resource, version, columns):
    domain, name = resource.split(".")
    return publish_share_version(
        session, share="city", schema_name=domain, table_name=name, resource=resource, delta_version=version,
        table_id="a", table_uri=f"gold/{domain}__{name}", rows=1000,
        schema_json={"columns": [{"name": one} for one in columns]},
    )  # fmt: skip


def let_read(session, name, department):
    until = utc_now() + timedelta(days=1)
    recipient, _ = add_recipient(session, name, department=department, expires_at=until)
    add_grant(session, recipient, share="city", purpose="核验", valid_to=until)
    return recipient.id


def prepare(url):
    """Publish the tables, and let departments read them, or nearly."""
    with session_scope(url) as session:
        without = serve(session, RESIDENTS, 0, ["person_id", "sex_code"])
        wrong = serve(session, RESIDENTS, 1, ["person_id", "name"])
        entities = serve(session, ENTITIES, 1, ["entity_id", "name"])
        handed = [
            ("tax-a", "taxation", wrong, "query"), ("tax-b", "taxation", wrong, "file"),
            ("schools", "education", wrong, "file"), ("canals", "water", entities, "query"),
            ("drugs", "drug_administration", None, ""), ("parcels", "natural_resources", wrong, "metadata"),
            ("roads", "transport", without, "file"),
        ]  # fmt: skip
        for name, department, version, kind in handed:
            recipient = let_read(session, name, department)
            if version is not None:
                record_delivery(session, recipient, version, kind, rows=10)
        revoke_recipient(session, "schools")


def plant(city):
    """Raise 1,000 doubts: 400 by comparison, 300 of a shared table by two departments, 300 by people about firms."""
    with session_scope(city.url) as session:
        doubts = [
            Doubt(f"p{n:04d}", "name", "person_name", ("public_security", "market_regulation")[n % 2], f"c{n}",
                  {"other": {"value": PLANTED}})
            for n in range(400)
        ]  # fmt: skip
        assert raise_compared(session, PERSON, doubts) == 400
        for n in range(300):
            raised(session, RESIDENTS, n, ("housing", "taxation")[n % 2], "public_security")
            raised(session, ENTITY, n, ("housing", "education", "water")[n % 3], "market_regulation")
        raised(session, ENTITY, 0, "human_resources", "market_regulation")
        for case in open_cases(session):
            sides = {case.raising_department, case.doubted_department, HOST} - {""}
            city.concerned[case.number] = sides | READERS[case.resource]
        joined = next(one for one in open_cases(session, ENTITY) if one.row_key == "r0000")
        city.concerned[joined.number].add("human_resources")
        return {case.number: f"batch-{case.resource}" for case in open_cases(session)}


def raised(session, resource, n, department, provider):
    return raise_case(
        session, resource=resource, row_key=f"r{n:04d}", column="name", doubted_department=provider,
        evidence={"statement": f"证件 {PLANTED} 与登记不符"}, kind="department",
        actor=Actor(f"person:{department}", department, frozenset({"requester_officer"})),
    )  # fmt: skip


@pytest.fixture(scope="module")
def city(database_server) -> City:
    url = database_server.create_database()
    migrate(url=url)
    made = City(url)
    prepare(url)
    batches = plant(made)
    numbers = sorted(batches)
    began = time.monotonic()
    for first in range(0, len(numbers), AT_A_TIME):
        with session_scope(url) as session:
            end_corrected(session, {number: batches[number] for number in numbers[first : first + AT_A_TIME]})
    made.seconds = time.monotonic() - began
    with session_scope(url) as session:
        serve(session, RESIDENTS, 2, ["person_id", "name"])
    return made


def test_a_thousand_corrections_reach_everybody_concerned_once_and_nobody_else(city):
    assert len(city.concerned) == 1000 and city.expected().total() > 3000
    heard = city.heard("correction.close")
    assert heard == city.expected()
    assert set(heard.values()) == {1}
    strangers = {who for _, who in heard} & (BYSTANDERS - {"human_resources"})
    assert not strangers and [who for _, who in heard].count("human_resources") == 1
    print(f"1,000 of 1,000 corrections told to {heard.total()} receivers in {city.seconds:.1f} s")
    assert 0 < city.seconds < 60


def test_they_heard_of_the_doubt_and_of_the_correction_as_well(city):
    assert city.heard("correction.correct") == city.expected()
    joined = city.heard("correction.join")
    [number] = {number for number, _ in joined}
    assert joined == Counter([(number, "market_regulation"), (number, HOST)])
    at_first = city.expected()
    del at_first[number, "human_resources"]
    assert city.heard("correction.raise") == at_first


def test_an_inbox_has_a_line_for_each_of_its_cases(city):
    with session_scope(city.url) as session:
        found = list_events(session, "education", kinds=["correction.close"], limit=5000)
    wanted = {f"case:{number}" for number, concerned in city.concerned.items() if "education" in concerned}
    assert len(wanted) > 700 and [event.object for event, _ in found] == sorted(wanted)
    first = found[0][0].payload
    assert (first["resource"], first["column"], first["state"]) == (PERSON, "name", "closed") and first["batch_id"]


def test_the_corrected_version_is_told_to_who_may_read_and_the_old_one_to_who_had_it(city):
    with session_scope(city.url) as session:
        events = select(Event).where(Event.object.like("share_version:city.population.resident_basic/%"))
        told = {(one.kind, one.payload["version"]): set(one.departments) for one in session.scalars(events)}
        assert find_recipient(session, "schools").revoked_at is not None
    permitted = {"taxation", "water", "drug_administration", "natural_resources", "transport"}
    assert told["share.version_published", 3] == permitted | {HOST, "public_security"}
    assert told["share.version_superseded", 2] == {
        "taxation", "education", "natural_resources", HOST, "public_security",
    }  # fmt: skip


def test_no_event_tells_a_number_or_an_evidence_of_a_person(city):
    with session_scope(city.url) as session:
        texts = [f"{one.object} {one.payload}" for one in session.scalars(select(Event))]
    assert len(texts) > 3000
    assert not [text for text in texts if PLANTED[6:] in text or "statement" in text]
