"""Cases of a comparison, raised and ended by hundreds, are what single ones would be, in a few statements."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from catalog.control.case_events import KIND
from catalog.control.clocks import clocks_of
from catalog.control.compared_cases import Doubt, end_corrected, raise_compared
from catalog.control.correction_cases import find_case, move, open_cases, raise_case
from catalog.control.life import history
from catalog.control.session import session_scope
from catalog.model.state_machine import Actor, MoveRefusedError

LIBRARY, DEPARTMENT = "population.person", "human_resources"
OFFICER = Actor("示范经办", DEPARTMENT, frozenset({"provider_officer"}))
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def doubt(row, key="k", column="name"):
    return Doubt(row, column, "person_name", DEPARTMENT, f"{row}-{key}", {"other": {"value": "示**"}})


@pytest.fixture
def session(shared_database):
    """A transaction that leaves nothing behind."""
    with session_scope(shared_database) as opened:
        yield opened
        opened.rollback()


def on(session, row):
    return open_cases(session, LIBRARY, row_keys=[row])


def told(case):
    kept = {c.name: getattr(case, c.key) for c in case.__table__.columns if c.key not in ("number", "row_key")}
    return {name: value for name, value in kept.items() if name != "conflict_key"}


def test_a_case_is_what_raising_it_singly_would_make(session):
    assert raise_compared(session, LIBRARY, [doubt("many")], NOON) == 1
    single = raise_case(
        session, resource=LIBRARY, row_key="one", column="name", element="person_name", doubted_department=DEPARTMENT,
        evidence={"other": {"value": "示**"}}, conflict_key="one-k", at=NOON,
    )  # fmt: skip
    [bulk] = on(session, "many")
    assert told(bulk) == told(single)
    [[ours], [theirs]] = [clocks_of(session, KIND, case.number) for case in (bulk, single)]
    assert (ours.due_on, ours.responsible, ours.limit_id, ours.status) == (
        theirs.due_on, theirs.responsible, theirs.limit_id, "running",
    )  # fmt: skip
    [[ours], [theirs]] = [history(session, KIND, case.number) for case in (bulk, single)]
    assert (ours.act, ours.to_state, ours.by, ours.detail) == (theirs.act, theirs.to_state, theirs.by, theirs.detail)


def test_what_is_open_is_not_raised_again_and_a_persons_doubt_is_joined(session):
    raise_compared(session, LIBRARY, [doubt("known")])
    by_person = raise_case(
        session, resource=LIBRARY, row_key="asked", column="name", doubted_department=DEPARTMENT, evidence={},
        actor=Actor("示范窗口", "housing"), kind="person",
    )  # fmt: skip
    rows = [doubt("known", "later"), doubt("asked"), doubt("twice", "a"), doubt("twice", "b")]
    assert raise_compared(session, LIBRARY, rows) == 1
    acts = {row: [[e.act for e in history(session, KIND, case.number)] for case in on(session, row)] for row in
            ("known", "asked", "twice")}  # fmt: skip
    assert acts == {"known": [["raise"]], "asked": [["raise", "join"]], "twice": [["raise", "join"]]}
    assert on(session, "asked")[0].number == by_person.number
    assert on(session, "twice")[0].conflict_key == "twice-a"
    assert raise_compared(session, LIBRARY, []) == 0


def test_cases_end_as_they_stand_with_their_clocks(session):
    raise_compared(session, LIBRARY, [doubt("raised"), doubt("refused"), doubt("lacking")], NOON)
    numbers = {row: on(session, row)[0].number for row in ("raised", "refused", "lacking")}
    move(session, numbers["refused"], "refuse", OFFICER, {"reason": "参保登记表为凭"}, at=NOON)
    move(session, numbers["lacking"], "ask_evidence", OFFICER, {"reason": "请附证明"}, at=NOON)
    end_corrected(session, {number: f"batch-{row}" for row, number in numbers.items()}, NOON)
    found = {row: find_case(session, number) for row, number in numbers.items()}
    assert {case.state for case in found.values()} == {"closed"}
    assert {row: case.corrected_by_batch for row, case in found.items()} == {
        "raised": "batch-raised", "refused": None, "lacking": "batch-lacking",
    }  # fmt: skip
    acts = {row: [e.act for e in history(session, KIND, number)] for row, number in numbers.items()}
    assert acts["raised"] == ["raise", "correct", "close"]
    assert acts["refused"] == ["raise", "refuse", "close"]
    assert [c.status for number in numbers.values() for c in clocks_of(session, KIND, number)] == ["met"] * 3
    with pytest.raises(MoveRefusedError):
        end_corrected(session, {numbers["raised"]: "batch"})


def test_hundreds_take_few_statements(session):
    seen = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *told: seen.append(told[2]))
    rows = [doubt(f"bulk-{n}") for n in range(400)]
    assert raise_compared(session, LIBRARY, rows) == 400
    raised = len(seen)
    numbers = [on(session, doubt.row_key)[0].number for doubt in rows]
    assert len(set(numbers)) == 400 and numbers == sorted(numbers)
    seen.clear()
    end_corrected(session, dict.fromkeys(numbers, "batch"))
    assert 0 < raised < 20
    assert 0 < len(seen) < 20


def test_two_runs_at_once_raise_each_case_once(shared_database):
    rows = [doubt(f"race-{n}") for n in range(60)]
    counts, failures = [], []

    def run(own):
        try:
            with session_scope(shared_database) as session:
                counts.append(raise_compared(session, LIBRARY, own))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(own,)) for own in (rows, rows[::-1], rows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sum(counts) == 60
    with session_scope(shared_database) as session:
        assert all(len(on(session, row.row_key)) == 1 for row in rows)
        end_corrected(session, {on(session, row.row_key)[0].number: "batch" for row in rows})
