"""A recipient's table against the gold table: order and library do not matter, one wrong cell does."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from infra.run.reader import compare

GOLD = pd.DataFrame(
    {
        "citizen_id": ["b", "a", "c"],
        "birth_date": [date(1990, 1, 1), None, date(2001, 12, 31)],
        "amount": [Decimal("1.50"), Decimal("2"), None],
        "changed_at": [datetime(2026, 3, 2, tzinfo=UTC)] * 3,
        "flags": [np.array(["X"], dtype=object), np.array([], dtype=object), None],
        "count": [1, 2, 3],
    }
)


def test_equal_whatever_the_order_of_rows_and_columns() -> None:
    received = GOLD.iloc[[2, 0, 1]][sorted(GOLD.columns, reverse=True)].reset_index(drop=True)
    reading = compare(received, GOLD, ["citizen_id"], "population.resident_basic")
    assert (reading.rows, reading.equal, reading.difference) == (3, True, "")


def test_equal_when_libraries_differ_in_how_they_hold_a_value() -> None:
    received = GOLD.assign(
        amount=[Decimal("1.5000"), Decimal("2.0000"), None],
        changed_at=pd.to_datetime(["2026-03-02T08:00:00+08:00"] * 3),
        flags=[["X"], [], None],
        birth_date=[date(1990, 1, 1), pd.NaT, date(2001, 12, 31)],
    )
    assert compare(received, GOLD, ["citizen_id"], "t").equal


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("birth_date", [date(1990, 1, 2), None, date(2001, 12, 31)]),
        ("birth_date", [date(1990, 1, 1), date(1990, 1, 1), date(2001, 12, 31)]),
        ("amount", [Decimal("1.51"), Decimal("2"), None]),
        ("count", [1, 2, 4]),
        ("citizen_id", ["b", "a", "d"]),
        ("flags", [["Y"], [], None]),
        ("flags", [["X"], None, None]),
    ],
)
def test_one_other_cell_is_a_difference(column: str, values: list[Any]) -> None:
    reading = compare(GOLD.assign(**{column: values}), GOLD, ["citizen_id"], "t")
    assert not reading.equal
    assert reading.difference == f"column {column} differs in 1 of 3 rows"


def test_a_missing_row_a_missing_column_and_an_empty_table_are_differences() -> None:
    assert "2 rows received" in compare(GOLD.iloc[:2], GOLD, ["citizen_id"], "t").difference
    assert "columns" in compare(GOLD.drop(columns="count"), GOLD, ["citizen_id"], "t").difference
    assert compare(GOLD.iloc[:0], GOLD.iloc[:0], ["citizen_id"], "t").equal is False
