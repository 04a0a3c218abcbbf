"""Doubts on the real engine: sources that disagree become a case, readers see the flag, a corrected batch ends both."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.audit_reading import AuditFilter, list_entries
from catalog.control.correction_cases import find_case, move, open_cases, raise_case
from catalog.control.disclosures import disclosures_of
from catalog.control.session import session_scope
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from catalog.model.state_machine import Actor
from jobs.curate.stage import curate
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, forget, instant, library, silver_row, write

pytestmark = pytest.mark.long

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


def ask(*words):
    found = CliRunner().invoke(app, [*words, "--json"])
    return found.exit_code, json.loads(found.stdout) if found.exit_code == 0 else found.output


def test_a_cell_explains_itself_with_the_case_on_it(lake):
    code, [found] = ask("explain", PERSON, ANN, "--column", "name")
    [cell] = found["cells"]
    assert code == 0
    assert (cell["value"], cell["in_verification"], cell["source"]["department"]) == ("示**", True, "public_security")
    assert cell["case"] == waiting()[found["entity_id"]].number
    assert (cell["source"]["batch"], cell["source"]["record_key"]) == ("ps1", "1949")
    assert [(o["verdict"], o["department"], o["value"]) for o in cell["others"]] == [
        ("conflict", "human_resources", "示**")
    ]
    whole = CliRunner().invoke(app, ["explain", PERSON, ANN])
    assert whole.exit_code == 0 and "示范甲" not in whole.output and ANN not in whole.output


def test_whole_values_are_shown_for_a_reason_that_goes_on_record(lake, spark):
    ann = library(spark, PERSON)[ANN]["person_id"]
    assert ask("explain", PERSON, ANN, "--unmask")[0] == 2
    with session_scope() as session:
        before = len(disclosures_of(session, PERSON, ann))
    _, [found] = ask("explain", PERSON, ann, "--column", "name", "--unmask", "--reason", "校核 COR")
    assert found["cells"][0]["value"] == "示范甲"
    with session_scope() as session:
        records = disclosures_of(session, PERSON, ann)
    assert len(records) == before + 1
    assert (records[0].columns, records[0].reason) == (["name"], "校核 COR")
    with session_scope() as session:
        entry = list_entries(session, AuditFilter(act="cell.unmask"), limit=1)[0]
    assert (entry.object, entry.purpose, len(entry.subjects)) == (f"{PERSON}:{ann}", "校核 COR", 1)


def test_questions_follow_a_merge_and_say_so_until_it_is_taken_back(lake, spark):
    ann, ben = (library(spark, PERSON)[key]["person_id"] for key in (ANN, BEN))
    assert ask("merge", PERSON, ann, ben, "--by", "示范核查员")[0] == 0
    try:
        _, [found] = ask("explain", PERSON, BEN, "--column", "name")
        assert (found["entity_id"], found["merged"]) == (ann, [ben])
        assert f"{ben} was merged into it" in CliRunner().invoke(app, ["explain", PERSON, ben]).output
        _, rows = ask("find", PERSON, "--column", "sex_code", "--value", "1")
        assert {(row["entity_id"], row["merged_from"]) for row in rows} == {(ann, None), (ann, ben)}
    finally:
        assert ask("split", PERSON, ben, "--by", "示范核查员")[0] == 0
    _, [found] = ask("explain", PERSON, BEN, "--column", "name")
    assert (found["entity_id"], found["merged"]) == (ben, [])


def test_conflicts_are_counted_by_pair_of_departments(lake):
    _, counted = ask("conflicts", "--resource", PERSON, "--department", "human_resources")
    [name] = [row for row in counted if row["element"] == "name"]
    assert (name["compared"], name["conflict"], name["conflict_rate"]) == (2, 2, 1.0)
    _, listed = ask("conflicts", "--list")
    assert {(row["element"], row["second_value"]) for row in listed} == {("name", "示**")}
    assert ask("conflicts", "--resource", PERSON, "--department", "transport")[1] == []


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


def test_a_case_ends_with_the_person_nobody_has_any_more(lake, spark):
    ben = library(spark, PERSON)[BEN]["person_id"]
    write(spark, "population.resident", [resident(BEN, 3, _is_deleted=True)])
    write(spark, "population.insured_person", [{**insured(BEN, 3, "示范假"), "_is_deleted": True}])
    assert set(run(spark)) == {ANN}
    assert library(spark, PERSON)[BEN]["_is_deleted"]
    assert ben not in waiting()


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
