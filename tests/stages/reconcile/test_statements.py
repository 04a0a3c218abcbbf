"""Statements on the real engine: each source's word with its history, and the library built again from them."""

import shutil
from datetime import date

import pytest

from catalog.library.statements import read_versions, standing, statements_of
from catalog.model.entity_ids import entity_id_of
from catalog.model.layers import statement_of, table_of
from catalog.model.registry import get_registry
from jobs.reconcile.as_of import digest, library_as_of
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, CAT, forget, instant, library, silver_row, write

PERSON = "population.person"
MOVED = [{"column": "name", "raw": "示范 甲", "rule": "name"}]


def resident(key, day, name, division="510107", **more):
    return silver_row(
        citizen_id=key, record_no=int(key[6:10]), name=name, sex_code="1", division_code=division,
        _source_at=instant(day), _batch_id=f"ps{day}", _source_file="resident.csv", **more,
    )  # fmt: skip


def insured(key, day, name, **more):
    return silver_row(
        citizen_id=key, record_no=7, name=name, sex_code="1", insurance_status_code="1",
        _source_at=instant(day), _batch_id=f"hr{day}", **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def contract():
    return get_registry().get(PERSON)


@pytest.fixture(scope="module")
def days(spark, stack, tmp_path_factory):
    """Three days: two persons; one moves house and the other's insurance goes; the first is gone."""
    stack.lake_uri = f"file:{tmp_path_factory.mktemp('statements')}"
    forget(PERSON)
    stack.business_date = date(2026, 3, 2)
    write(spark, "population.resident", [resident(ANN, 1, "示范甲", _changes=MOVED), resident(BEN, 1, "示范乙")])
    write(spark, "population.insured_person", [insured(ANN, 2, "示范甲"), insured(CAT, 2, "示范丙")])
    reconcile(PERSON)
    stack.business_date = date(2026, 3, 3)
    write(spark, "population.resident", [resident(ANN, 3, "示范甲", "110103")])
    write(spark, "population.insured_person", [insured(CAT, 3, "示范丙", _is_deleted=True)])
    reconcile(PERSON)
    stack.business_date = date(2026, 3, 4)
    write(spark, "population.resident", [resident(ANN, 4, "示范甲", "110103", _is_deleted=True)])
    reconcile(PERSON)
    return stack


def ids_of(stack, *keys):
    return [entity_id_of(PERSON, key, stack.identity_key) for key in keys]


def test_every_value_of_every_source_is_kept_with_its_origin(days, contract):
    [ann] = ids_of(days, ANN)
    versions = read_versions(contract, [ann])[ann]
    assert [(v.source, v.batch_id, v.is_withdrawn) for v in versions if v.source == "population.resident"] == [
        ("population.resident", "ps1", False),
        ("population.resident", "ps3", False),
        ("population.resident", "ps4", True),
    ]
    first = versions[0] if versions[0].source == "population.resident" else versions[1]
    assert (first.said["name"].value, first.said["name"].original, first.said["name"].rule) == (
        "示范甲",
        "示范 甲",
        "name",
    )
    assert (first.source_file, first.row_number, first.recorded_on) == ("resident.csv", 1, date(2026, 3, 2))
    assert first.said["sex_code"].original == "1", "what needed no rule is its own original"
    assert "phone" not in first.said


def test_a_value_that_stays_is_one_statement_and_one_that_moves_has_an_end(days, contract):
    [ann] = ids_of(days, ANN)
    versions = read_versions(contract, [ann])[ann]
    own = [s for s in statements_of(versions, "division_code") if s.source == "population.resident"]
    assert [(s.said.value, s.valid_to, s.is_current) for s in own] == [
        ("510107", date(2026, 3, 2), False),
        ("110103", date(2026, 3, 3), False),
    ]
    [name] = [s for s in statements_of(versions, "name") if s.source == "population.resident"]
    assert (name.first.batch_id, name.last.batch_id) == ("ps1", "ps3"), "first and last seen"
    assert set(standing(versions)) == {"population.insured_person"}
    assert standing(versions, recorded_on=date(2026, 3, 2))["population.resident"].batch_id == "ps1"


def test_the_library_built_again_from_statements_is_the_library(days, spark, contract):
    now = library(spark, PERSON)
    assert len(now) == 3
    rebuilt = library_as_of(spark, contract)
    living = delta.read(spark, table_of(contract)).where("NOT _is_deleted")
    assert digest(contract, living)[0] == 2
    assert digest(contract, rebuilt) == digest(contract, living)


@pytest.mark.parametrize(
    ("recorded_on", "valid_on", "expected"),
    [
        ((2026, 3, 2), None, {ANN: "510107", BEN: "510107", CAT: None}),
        ((2026, 3, 3), None, {ANN: "110103", BEN: "510107"}),
        ((2026, 3, 3), (2026, 3, 2), {ANN: "510107", BEN: "510107", CAT: None}),
        ((2026, 3, 4), (2026, 3, 1), {ANN: "510107", BEN: "510107"}),
        ((2026, 3, 1), None, {}),
    ],
)
def test_both_times_can_be_asked_for(days, spark, contract, recorded_on, valid_on, expected):
    rows = library_as_of(spark, contract, date(*recorded_on), valid_on and date(*valid_on)).collect()
    assert {row["citizen_id"]: row["division_code"] for row in rows} == expected


def test_a_try_that_is_repeated_says_nothing_twice(days, spark, contract):
    table = statement_of(contract)
    before = delta.read(spark, table).count()
    assert before == 7
    forget(PERSON)
    reconcile(PERSON)
    after = delta.read(spark, table)
    assert after.where("is_withdrawn").count() == 2, "what was said before stays"
    living = delta.read(spark, table_of(contract)).where("NOT _is_deleted")
    assert digest(contract, library_as_of(spark, contract)) == digest(contract, living)


def test_a_library_older_than_its_statements_begins_with_all_that_is_said_now(days, spark, contract):
    shutil.rmtree(statement_of(contract).local_path)
    write(spark, "population.resident", [resident(CAT, 5, "示范丙")])
    reconcile(PERSON)
    found = read_versions(contract, ids_of(days, ANN, BEN, CAT))
    assert {name: len(own) for name, own in found.items()} == dict.fromkeys(ids_of(days, ANN, BEN, CAT), 1)
