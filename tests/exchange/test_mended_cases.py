"""A case is corrected by what a batch did, mended in time, and passed on to nobody but the source of the value."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import clocks_of, local_day
from catalog.control.compared_cases import end_corrected
from catalog.control.correction_cases import (
    KIND,
    find_case,
    move,
    raise_case,
    start_mending,
)
from catalog.control.event_tables import Event
from catalog.control.exchange_day import run_day
from catalog.control.life import history
from catalog.control.mended_values import NotMendedError
from catalog.control.passed_cases import NotPassedError
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.library.doubted import mending, versions_of_row
from catalog.model.entity_ids import entity_id_of
from catalog.model.registry import get_registry
from catalog.model.state_machine import SYSTEM, Actor, NotAPartyError
from tests.library.conftest import KEY, tell

__all__ = ["tell"]

ASKER = Actor("person:甲", "housing", frozenset({"requester_officer"}))
POLICE = Actor("person:乙", "public_security", frozenset({"provider_officer"}))
LABOUR = Actor("person:丙", "human_resources", frozenset({"provider_officer"}))
SHARED, PERSON = "population.resident_basic", "population.person"
DOUBTED = datetime(2026, 3, 3, 8, tzinfo=UTC)


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened


@pytest.fixture
def ann(tell) -> str:
    """Of a person the police said a name on the first day; return the key of the row."""
    number = "11010519491231002X"
    tell("population.resident", number, 1, {"name": "示范甲"})
    return entity_id_of(PERSON, number, KEY)


def a_batch(session, batch_id: str, resource: str = "population.resident", status: str = "accepted") -> None:
    session.add(
        Batch(batch_id=batch_id, resource=resource, source="s", dataset="d", kind="full", status=status, arrival=1)
    )
    session.flush()


def doubted(session, row: str, *, column: str = "name", element: str = "person_name", **more) -> str:
    made = raise_case(
        session, resource=SHARED, row_key=row, column=column, element=element,
        doubted_department=more.pop("department", "public_security"), evidence={"statement": "不同"},
        actor=more.pop("actor", ASKER), kind=more.pop("kind", "department"), at=DOUBTED,
    )  # fmt: skip
    return made.number


def confirmed(session, row: str) -> str:
    number = doubted(session, row)
    move(session, number, "accept", POLICE, at=DOUBTED)
    move(session, number, "confirm", POLICE, at=DOUBTED)
    return number


def clocks(session, number: str) -> list[tuple[str, str, str]]:
    return [(one.limit_id, one.responsible, one.status) for one in clocks_of(session, KIND, number)]


def test_only_a_batch_that_changed_the_value_corrects_it(session, tell, ann):
    number, key = confirmed(session, ann), "11010519491231002X"
    tell("population.resident", key, 4, {"name": "示范甲"})
    tell("population.insured_person", key, 5, {"name": "示范乙"})
    for batch, resource, status in (
        ("resident-1", "population.resident", "accepted"),
        ("resident-4", "population.resident", "accepted"),
        ("insured_person-5", "population.insured_person", "accepted"),
        ("resident-6", "population.resident", "accepted"),
        ("resident-7", "population.resident", "held"),
    ):
        a_batch(session, batch, resource, status)
    tried = ["none", "resident-1", "resident-4", "insured_person-5", "resident-6", "resident-7"]
    for batch in tried:
        with pytest.raises(NotMendedError):
            move(session, number, "correct", POLICE, {"batch_id": batch})
    assert find_case(session, number).state == "confirmed"
    tell("population.resident", key, 6, {"name": "示范乙"})
    tell("population.resident", key, 7, {"name": "示范丙"})
    with pytest.raises(NotMendedError, match="no accepted batch"):
        move(session, number, "correct", POLICE, {"batch_id": "resident-7"})
    with pytest.raises(NotMendedError, match="did not change"):
        move(session, number, "correct", POLICE, {"batch_id": "resident-4"})
    moved = move(session, number, "correct", POLICE, {"batch_id": "resident-6"})
    assert (moved.state, moved.corrected_by_batch) == ("corrected", "resident-6")
    move(session, number, "reopen", ASKER, {"reason": "仍不同"})
    with pytest.raises(NotMendedError, match="did not change"):
        move(session, number, "correct", POLICE, {"batch_id": "resident-6"})


def test_what_was_changed_and_changed_back_is_not_mended(tell, ann):
    contract, key = get_registry().get(SHARED), "11010519491231002X"
    tell("population.resident", key, 4, {"name": "示范乙"})
    assert [v.batch_id for v in mending(versions_of_row(contract, ann), ["name"], "public_security", DOUBTED)] == [
        "resident-4"
    ]
    tell("population.resident", key, 5, {"name": "示范甲"})
    assert mending(versions_of_row(contract, ann), ["name"], "public_security", DOUBTED) == []
    tell("population.resident", key, 6, None)
    turns = mending(versions_of_row(contract, ann), ["name"], "public_security", DOUBTED)
    assert [v.batch_id for v in turns] == ["resident-4", "resident-5", "resident-6"]
    assert mending(versions_of_row(contract, ann), ["name"], "human_resources", DOUBTED) == []


def test_another_list_of_the_department_mends_nothing_unless_it_says_otherwise(tell):
    library, key = get_registry().get("legal_entity.entity"), "91110000100000000A"
    row = entity_id_of(library.id, key, KEY)

    def turns() -> list[str]:
        said = versions_of_row(library, row)
        return [version.batch_id for version in mending(said, ["name"], "market_regulation", DOUBTED)]

    tell("legal_entity.enterprise", key, 1, {"name": "示范甲"})
    tell("legal_entity.legal_representative", key, 4, {"legal_representative_name": "示范人"})
    assert turns() == [], "it says nothing of the name"
    tell("legal_entity.legal_representative", key, 5, None)
    tell("legal_entity.individual_business", key, 6, {"name": "示范甲"})
    assert turns() == [], "it says the same name"
    tell("legal_entity.individual_business", key, 7, {"name": "示范乙"})
    assert turns() == ["individual_business-7"]
    tell("legal_entity.enterprise", key, 8, {"legal_representative_name": "示范人"})
    assert turns() == ["individual_business-7", "enterprise-8"], "a value that is said no more is one taken back"


def test_a_computed_value_is_mended_where_what_it_is_computed_from_changed(session, tell):
    key = "110105194912310038"
    tell("population.insured_person", key, 1, {"name": "示范乙", "insurance_status_code": "1"})
    row = entity_id_of(PERSON, key, KEY)
    number = doubted(session, row, column="is_insured", element="is_insured", department="human_resources")
    tell("population.insured_person", key, 4, {"name": "示范丙", "insurance_status_code": "1"})
    tell("population.insured_person", key, 5, {"name": "示范丙", "insurance_status_code": "2"})
    for day in (4, 5):
        a_batch(session, f"insured_person-{day}", "population.insured_person")
    with pytest.raises(NotMendedError, match="did not change"):
        move(session, number, "correct", LABOUR, {"batch_id": "insured_person-4"})
    assert move(session, number, "correct", LABOUR, {"batch_id": "insured_person-5"}).state == "corrected"


def test_a_row_of_which_nothing_is_known_is_corrected_by_the_pipeline_alone(session, tell):
    number = confirmed(session, "f" * 32)
    a_batch(session, "resident-4")
    with pytest.raises(NotMendedError):
        move(session, number, "correct", POLICE, {"batch_id": "resident-4"})
    end_corrected(session, {number: "resident-4"})
    assert find_case(session, number).state == "closed"
    assert clocks(session, number)[1][:2] == ("mend_correction", "public_security")


def test_after_a_confirmation_a_second_clock_runs_until_the_value_is_mended(session, tell, ann):
    number = confirmed(session, ann)
    assert clocks(session, number) == [
        ("reply_correction", "public_security", "met"), ("mend_correction", "public_security", "running"),
    ]  # fmt: skip
    due = clocks_of(session, KIND, number)[1].due_on
    assert due == date(2026, 3, 17)
    run_day(session, {}, due + timedelta(days=1))
    heard = session.scalars(
        select(Event).where(Event.object == f"{KIND}:{number}", Event.kind == "clock.overdue")
    ).all()
    assert [(sorted(one.departments), one.payload["limit"]) for one in heard] == [
        (["data_administration", "public_security"], "mend_correction")
    ]
    assert clocks_of(session, KIND, number)[1].overdue_on == due + timedelta(days=1)
    late = datetime.combine(due + timedelta(days=3), DOUBTED.timetz())
    end_corrected(session, {number: "resident-9"}, late)
    assert clocks(session, number)[1][2] == "late"


def test_cases_confirmed_before_the_second_limit_get_its_clock_once(session, tell, ann):
    number = confirmed(session, ann)
    session.delete(session.scalars(select(ClockRecord).where(ClockRecord.limit_id == "mend_correction")).one())
    session.flush()
    today = local_day(DOUBTED) + timedelta(days=9)
    assert start_mending(session, today) == 1 and start_mending(session, today) == 0
    assert clocks(session, number)[-1] == ("mend_correction", "public_security", "running")


def test_a_case_is_passed_on_to_who_said_the_value_with_a_new_clock(session, tell):
    key = "110105194912310038"
    tell("population.insured_person", key, 1, {"name": "示范乙"})
    number = doubted(session, entity_id_of(PERSON, key, KEY))
    move(session, number, "accept", POLICE)
    with pytest.raises(NotPassedError, match="market_regulation declares no"):
        move(session, number, "pass_on", POLICE, {"reason": "非本局数据", "department": "market_regulation"})
    with pytest.raises(NotAPartyError):
        move(session, number, "pass_on", LABOUR, {"reason": "非本局数据"})
    passed = move(session, number, "pass_on", POLICE, {"reason": "参保登记所填，非本局数据"}, at=DOUBTED)
    assert (passed.state, passed.doubted_department) == ("raised", "human_resources")
    assert [(one[1], one[2]) for one in clocks(session, number)] == [
        ("public_security", "met"), ("human_resources", "running"),
    ]  # fmt: skip
    last = history(session, KIND, number)[-1]
    assert (last.act, last.department, last.detail["from_department"], last.detail["department"]) == (
        "pass_on", "public_security", "public_security", "human_resources",
    )  # fmt: skip
    [told] = session.scalars(select(Event).where(Event.kind == "correction.pass_on", Event.object == f"case:{number}"))
    assert {"housing", "human_resources", "public_security"} <= set(told.departments)
    with pytest.raises(NotAPartyError):
        move(session, number, "refuse", POLICE, {"reason": "无误"})
    with pytest.raises(NotPassedError, match="is the source"):
        move(session, number, "pass_on", LABOUR, {"reason": "退回"})
    move(session, number, "accept", LABOUR)
    assert move(session, number, "confirm", LABOUR).state == "confirmed"


def test_a_case_stays_with_the_source_and_never_goes_back(session, tell, ann):
    number = doubted(session, ann)
    with pytest.raises(NotPassedError, match="is the source"):
        move(session, number, "pass_on", POLICE, {"reason": "转办", "department": "human_resources"})
    of_nobody = doubted(session, "e" * 32, department="human_resources")
    passed = move(session, of_nobody, "pass_on", LABOUR, {"reason": "户籍登记事项"})
    assert passed.doubted_department == "public_security"
    with pytest.raises(NotPassedError):
        move(session, of_nobody, "pass_on", POLICE, {"reason": "退回", "department": "human_resources"})
    assert find_case(session, of_nobody).doubted_department == "public_security"


def test_what_the_comparison_raised_and_what_is_open_there_is_not_passed_on(session, tell):
    compared = doubted(session, "d" * 32, actor=SYSTEM, kind="comparison", department="human_resources")
    with pytest.raises(NotPassedError, match="itself delivered"):
        move(session, compared, "pass_on", LABOUR, {"reason": "转办"})
    doubted(session, "c" * 32)
    second = doubted(session, "c" * 32, department="human_resources")
    with pytest.raises(NotPassedError, match="answers a doubt on this value already"):
        move(session, second, "pass_on", LABOUR, {"reason": "转办"})
    assert [one[2] for one in clocks(session, second)] == ["running"]
