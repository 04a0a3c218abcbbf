"""A case on a value goes its way, is never open twice, and is closed by the batch that corrects the value."""

import threading

import pytest

from catalog.control.compared_cases import end_corrected
from catalog.control.correction_cases import find_case, move, open_cases, raise_case
from catalog.control.life import history
from catalog.control.session import session_scope
from catalog.model.correction import CORRECTION
from catalog.model.state_machine import (
    SYSTEM,
    Actor,
    FactMissingError,
    MoveRefusedError,
    NotAPartyError,
    OwnDecisionError,
)

ASKER = Actor("示范经办甲", "housing", frozenset({"requester_officer"}))
OFFICER = Actor("示范经办乙", "public_security", frozenset({"provider_officer"}))
STRANGER = Actor("示范经办丙", "water", frozenset({"provider_officer", "requester_officer"}))


def raised(session, row_key, *, actor=ASKER, column="name", **more):
    kind = "comparison" if actor is SYSTEM else "department"
    return raise_case(
        session, resource="population.person", row_key=row_key, column=column, doubted_department="public_security",
        evidence={"statement": "户口簿与库中不同"}, actor=actor, kind=kind, element="person_name", **more,
    )  # fmt: skip


def test_a_case_goes_from_doubt_to_proof(shared_database):
    with session_scope(shared_database) as session:
        number = raised(session, "life-1").number
        assert number.startswith("COR-")
        move(session, number, "accept", OFFICER)
        move(session, number, "ask_evidence", OFFICER, {"reason": "缺少户口簿照片"})
        move(session, number, "supplement", ASKER, {"evidence": "第二页"})
        move(session, number, "confirm", OFFICER)
        move(session, number, "correct", SYSTEM, {"batch_id": "b-7"})
        closed = move(session, number, "close", ASKER)
    assert closed.state == "closed" and closed.corrected_by_batch == "b-7"
    assert closed.raised_at <= closed.answered_at <= closed.corrected_at <= closed.closed_at
    with session_scope(shared_database) as session:
        acts = [event.act for event in history(session, "correction_case", number)]
    assert acts == ["raise", "accept", "ask_evidence", "supplement", "confirm", "correct", "close"]


@pytest.mark.parametrize(
    ("act", "actor", "facts", "error"),
    [
        ("confirm", OFFICER, {}, MoveRefusedError),
        ("accept", ASKER, {}, NotAPartyError),
        ("accept", STRANGER, {}, NotAPartyError),
        ("refuse", OFFICER, {"reason": ""}, FactMissingError),
        ("close", ASKER, {}, MoveRefusedError),
    ],
)
def test_what_the_table_does_not_have_is_refused_and_changes_nothing(shared_database, act, actor, facts, error):
    with session_scope(shared_database) as session:
        number = raised(session, "refusals").number
        with pytest.raises(error):
            move(session, number, act, actor, facts)
        assert find_case(session, number).state == "raised"


def test_nobody_decides_on_their_own_doubt(shared_database):
    both = Actor("示范经办丁", "public_security", frozenset({"provider_officer", "requester_officer"}))
    with session_scope(shared_database) as session:
        number = raised(session, "own-1", actor=both).number
        move(session, number, "accept", both)
        with pytest.raises(OwnDecisionError):
            move(session, number, "confirm", both)
        assert move(session, number, "confirm", OFFICER).state == "confirmed"


def test_a_second_doubt_on_the_same_value_joins_the_open_case(shared_database):
    numbers, failures = [], []

    def doubt(name):
        try:
            with session_scope(shared_database) as session:
                actor = Actor(name, "housing", frozenset({"requester_officer"}))
                numbers.append(raised(session, "twice", actor=actor).number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=doubt, args=(f"示范经办{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and len(numbers) == 6 and len(set(numbers)) == 1
    with session_scope(shared_database) as session:
        assert len(open_cases(session, "population.person", row_keys=["twice"])) == 1
        assert len(history(session, "correction_case", numbers[0])) == 6


def test_a_batch_closes_what_it_corrected_and_nothing_else(shared_database):
    with session_scope(shared_database) as session:
        waiting = raised(session, "fix-1", actor=SYSTEM).number
        confirmed = raised(session, "fix-2").number
        move(session, confirmed, "accept", OFFICER)
        move(session, confirmed, "confirm", OFFICER)
        refused = raised(session, "fix-3").number
        move(session, refused, "refuse", OFFICER, {"reason": "登记无误"})
        other = raised(session, "fix-1", column="sex_code").number
        end_corrected(session, {waiting: "b-9", confirmed: "b-9", "COR-2020-000000": "b-9"})
        with pytest.raises(MoveRefusedError):
            end_corrected(session, {waiting: "b-9"})
        states = {number: find_case(session, number).state for number in (waiting, confirmed, refused, other)}
        assert states == {waiting: "closed", confirmed: "closed", refused: "refused", other: "raised"}
        assert {find_case(session, number).corrected_by_batch for number in (waiting, confirmed)} == {"b-9"}
        again = raised(session, "fix-1", actor=SYSTEM)
        assert again.number != waiting and again.state == "raised"


def test_the_table_of_states_is_the_databases_own(shared_database):
    from catalog.control.correction_tables import CorrectionCase

    words = next(
        str(c.sqltext) for c in CorrectionCase.__table__.constraints if c.name == "ck_correction_case_state_known"
    )
    assert {state for state in CORRECTION.states if f"'{state}'" in words} == set(CORRECTION.states)
