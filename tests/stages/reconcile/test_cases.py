"""Doubts on the real engine: sources that disagree become a case, readers see the flag, a corrected batch ends both."""

from datetime import date

import pytest

from catalog.control.correction_cases import find_case, move, open_cases, raise_case
from catalog.control.session import session_scope
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from catalog.model.state_machine import Actor
from jobs.curate.stage import curate
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, forget, instant, library, silver_row, write

PERSON, SHARED = "population.person", "population.resident_basic"
OFFICER = Actor("示范经办", "human_resources", frozenset({"provider_officer"}))


def resident(key, day, **values):
    kept = {"name": "示范甲", "division_code": "510107", "status_code": "1", "birth_date": date(1980, 1, 1), **values}
    number = int(key[6:10])
    return silver_row(
        citizen_id=key, record_no=number, sex_code="1", _source_at=instant(day), _batch_id=f"ps{day}", **kept
    )


def insured(key, day, name):
    return silver_row(
        citizen_id=key, record_no=7, name=name, sex_code="1", _source_at=instant(day), _batch_id=f"hr{day}"
    )


@pytest.fixture(scope="module")
def lake(spark, stack, tmp_path_factory):
    """Two persons under two names each."""
    stack.lake_uri = f"file:{tmp_path_factory.mktemp('cases')}"
    stack.business_date = date(2026, 3, 2)
    forget(PERSON)
    forget(SHARED)
    write(spark, "population.resident", [resident(ANN, 1), resident(BEN, 1)])
    write(spark, "population.insured_person", [insured(ANN, 1, "示范佳"), insured(BEN, 1, "示范假")])
    return stack


def run(spark):
    """Reconcile and curate; return what readers of the shared table see, by citizen number."""
    reconcile(PERSON)
    curate(SHARED)
    rows = delta.read(spark, table_of(get_registry().get(SHARED))).collect()
    return {row["citizen_id"]: row["in_verification"] for row in rows}


def waiting():
    with session_scope() as session:
        return {case.row_key: case for case in open_cases(session, PERSON)}


def test_a_disagreement_is_a_case_of_the_department_whose_value_is_doubted(lake, spark):
    assert run(spark) == {ANN: True, BEN: True}
    rows, cases = library(spark, PERSON), waiting()
    assert rows[ANN]["_in_verification"] == ["name"]
    assert set(cases) == {rows[ANN]["person_id"], rows[BEN]["person_id"]}
    case = cases[rows[ANN]["person_id"]]
    assert (case.doubted_department, case.column_name, case.element) == ("human_resources", "name", "person_name")
    assert case.evidence["chosen"] == {"source": "population.resident", "record_key": "1949", "value": "示**"}


def test_a_corrected_batch_closes_the_case_and_the_readers_flag_goes(lake, spark):
    ann = library(spark, PERSON)[ANN]["person_id"]
    number = waiting()[ann].number
    write(spark, "population.insured_person", [insured(ANN, 2, "示范甲")])
    assert run(spark) == {ANN: False, BEN: True}
    assert ann not in waiting()
    with session_scope() as session:
        closed = find_case(session, number)
    assert (closed.state, closed.corrected_by_batch) == ("closed", "hr2")


def test_a_department_that_stands_by_its_value_ends_the_flag_and_is_not_asked_again(lake, spark):
    ben = library(spark, PERSON)[BEN]["person_id"]
    with session_scope() as session:
        move(session, waiting()[ben].number, "refuse", OFFICER, {"reason": "参保登记表为凭"})
    assert run(spark) == {ANN: False, BEN: False}
    assert library(spark, PERSON)[BEN]["_flags"] == ["SOURCES_DISAGREE"], "they disagree all the same"
    write(spark, "population.resident", [resident(BEN, 2, division_code="110103")])
    assert run(spark)[BEN] is False
    assert [case.state for case in waiting().values()] == ["refused"]


def test_a_persons_doubt_is_seen_by_readers_until_the_value_is_another(lake, spark):
    ann = library(spark, PERSON)[ANN]["person_id"]
    with session_scope() as session:
        case = raise_case(
            session, resource=SHARED, row_key=ann, column="division_code", doubted_department="public_security",
            evidence={"claim": "已迁居"}, actor=Actor("示范窗口", "housing"), kind="person",
        )  # fmt: skip
        number = case.number
    assert run(spark)[ANN] is True
    write(spark, "population.resident", [resident(ANN, 3, status_code="2")])
    assert run(spark)[ANN] is True, "another column of the row was mended"
    write(spark, "population.resident", [resident(ANN, 4, status_code="2", division_code="110103")])
    assert run(spark)[ANN] is False
    with session_scope() as session:
        closed = find_case(session, number)
    assert (closed.state, closed.corrected_by_batch) == ("closed", "ps4")
