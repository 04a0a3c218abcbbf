"""Who was handed a person's row in bulk: as a plain model says of ten thousand persons, and never falsely nobody."""

import json
import random
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sqlalchemy import select, update
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.clocks import local_day
from catalog.control.correction_cases import raise_case
from catalog.control.deliveries import record_delivery
from catalog.control.grant_tables import AccessGrant
from catalog.control.identities import merge_entities
from catalog.control.life import next_number
from catalog.control.migrations import migrate
from catalog.control.recipients import add_recipient
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.control.tables import Delivery, ShareVersion
from catalog.model.layers import statement_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.service.bulk_reads import bulk_reads_of, bulk_reads_of_each, names_of
from catalog.service.snapshots import read_snapshot
from tests.library.conftest import SCHEMA
from tests.service.samples.exchange import _application

RESOURCE, PERSON = "population.resident_basic", "population.person"
PERSONS = [f"{number:024x}" for number in range(10_000)]
DIVISIONS = ("510104", "510105", "510107")
COLUMNS = get_registry().get(RESOURCE).columns
NUMBER = "11010519491231002X"


class Handed:
    """The lake, the control plane, and the plain model of what was handed out."""

    def __init__(self, url: str, home) -> None:
        self.url, self.home, self.random = url, home, random.Random(20260302)
        self.rows: dict[int, dict[str, str]] = {}
        self.reads: list[tuple[int, str, date, dict[str, object]]] = []
        self.recipients: dict[str, int] = {}
        self.grants: dict[str, dict[str, object]] = {}

    def publish(self, version: int) -> None:
        """Publish a version of some of the persons, most of whom live where they lived."""
        chosen = self.random.sample(PERSONS, 6_000)
        places = {person: self.random.choice(DIVISIONS) for person in chosen}
        values = {name: [f"{name}" for _ in chosen] for name in COLUMNS}
        rows = {**values, "person_id": chosen, "division_code": [places[person] for person in chosen]}
        table = self.home / "lake" / "gold" / "population__resident_basic"
        write_deltalake(table, pa.table(rows), mode="overwrite")
        with session_scope(self.url) as session:
            made = publish_share_version(
                session, share="city", schema_name="population", table_name="resident_basic", resource=RESOURCE,
                delta_version=version - 1, table_uri="gold/population__resident_basic", rows=len(chosen),
                schema_json={},
            )  # fmt: skip
        assert made.version == version
        self.rows[version] = places

    def recipient(self, name: str) -> None:
        with session_scope(self.url) as session:
            until = datetime.now(UTC) + timedelta(days=1)
            self.recipients[name] = add_recipient(session, name, department="water", expires_at=until)[0].id

    def grant(self, items: list[str], divisions: list[str]) -> str:
        with session_scope(self.url) as session:
            application = _application(session, "water")
            made = AccessGrant(
                number=next_number(session, "grant", 2026), application=application.number, code="101001/2",
                resource=RESOURCE, provider="public_security", department="water", items=items,
                is_narrower=bool(divisions), row_scope={"divisions": divisions} if divisions else {}, purpose="核验",
                mode="table", quota_per_day=1, valid_from=date(2020, 1, 1), valid_to=date(2090, 1, 1),
            )  # fmt: skip
            session.add(made)
            self.grants[made.number] = {"items": items, "divisions": divisions}
            return str(made.number)

    def read(self, version: int, name: str, at: datetime, grant: str | None, kind: str = "query") -> None:
        """Write the receipt of a read, as the service does, on a day."""
        with session_scope(self.url) as session:
            place = select(ShareVersion).where(ShareVersion.version == version)
            record_delivery(
                session, self.recipients[name], session.scalars(place).one(), kind,
                rows=6_000 if kind == "query" else 0, size=9 if kind == "file" else 0,
                grants=[grant] if grant else [], purpose="核验",
            )  # fmt: skip
            session.flush()
            newest = select(Delivery.id).order_by(Delivery.id.desc()).limit(1)
            session.execute(update(Delivery).where(Delivery.id == session.scalar(newest)).values(at=at))
        self.reads.append((version, name, local_day(at), self.grants.get(grant or "", {}) | {"number": grant}))

    def model(self, person: str) -> set[tuple[int, str, date, tuple[str, ...], tuple[str, ...] | None]]:
        """Return what a plain reading of the receipts says: version, recipient, day, grants and columns."""
        found = set()
        for version, name, day, grant in self.reads:
            place = self.rows[version].get(person)
            if place is None or (grant.get("divisions") and place not in grant["divisions"]):
                continue
            number, items = grant["number"], grant.get("items")
            found.add((version, name, day, (number,) if number else (), tuple(sorted(items)) if items else None))
        return found


@pytest.fixture(scope="module")
def handed(database_server, tmp_path_factory):
    url, home = database_server.create_database(), tmp_path_factory.mktemp("handed")
    migrate(url=url)
    settings, kept = get_settings(), get_settings().lake_uri
    settings.lake_uri = f"file:{home}/lake"
    made = Handed(url, home)
    for version in range(1, 6):
        made.publish(version)
    for name in ("甲系统", "乙系统", "丙系统"):
        made.recipient(name)
    grants = [
        None, made.grant(list(COLUMNS), []), made.grant(["person_id", "name"], ["510104"]),
        made.grant(["person_id", "sex_code"], ["510104", "510107"]),
    ]  # fmt: skip
    for _ in range(40):
        day = datetime(2026, 3, made.random.randint(1, 28), made.random.randint(0, 23), tzinfo=UTC)
        version, name = made.random.randint(1, 4), made.random.choice(list(made.recipients))
        made.read(version, name, day, made.random.choice(grants), made.random.choice(["query", "query", "file"]))
    yield made
    settings.lake_uri = kept


