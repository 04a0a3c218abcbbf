"""The account of a run: what it holds, and every reason that makes it not ok."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.run.account import Rows
from infra.run.faults import Verdict
from infra.run.reader import Reading
from infra.run.summary import SourceReport, Summary, shortcomings, write_summary


def whole() -> Summary:
    """Return a summary of a run in order."""
    return Summary(
        run_id="20260302T000000Z-day-1",
        day=1,
        business_date="2026-03-02",
        started_at=datetime(2026, 3, 2, tzinfo=UTC),
        tables={"bronze.public_security__resident": Rows(100, 90, 7, 3)},
        verdicts={"late_row": Verdict(2, 2)},
        stages={"extract": 4.25},
        shares=[{"share": "population", "schema": "population", "table": "resident_basic", "version": 1, "rows": 90}],
        reading=Reading("population.resident_basic", 90, True),
        dags={"population.resident": "success"},
        proved={"in force": 90},
    )


def test_a_run_in_order_is_ok_and_has_the_promised_keys() -> None:
    told = whole().as_json()
    assert told["ok"] is True
    assert told["shortcomings"] == []
    assert told["tables"] == {
        "bronze.public_security__resident": {"read": 100, "accepted": 90, "set_aside": 7, "rejected": 3}
    }
    assert told["faults"] == {"late_row": {"planted": 2, "found": 2}}
    assert told["stages"] == {"extract": 4.2}
    assert set(told["shares"][0]) == {"share", "schema", "table", "version", "rows"}
    assert told["reader"] == {"table": "population.resident_basic", "rows": 90, "equal": True}


def lose_a_row(summary: Summary) -> None:
    summary.tables["bronze.public_security__resident"] = Rows(100, 90, 7, 2)


def read_nothing(summary: Summary) -> None:
    summary.tables = {"bronze.public_security__resident": Rows()}


def miss_a_fault(summary: Summary) -> None:
    summary.verdicts["late_row"] = Verdict(2, 1, missing=["population.resident 7"])


def raise_a_false_alarm(summary: Summary) -> None:
    summary.verdicts["late_row"] = Verdict(2, 2, false_alarms=["population.resident 9"])


def plant_nothing(summary: Summary) -> None:
    summary.verdicts = {}


def read_something_else(summary: Summary) -> None:
    summary.reading = Reading("population.resident_basic", 90, False, "column name differs in 1 of 90 rows")


def read_not_at_all(summary: Summary) -> None:
    summary.reading = None


def block_a_dag(summary: Summary) -> None:
    summary.dags["population.person"] = "blocked"


def run_no_dag(summary: Summary) -> None:
    summary.dags = {}


def fail_a_task(summary: Summary) -> None:
    summary.failures = ["DAG population.resident, task extract, try 5 failed"]


def lose_a_real_row(summary: Summary) -> None:
    summary.real_data = {"legal_entity.registry": SourceReport(10, 8, 1, 0)}


def lose_rows_between_stages(summary: Summary) -> None:
    summary.lost_rows = ["batch b: extract accepted 3 rows, conform read 2"]


def lose_a_record(summary: Summary) -> None:
    summary.unproved = ["population.resident LOST record 7 newest in b row 3"]


def prove_nothing(summary: Summary) -> None:
    summary.proved = {}


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lose_a_row, "balance"),
        (read_nothing, "no row was read"),
        (miss_a_fault, "2 planted, 1 found"),
        (raise_a_false_alarm, "nothing was planted"),
        (plant_nothing, "no fault was planted"),
        (read_something_else, "column name differs"),
        (read_not_at_all, "no shared table was read back"),
        (block_a_dag, "ended as blocked"),
        (run_no_dag, "no DAG ran"),
        (fail_a_task, "task extract"),
        (lose_a_real_row, "not all accounted for"),
        (lose_rows_between_stages, "conform read 2"),
        (lose_a_record, "LOST record 7"),
        (prove_nothing, "not proved"),
    ],
)
def test_each_shortcoming_alone_makes_it_not_ok(spoil: Callable[[Summary], None], word: str) -> None:
    summary = whole()
    assert shortcomings(summary) == []
    spoil(summary)
    assert summary.as_json()["ok"] is False
    assert any(word in reason for reason in shortcomings(summary)), shortcomings(summary)


def test_it_is_written_whole_and_for_its_owner_only_and_each_run_is_kept(tmp_path: Path) -> None:
    first, second = whole(), whole()
    second.run_id, second.day = "20260303T000000Z-day-2", 2
    write_summary(tmp_path, first)
    path = write_summary(tmp_path, second)
    assert json.loads(path.read_text(encoding="utf-8"))["day"] == 2
    runs = sorted(tmp_path.joinpath("runs").iterdir())
    assert [json.loads(run.read_text(encoding="utf-8"))["day"] for run in runs] == [1, 2]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (path, *runs))
