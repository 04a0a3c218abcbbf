"""What was accepted stands, and nothing else is in force: replays that fail, runs that died, batches nobody ends."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.extract.register import Register, ReplayHeldError
from tests.stages.extract.shop_contract import file_source
from tests.stages.extract.test_extract_rest_stage import declared, interface, item  # noqa: F401

HEADER = "统一社会信用代码,店铺名称,开业日期\n"


class Died(BaseException):
    """The process was killed."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch, department: Any):
    """Extract, killed when the rows are in bronze and before the batch is accepted."""

    def die(*_: object, **__: object) -> None:
        raise Died

    def run() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Register, "accept", die)
            with pytest.raises(Died):
                department.extract()

    return run


def test_a_replay_that_would_be_held_leaves_what_was_accepted(department):
    source = file_source(pattern="*.csv")
    department.declare("shop_stands", source)
    department.drop("01.csv", f"{HEADER}1,店,2024-01-01\n".encode())
    department.extract()
    [accepted] = department.batches()
    received = {row["_received_at"] for row in department.bronze()}
    department.declare("shop_stands", source, opened_date={"from": ["成立日期"]})

    with pytest.raises(ReplayHeldError, match=r"accepted before and stays so.*COLUMN_MISSING"):
        department.extract(accepted.batch_id)

    [batch] = department.batches()
    assert (batch.status, batch.reason_code, batch.manifest) == ("accepted", None, accepted.manifest)
    assert department.ledger() == {batch.batch_id: (1, 1, 0)}
    [found] = department.findings("REPLAY_HELD")
    assert found.detail["held_for"] == "COLUMN_MISSING" and found.detail["remedy"]
    assert not department.findings("COLUMN_MISSING")

    department.declare("shop_stands", source)
    department.extract(accepted.batch_id)
    department.assert_balanced()
    assert {row["_received_at"] for row in department.bronze()} == received, "it came when it came"


def test_a_file_that_went_away_with_its_run_is_ended_and_can_be_taken_from_landing(department, dying):
    department.declare("shop_gone", file_source(pattern="*.csv"))
    file = department.drop("01.csv", f"{HEADER}1,店,2024-01-01\n".encode())
    dying()
    file.unlink()
    department.extract()

    [ended] = department.batches()
    assert (ended.status, ended.reason_code) == ("held", "BATCH_ABANDONED")
    assert "--batch" in ended.manifest["remedy"]
    assert department.bronze() == []
    department.extract(ended.batch_id)
    assert [row["_row_id"] for row in department.bronze()] == [2]
    department.assert_balanced()


def test_rows_of_a_list_that_a_killed_run_left_behind_are_brought_by_the_next(department, interface, dying):  # noqa: F811
    declared(department, "rest_killed")
    interface.items = [item(n) for n in range(5)]
    department.extract()
    interface.items = [item(n) for n in range(8)]
    dying()
    interface.items.append(item(8))
    department.extract()

    assert sorted(int(row["record_no"]) for row in department.bronze()) == list(range(9))
    assert [(b.status, b.reason_code) for b in department.batches("held")] == [("held", "BATCH_ABANDONED")]
    assert not department.batches("received")
    department.assert_balanced()
