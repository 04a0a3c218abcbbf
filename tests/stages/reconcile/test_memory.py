"""What a library's last run left on record, and what the next one must therefore look at."""

from datetime import date, timedelta

import pytest

from catalog.control.base import utc_now
from catalog.control.correction_cases import raise_case
from catalog.control.positions import TableVersion
from catalog.control.session import session_scope
from catalog.model.registry import get_registry
from catalog.model.state_machine import Actor
from jobs.reconcile.affected import InputVersion
from jobs.reconcile.memory import Begun, Memory, note_begun, note_ended, recall
from jobs.reconcile.verification import moved_since
from tests.stages.reconcile.library_rows import forget

DAY = date(2026, 3, 2)
CLERK = Actor("示范经办", "housing", frozenset({"requester_officer"}))
BEGUN = Begun(DAY.isoformat(), "rules", is_whole=False)
WROTE = {"base.population__person": TableVersion("a", 3)}


@pytest.fixture
def session(stack):
    forget("population.person")
    with session_scope() as opened:
        yield opened
    forget("population.person")


def test_what_a_run_began_with_is_known_until_it_ends(session):
    library = get_registry().get("population.person")
    assert recall(session, library) == Memory(
        None, None, None, None, None, dict.fromkeys(recall(session, library).outputs)
    )
    note_begun(session, library, BEGUN)
    assert (recall(session, library).cut_short, recall(session, library).day) == (BEGUN, None)
    note_ended(session, library, BEGUN, utc_now(), 7, WROTE)
    ended = recall(session, library)
    assert (ended.day, ended.rules, ended.sequence, ended.cut_short) == (DAY, "rules", 7, None)
    assert ended.outputs["base.population__person"] == TableVersion("a", 3)


def test_a_step_dated_before_the_run_looked_is_looked_at_by_the_next(session):
    library, looked = get_registry().get("population.person"), utc_now()
    for row, age in (("a" * 24, 0), ("b" * 24, 2), ("c" * 24, 60)):
        raise_case(
            session, resource=library.id, row_key=row, column="name", doubted_department="public_security",
            evidence={}, actor=CLERK, kind="department", at=looked - timedelta(minutes=age),
        )  # fmt: skip
    note_ended(session, library, BEGUN, looked, 7, {})
    assert moved_since(session, library, recall(session, library).looked) == ["a" * 24, "b" * 24]


@pytest.mark.parametrize(
    ("cut_short", "day", "rules", "expected"),
    [
        (None, DAY, "rules", False),
        (None, DAY + timedelta(1), "rules", False),
        (None, DAY - timedelta(1), "rules", True),
        (None, DAY, "others", True),
        (Begun("2026-03-03", "rules", is_whole=False), DAY, "rules", True),
        (Begun("2026-03-03", "rules", is_whole=False), date(2026, 3, 3), "rules", False),
        (Begun("2026-03-02", "others", is_whole=False), DAY, "rules", True),
        (Begun("2026-03-02", "rules", is_whole=True), DAY, "rules", True),
    ],
)
def test_other_rules_and_days_that_were_later_have_every_entity_looked_at(cut_short, day, rules, expected):
    assert Memory(DAY, "rules", None, 7, cut_short, {}).must_look_at_all(day, rules) is expected


def test_only_a_later_version_of_the_very_table_is_followed():
    def since(before):
        return InputVersion(None, None, before, TableVersion("a", 5)).since

    assert [since(TableVersion("a", n)) for n in (3, 5, 6)] == [3, 5, None]
    assert (since(TableVersion("b", 3)), since(None)) == (None, None)
    assert since(TableVersion("", 3)) == 3, "a position of an older home has no id"
