"""One library, whatever the road to it: day by day or at once, in any order of rows, in any number of parts."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from catalog.control.session import session_scope
from catalog.control.tables import CorrectionCase
from catalog.model.layers import table_of
from catalog.model.registry import get_registry
from jobs.conform.tables import silver_columns
from jobs.reconcile import stage
from jobs.reconcile.as_of import digest, library_as_of
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from jobs.runtime import spark as sessions
from tests.stages.reconcile.library_rows import forget, instant, silver_row, write

pytestmark = pytest.mark.long

PERSON, INPUTS = "population.person", ("population.resident", "population.insured_person")
DAYS, PEOPLE = 10, 24


def said(day, number):
    """Return what both sources say of one person on one day: moved, renamed by one of them, gone and back again."""
    key = f"5101071980{number:08d}"
    common = {"citizen_id": key, "sex_code": "1", "_source_at": instant(day)}
    name = f"示范{number}" if number % 5 or day < 4 else f"示范{number}改"
    one = {
        "name": name,
        "record_no": number,
        "division_code": f"51010{1 + (number + day) % 4}",
        "_batch_id": f"ps{day}",
    }
    two = {"name": f"示范{number}", "record_no": 1000 + number, "insurance_status_code": "1", "_batch_id": f"hr{day}"}
    return (
        silver_row(**common, **one, _is_deleted=number % 7 == 0 and 3 <= day < 8),
        silver_row(**common, **two, _is_deleted=number % 11 == 0 and day > 5),
    )


def arrivals(day):
    """Return the rows of one day: everybody on the first, then a third of them each day."""
    numbers = [n for n in range(1, PEOPLE + 1) if day == 1 or (n + day) % 3 == 0]
    pairs = [said(day, number) for number in numbers]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs if pair[1]["record_no"] % 2 == day % 2 or day == 1]


def living(spark):
    return delta.read(spark, table_of(get_registry().get(PERSON))).where("NOT _is_deleted")


def waiting_cases():
    with session_scope() as session:
        found = session.query(CorrectionCase).where(CorrectionCase.resource == PERSON, CorrectionCase.state != "closed")
        return {(case.row_key, case.column_name) for case in found}


@pytest.fixture(scope="module")
def ten_days(spark, stack, tmp_path_factory):
    """The library after ten days of reconciling each day's changes; its digest and open cases."""
    lake = tmp_path_factory.mktemp("ten_days")
    stack.lake_uri = f"file:{lake}"
    forget(PERSON)
    for day in range(1, DAYS + 1):
        stack.business_date = date(2026, 3, day)
        for resource, rows in zip(INPUTS, arrivals(day), strict=True):
            write(spark, resource, rows)
        reconcile(PERSON)
    found = digest(get_registry().get(PERSON), living(spark))
    assert 0 < found[0] <= PEOPLE
    assert waiting_cases()
    return lake, found, waiting_cases()


def test_day_by_day_equals_the_statements_built_again(ten_days, spark):
    _, expected, _ = ten_days
    contract = get_registry().get(PERSON)
    assert digest(contract, library_as_of(spark, contract)) == expected


def test_at_once_equals_day_by_day(ten_days, spark, stack, tmp_path):
    lake, expected, cases = ten_days
    shutil.copytree(Path(lake, "silver"), tmp_path / "silver")
    stack.lake_uri = f"file:{tmp_path}"
    forget(PERSON)
    reconcile(PERSON)
    assert digest(get_registry().get(PERSON), living(spark)) == expected
    assert waiting_cases() == cases


def test_shuffled_rows_in_other_parts_give_the_same(ten_days, spark, stack, tmp_path, monkeypatch):
    lake, expected, _ = ten_days
    for resource in INPUTS:
        contract = get_registry().get(resource)
        rows = delta.read(spark, table_of(contract, f"file:{lake}")).orderBy(F.rand(7)).repartition(5)
        delta.ensure(spark, table_of(contract, f"file:{tmp_path}"), silver_columns(contract))
        rows.writeTo(table_of(contract, f"file:{tmp_path}").sql).append()
    monkeypatch.setitem(sessions.SMALL_BATCH, "spark.sql.shuffle.partitions", "7")
    stack.lake_uri = f"file:{tmp_path}"
    forget(PERSON)
    reconcile(PERSON)
    assert digest(get_registry().get(PERSON), living(spark)) == expected


def test_deliveries_cut_otherwise_give_the_same_on_the_road_of_large_libraries_too(
    ten_days, spark, stack, tmp_path, monkeypatch
):
    _, expected, cases = ten_days
    monkeypatch.setattr(stage, "COMPILING_SCANS_PAYS", 0)
    stack.lake_uri = f"file:{tmp_path}"
    forget(PERSON)
    for first, last in ((1, 2), (3, 7), (8, DAYS)):
        stack.business_date = date(2026, 3, last)
        for resource, place in zip(INPUTS, (0, 1), strict=True):
            newest = {row["citizen_id"]: row for day in range(first, last + 1) for row in arrivals(day)[place]}
            rows = [{**row, "_batch_id": f"{last}-{n % 3}"} for n, row in enumerate(newest.values())]
            write(spark, resource, list(reversed(rows)))
        reconcile(PERSON)
    assert digest(get_registry().get(PERSON), living(spark)) == expected
    assert waiting_cases() == cases
