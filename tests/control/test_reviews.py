"""The review queue and the history of entity ids, in the real database."""

import pytest

from catalog.control.identities import (
    IdentityRefusedError,
    current_id,
    history_of,
    merge_entities,
    redirects_of,
    restore_entity,
)
from catalog.control.reviews import (
    Candidate,
    ReviewRefusedError,
    decide_pair,
    decided_pairs,
    decisions_of,
    list_pairs,
    queue_pairs,
    undo_decision,
)
from catalog.control.session import session_scope
from catalog.model.signature import Signature

LIBRARY = "population.person"


def candidate(left, right, weight=9.0):
    return Candidate(left, right, weight, "", [{"comparison": "姓名", "level": "同姓", "bits": -6.1}], {}, {})


def signed(name: str, account: str | None = None) -> Signature:
    """Return the signature of a person, each from an account of their own unless told."""
    return Signature(name, account or f"account-{name[-1]}")


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def pair(session):
    queue_pairs(session, LIBRARY, "m/1", [candidate("a|1", "b|1"), candidate("a|2", "b|2", 3.0)])
    [first, second] = list_pairs(session, LIBRARY)
    assert (first.weight, second.weight) == (9.0, 3.0)
    return first


def test_two_persons_must_agree_where_the_setting_says_so(session, pair):
    assert decide_pair(session, pair.id, "link", by=signed("示范甲"), persons=2) == "open"
    with pytest.raises(ReviewRefusedError, match="has decided"):
        decide_pair(session, pair.id, "link", by=signed("示范甲"), persons=2)
    assert decided_pairs(session, LIBRARY) == {}
    assert decide_pair(session, pair.id, "link", by=signed("示范乙"), persons=2) == "link"
    assert decided_pairs(session, LIBRARY) == {("a|1", "b|1"): "link"}


def test_two_who_disagree_leave_it_open(session, pair):
    decide_pair(session, pair.id, "link", by=signed("示范甲"), persons=2)
    assert decide_pair(session, pair.id, "no_link", by=signed("示范乙"), persons=2) == "open"


def test_a_decision_stays_when_the_pair_comes_again_and_can_be_undone(session, pair):
    decide_pair(session, pair.id, "no_link", by=signed("示范甲"), note="双胞胎")
    queue_pairs(session, LIBRARY, "m/2", [candidate("a|1", "b|1", 20.0)])
    session.expire_all()
    assert decided_pairs(session, LIBRARY) == {("a|1", "b|1"): "no_link"}
    with pytest.raises(ReviewRefusedError, match="is decided"):
        decide_pair(session, pair.id, "link", by=signed("示范乙"))
    assert undo_decision(session, pair.id, by="示范乙") == "open"
    session.expire_all()
    [kept] = decisions_of(session, pair.id)
    assert (kept.decided_by, kept.undone_by, kept.note) == ("示范甲 [account-甲]", "示范乙", "双胞胎")
    assert decide_pair(session, pair.id, "link", by=signed("示范甲")) == "link"


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("wang ", "b"), (" WANG", "b"), ("ｗａｎｇ", "b"), ("wa\u200bng", "b"), ("w ang", "b"), ("wang", "a"),
        ("li", "a"), ("李", "A"),
    ],
)  # fmt: skip
def test_one_person_under_two_spellings_or_two_names_does_not_agree_with_itself(session, pair, name, account):
    assert decide_pair(session, pair.id, "link", by=signed("wang", "a"), persons=2) == "open"
    with pytest.raises(ReviewRefusedError, match="has decided"):
        decide_pair(session, pair.id, "link", by=signed(name, account), persons=2)
    assert decide_pair(session, pair.id, "link", by=signed("li", "b"), persons=2) == "link"


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u3000"])
def test_nobody_decides_nothing(session, pair, name):
    with pytest.raises(ReviewRefusedError, match="no decision"):
        decide_pair(session, pair.id, "link", by=Signature(name, "a"))
    with pytest.raises(ValueError, match="nobody is named"):
        Signature.given(name)


def test_merged_ids_lead_on_and_a_split_restores_them(session):
    merge_entities(session, LIBRARY, "e1", ["e2", "e3"], by="示范甲")
    merge_entities(session, LIBRARY, "e0", ["e1"], by="示范甲")
    assert redirects_of(session, LIBRARY) == {"e1": "e0", "e2": "e0", "e3": "e0"}
    for kept, gone in (("e2", "e3"), ("e0", "e2")):
        with pytest.raises(IdentityRefusedError):
            merge_entities(session, LIBRARY, kept, [gone], by="示范甲")
    restore_entity(session, LIBRARY, "e2", by="示范乙")
    assert current_id(session, LIBRARY, "e2") == "e2" and current_id(session, LIBRARY, "e3") == "e0"
    [once] = history_of(session, LIBRARY, "e2")
    assert (once.recorded_by, once.ended_by) == ("示范甲", "示范乙")
    with pytest.raises(IdentityRefusedError, match="was not merged"):
        restore_entity(session, LIBRARY, "e2", by="示范乙")
