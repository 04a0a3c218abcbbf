"""Issues in the control plane: opened, closed, reopened, aged; the same run twice changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalog.control.batches import register_batch
from catalog.control.issues import (
    ClosedRows,
    IssueCount,
    concerned_batches,
    dismiss,
    dismissed_places,
    list_issues,
    open_batches,
    settle,
    stale_batches,
)
from catalog.control.quality_tables import Issue, IssueClosing
from catalog.control.session import session_scope

SHOP = "licence.shop"


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        for name in ("b1", "b2", "b3"):
            register_batch(
                opened, batch_id=name, resource=SHOP, source="s", dataset="d", kind="file", status="accepted"
            )
        yield opened
        opened.rollback()


def run(session: Session, batches: list[str], waits: dict[tuple[str, str], int], *closed: tuple, under: str = "d1"):
    settle(
        session,
        resource=SHOP,
        department="transport",
        judged_under=under,
        batch_ids=batches,
        counts=[IssueCount(batch, "set_aside", "c", reason, rows) for (batch, reason), rows in waits.items()],
        closings=[ClosedRows(batch, "c", reason, how, by, rows) for batch, reason, how, by, rows in closed],
    )


def states(session: Session) -> dict[tuple[str, str], tuple[int, dict[str, int]]]:
    session.expire_all()
    return {(i.batch_id, i.reason): (i.open_rows, i.closed) for i in list_issues(session, resource=SHOP)}


def test_issues_open_close_and_stay_as_they_are_when_a_run_is_repeated(session):
    run(session, ["b1"], {("b1", "R"): 5, ("b1", "S"): 1})
    assert states(session) == {("b1", "R"): (5, {}), ("b1", "S"): (1, {})}
    assert concerned_batches(session, SHOP, ["b2"]) == {"b1", "b2"}
    for _ in range(2):
        run(
            session, ["b2"], {("b1", "R"): 2, ("b1", "S"): 1, ("b2", "R"): 1},
            ("b1", "R", "mended", "b2", 2), ("b1", "R", "sent_again", "b2", 1),
        )  # fmt: skip
        assert states(session) == {
            ("b1", "R"): (2, {"mended": 2, "sent_again": 1}), ("b1", "S"): (1, {}), ("b2", "R"): (1, {}),
        }  # fmt: skip
    assert len(session.scalars(select(IssueClosing)).all()) == 2


def test_a_replay_closes_what_it_frees_and_opens_what_comes_back(session):
    run(session, ["b1"], {("b1", "R"): 5})
    run(session, ["b1"], {("b1", "R"): 2}, under="d2")
    assert states(session)["b1", "R"] == (2, {"replayed": 3})
    run(session, ["b1"], {("b1", "R"): 2}, under="d2")
    assert states(session)["b1", "R"] == (2, {"replayed": 3})
    run(session, ["b1"], {("b1", "R"): 4})
    assert states(session)["b1", "R"] == (4, {"replayed": 3})
    run(session, ["b1"], {})
    assert states(session)["b1", "R"] == (0, {"replayed": 7})


def test_a_batch_replayed_with_other_closings_takes_the_old_ones_back(session):
    run(session, ["b1"], {("b1", "R"): 3})
    run(session, ["b2"], {("b1", "R"): 1}, ("b1", "R", "mended", "b2", 2))
    run(session, ["b2"], {("b1", "R"): 2, ("b2", "R"): 1}, ("b1", "R", "mended", "b2", 1))
    assert states(session)["b1", "R"] == (2, {"mended": 1})


def test_which_batches_were_judged_under_earlier_rules(session):
    run(session, ["b1"], {("b1", "R"): 1}, under="old")
    run(session, ["b2"], {("b1", "R"): 1, ("b2", "R"): 1}, under="new")
    run(session, ["b3"], {("b1", "R"): 1, ("b2", "R"): 1}, under="new")
    assert stale_batches(session, SHOP, "new") == ["b1"]
    assert open_batches(session, SHOP) == ["b1", "b2"]


def test_age_and_time_to_close_are_kept(session):
    run(session, ["b1"], {("b1", "R"): 4})
    long_ago = datetime.now(UTC) - timedelta(days=10)
    session.execute(update(Issue).values(opened_at=long_ago))
    run(session, ["b2"], {("b2", "R"): 1}, ("b1", "R", "mended", "b2", 3), ("b1", "R", "sent_again", "b2", 1))
    session.expire_all()
    found = {i.batch_id: i for i in list_issues(session, resource=SHOP)}
    assert found["b1"].days_to_close == pytest.approx(10, abs=0.1) and found["b1"].closed_rows == 3
    assert found["b2"].opened_at == long_ago
    assert [i.batch_id for i in list_issues(session, departments=["water"])] == []
    assert len(list_issues(session, departments=["transport"])) == 2


def test_what_is_dismissed_does_not_wait_and_stays_dismissed_in_a_replay(session):
    run(session, ["b1"], {("b1", "R"): 4, ("b1", "S"): 1})
    assert dismiss(session, SHOP, "R", by="示范管理员", why="重复的表头", batch_id="b9") == 0
    assert dismiss(session, SHOP, "R", by="示范管理员", why="重复的表头") == 4
    assert dismiss(session, SHOP, "R", by="示范管理员", why="重复的表头") == 0
    assert states(session) == {("b1", "R"): (0, {"dismissed": 4}), ("b1", "S"): (1, {})}
    assert dismissed_places(session, SHOP) == {("b1", "c", "R")}
    run(session, ["b1"], {("b1", "R"): 4, ("b1", "S"): 1})
    assert states(session) == {("b1", "R"): (0, {"dismissed": 4}), ("b1", "S"): (1, {})}
    run(session, ["b1"], {("b1", "R"): 6, ("b1", "S"): 1})
    assert states(session)["b1", "R"] == (2, {"dismissed": 4}) and dismissed_places(session, SHOP) == set()
    found = next(i for i in list_issues(session, resource=SHOP) if i.reason == "R")
    assert found.closed_rows == 0, "what nobody mends is not counted as mended"
    with pytest.raises(IntegrityError, match="dismissed_by_somebody"), session.begin_nested():
        session.execute(update(IssueClosing).values(decided_by=None))


def test_the_database_refuses_fewer_rows_than_none(session):
    run(session, ["b1"], {("b1", "R"): 1})
    with pytest.raises(IntegrityError, match="open_rows_not_negative"), session.begin_nested():
        session.execute(update(Issue).values(open_rows=-1))
