"""The word that goes with every shared row: the engine says what the model says, and each of its causes moves it."""

from datetime import date
from itertools import product

import pytest
from sqlalchemy import delete as sql_delete

from catalog.control.batches import register_batch
from catalog.control.correction_cases import move, open_cases
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.model.codes import load_code_list
from catalog.model.layers import table_of
from catalog.model.record_flag import RecordFlag, flag_of
from catalog.model.registry import get_registry
from catalog.model.state_machine import Actor
from jobs.curate.record_flag import COLUMN, delivered_elements, record_flag
from jobs.curate.stage import curate
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, forget, instant, silver_row, write

PERSON, SHARED = "population.person", "population.resident_basic"
RESIDENT, INSURED = "population.resident", "population.insured_person"
DAY, LATER = date(2031, 3, 2), date(2031, 3, 20)
"""Beyond the deliveries of all other tests."""
OFFICER = Actor("示范经办", "human_resources", frozenset({"provider_officer"}))


def test_the_code_list_has_the_words():
    assert load_code_list("record_flag").canonical_codes == {flag.value for flag in RecordFlag}


@pytest.mark.parametrize("resource", [contract.id for contract in get_registry().all("gold")])
def test_every_shared_table_delivers_it(resource):
    contract = get_registry().get(resource)
    assert contract.item("record_flag").code_list == "record_flag"
    assert {"record_flag", "in_verification"}.isdisjoint(delivered_elements(contract))
    assert set(contract.key) < set(delivered_elements(contract))


def test_the_engine_says_what_the_model_says(spark):
    doubts = (None, [], ["name"], ["phone"])
    origins = ({}, {"name": "a.b|1|x"}, {"name": "a.b|1|x", "sex_code": "c.d|1|y"}, {"phone": "a.b|1|x"})
    silences = ([], ["a.b"], ["a.b", "c.d"])
    cases = list(product(doubts, doubts, origins))
    delivered = ["name", "sex_code"]
    schema = "_in_verification array<string>, _conflicting array<string>, _provenance map<string,string>"
    rows = spark.createDataFrame(cases, schema)
    found = rows.select(*[record_flag(delivered, silent).alias(f"s{n}") for n, silent in enumerate(silences)]).collect()
    expected = [
        [
            flag_of(
                in_verification={*(doubted or [])} & {*delivered},
                conflicting={*(conflicting or [])} & {*delivered},
                sources={origin.split("|")[0] for element, origin in sources.items() if element in delivered},
                stale=silent,
            )
            for silent in silences
        ]
        for doubted, conflicting, sources in cases
    ]
    assert {flag for row in expected for flag in row} == set(RecordFlag)
    assert [list(row) for row in found] == expected


def deliver(resource, day):
    """Have a source confirm on ``day`` that nothing changed."""
    with session_scope() as session:
        register_batch(
            session, batch_id=f"flag-{resource}-{day}", resource=resource, source="test", dataset="test",
            kind="full", status="no_op", business_date=day,
        )  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark, stack, tmp_path_factory):
    """Two persons; on the name of one the sources disagree."""
    before = (stack.lake_uri, stack.business_date)
    stack.lake_uri, stack.business_date = f"file:{tmp_path_factory.mktemp('flags')}", DAY
    forget(PERSON)
    forget(SHARED)
    person = {"name": "示范甲", "division_code": "510107", "status_code": "1", "_source_at": instant(1)}
    write(spark, RESIDENT, [silver_row(citizen_id=key, record_no=n, **person) for n, key in enumerate((ANN, BEN))])
    other = {"name": "示范假", "_source_at": instant(1)}
    write(spark, INSURED, [silver_row(citizen_id=BEN, record_no=7, **other)])
    deliver(RESIDENT, DAY)
    deliver(INSURED, DAY)
    yield stack
    with session_scope() as session:
        session.execute(sql_delete(Batch).where(Batch.batch_id.startswith("flag-")))
    forget(PERSON)
    forget(SHARED)
    stack.lake_uri, stack.business_date = before


def delivered(spark):
    """Curate, and return the flag of each shared row by citizen number."""
    curate(SHARED)
    rows = delta.read(spark, table_of(get_registry().get(SHARED))).collect()
    assert {row["in_verification"] for row in rows} == {row["record_flag"] == "in_verification" for row in rows}
    return {row["citizen_id"]: row["record_flag"] for row in rows}


def test_a_flag_follows_the_case_the_disagreement_and_the_calendar(lake, spark):
    reconcile(PERSON)
    assert delivered(spark) == {ANN: "ok", BEN: "in_verification"}
    with session_scope() as session:
        [case] = open_cases(session, PERSON)
        move(session, case.number, "refuse", OFFICER, {"reason": "参保登记表为凭"})
    reconcile(PERSON)
    assert delivered(spark) == {ANN: "ok", BEN: "conflicting"}
    lake.business_date = LATER
    assert delivered(spark) == {ANN: "stale", BEN: "conflicting"}
    deliver(RESIDENT, LATER)
    assert delivered(spark) == {ANN: "ok", BEN: "conflicting"}
    version = delta.current_version(spark, table_of(get_registry().get(SHARED)))
    delivered(spark)
    assert delta.current_version(spark, table_of(get_registry().get(SHARED))) == version
    assert COLUMN not in get_registry().get(SHARED).columns