def said(found):
    return {(b.place.version, b.read.recipient, b.read.on, b.read.grants, b.columns) for b in found}


def test_the_answer_is_the_models_for_ten_thousand_persons(handed):
    assert len(set(PERSONS)) == 10_000
    expected = {person: handed.model(person) for person in PERSONS}
    assert 5_000 < sum(1 for reads in expected.values() if reads) < 10_000
    with session_scope(handed.url) as session:
        found = bulk_reads_of_each(session, {person: {person} for person in PERSONS})
        alone = {person: bulk_reads_of(session, {person}) for person in handed.random.sample(PERSONS, 20)}
    assert {person: said(reads) for person, reads in found.items()} == expected
    assert all(len(said(reads)) == len(reads) for reads in found.values())
    assert alone == {person: found[person] for person in alone}


def test_what_cannot_be_told_any_more_is_never_answered_as_nobody(handed):
    person = next(one for one in PERSONS if one not in handed.rows[2] and handed.rows[1].get(one))
    with session_scope(handed.url) as session:
        before = bulk_reads_of(session, {person})
        assert all(one.place.version != 2 for one in before)
        place = select(ShareVersion).where(ShareVersion.version == 2)
        session.scalars(place).one().delta_version = 999
        session.flush()
        read_snapshot.cache_clear()
        after = bulk_reads_of(session, {person})
        unknown = [one for one in after if one.place.version == 2]
        assert unknown and not any(one.is_certain for one in unknown)
        session.rollback()


def test_a_read_of_flags_counts_for_whoever_was_doubted_then_and_for_nobody_else(handed):
    doubted, later, never = PERSONS[5:8]
    asked = int(datetime.now(UTC).timestamp())
    flags = ShareVersion(
        share="city", schema_name="population", table_name="resident_basic_flags", version=asked, table_uri="",
    )  # fmt: skip
    with session_scope(handed.url) as session:
        for person, minutes in ((doubted, -5), (later, 5)):
            raise_case(
                session, resource=RESOURCE, row_key=person, column="name", doubted_department="public_security",
                evidence={"statement": "不同"}, at=datetime.fromtimestamp(asked, UTC) + timedelta(minutes=minutes),
            )  # fmt: skip
        record_delivery(session, handed.recipients["甲系统"], flags, "query", rows=1, purpose="核验")
        session.flush()
        found = bulk_reads_of_each(session, {person: {person} for person in (doubted, later, never)})
        session.rollback()
    of_flags = {person: [one for one in reads if one.place.version == asked] for person, reads in found.items()}
    assert of_flags[later] == of_flags[never] == []
    [one] = of_flags[doubted]
    assert (one.is_certain, one.read.recipient, one.read.purpose) == (False, "甲系统", "核验")


def test_a_person_is_found_by_number_record_key_and_ids_before_a_merge(handed):
    person, other = PERSONS[3], PERSONS[4]
    statement = {
        "entity_id": person, "entity_key": NUMBER, "source": "population.resident", "input_version": 1,
        "recorded_on": date(2026, 3, 1), "recorded_at": datetime.now(UTC), "source_at": None, "is_withdrawn": False,
        "batch_id": "b", "record_key": "R-77", "row_number": 1, "flags": [], "statements": [],
    }  # fmt: skip
    library = get_registry().get(PERSON)
    write_deltalake(statement_of(library).local_path, pa.Table.from_pylist([statement], schema=SCHEMA))
    with session_scope(handed.url) as session:
        assert names_of(session, NUMBER) == {NUMBER, person}
        assert names_of(session, NUMBER.lower()) == {NUMBER, NUMBER.lower(), person}
        assert names_of(session, "R-77", "population.resident") == {NUMBER, person}
        assert names_of(session, "R-77", "population.insured_person") == set()
        merge_entities(session, PERSON, other, [person], by="示范核查员")
        assert names_of(session, NUMBER) == {NUMBER, person, other}
        found = bulk_reads_of(session, names_of(session, NUMBER))
    seen = said(found)
    assert seen == handed.model(person) | handed.model(other) and seen


def test_the_command_answers_with_reads_in_bulk_and_is_itself_on_record(handed, monkeypatch, tmp_path):
    monkeypatch.setattr(get_settings(), "control_url", handed.url)
    for name in ("AUDIT_KEY", "CREDENTIAL_KEY"):
        monkeypatch.setattr(get_settings(), name.lower(), "ab" * 32)
    monkeypatch.setattr(get_settings(), "home", tmp_path)
    shown = CliRunner().invoke(app, ["audit", "who-read", PERSONS[9], "--json"])
    assert shown.exit_code == 0, shown.output
    bulk = [row for row in json.loads(shown.output) if row["act"] == "share.bulk"]
    assert len(bulk) == len(handed.model(PERSONS[9])) > 0
    assert {row["object"] for row in bulk} == {
        f"share:city.population.resident_basic@{version}" for version, *_ in handed.model(PERSONS[9])
    }
