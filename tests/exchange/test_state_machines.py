"""Machines refuse to be made with states that nobody reaches or leaves, and the database knows each of their states."""

import pytest

from catalog.control.tables import Base
from catalog.model.correction import CORRECTION
from catalog.model.procedures import APPLICATION, DEMAND, DISPUTE, ENTRY, GRANT
from catalog.model.state_machine import Actor, Machine, Transition, parties_of

TABLES = {
    "correction_case": CORRECTION, "application": APPLICATION, "demand": DEMAND, "dispute": DISPUTE,
    "catalogue_entry": ENTRY, "access_grant": GRANT,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_the_table_holds_exactly_the_states_of_its_machine(table):
    constraints = Base.metadata.tables[table].constraints
    words = next(str(c.sqltext) for c in constraints if c.name == f"ck_{table}_state_known")
    named = set(words.split("(")[1].rstrip(")").replace("'", "").split(", "))
    assert named == set(TABLES[table].states)


@pytest.mark.parametrize(
    ("transitions", "words"),
    [
        ([Transition("go", ("a",), "b", ("host",))], "no way out of \\['b'\\]"),
        (
            [Transition("go", ("a",), "c", ("host",)), Transition("x", ("b",), "c", ("host",))],
            "never reached \\['b'\\]",
        ),
        ([Transition("go", ("a",), "c", ("host",)), Transition("go", ("a",), "c", ("system",))], "twice"),
    ],
)
def test_a_table_with_a_hole_is_refused(transitions, words):
    with pytest.raises(ValueError, match=words):
        Machine("trial", "a", ["c"], transitions)


def test_a_side_is_department_and_role_together():
    officer = Actor("x", "water", frozenset({"provider_officer"}))
    assert parties_of(officer, provider="water") == {"provider"}
    assert parties_of(officer, provider="housing", requester="water") == frozenset()
    assert parties_of(Actor("h", "data_administration", frozenset({"host_authority"}))) == {"host", "government"}
