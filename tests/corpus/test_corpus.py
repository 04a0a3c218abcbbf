"""Every class of bad input meets its verdict, and no record of it is lost on the way."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus import (
    csv_cases,
    encoding_cases,
    file_cases,
    json_cases,
    old_workbook_cases,
    value_cases,
    workbook_cases,
)
from tests.corpus.case import GROUPS, Case
from tests.corpus.reading import NAME, take_in

CASES = [
    case
    for module in (file_cases, encoding_cases, csv_cases, json_cases, workbook_cases, old_workbook_cases)
    for case in module.CASES
]
COLUMNS = ("uscc", "shop_name", "opened_date")


def test_the_corpus_has_its_classes():
    classes = Counter(case.group for case in CASES) + Counter(value=len(value_cases.CASES))
    names = [case.id for case in CASES] + [case.id for case in value_cases.CASES]
    assert len(names) == len(set(names)) >= 120
    assert len({case.content + repr((case.source, case.receipt)).encode() for case in CASES}) == len(CASES)
    assert set(classes) == set(GROUPS)
    assert min(classes.values()) >= 30
    assert sum(bool(case.held) for case in CASES) >= 60


@pytest.mark.parametrize("case", [c for c in CASES if not c.held], ids=lambda case: case.id)
def test_a_readable_delivery_is_admitted_row_by_row(case: Case, tmp_path: Path):
    outcome = take_in(case, tmp_path)
    assert outcome.held is None, outcome.held
    assert [tuple(row[c] for c in COLUMNS) for row in outcome.rows] == list(case.rows)
    assert {rejection.row_number: rejection.code for rejection in outcome.rejected} == case.rejected
    assert outcome.notes == case.notes
    assert outcome.read == len(outcome.rows) + len(outcome.rejected) == case.records > 0
    numbers = [(row["_source_file"], row["_row_number"]) for row in outcome.rows]
    numbers += [("", rejection.row_number) for rejection in outcome.rejected]
    assert len(set(numbers)) == case.records


@pytest.mark.parametrize("case", [c for c in CASES if c.held], ids=lambda case: case.id)
def test_a_broken_delivery_is_held_and_says_why(case: Case, tmp_path: Path):
    held = take_in(case, tmp_path).held
    assert held is not None, "it was admitted"
    assert held.code == case.held, held
    message = str(held)
    assert [word for word in case.words if word not in message] == [], message
    assert held.rows == case.records, "rows counted with the file"
    assert NAME in held.place, "a refusal names its file"
    assert held.remedy, "a refusal says what to do"


@pytest.mark.parametrize("case", [c for c in CASES if c.held and c.group != "file"], ids=lambda case: case.id)
def test_a_refusal_says_where_in_the_file(case: Case, tmp_path: Path):
    held = take_in(case, tmp_path).held
    assert held is not None
    inside = re.search(r"(line|row|rows|record|column|offset|sheet|cells) [\w'(]+", f"{held.message} {held.place}")
    assert inside or re.search(r"the (file|document|object)\b|every byte|levels deep", held.message), str(held)


def test_a_rejected_row_says_which_column_or_how_many_cells(tmp_path: Path):
    named = {"ROW_RAGGED", "NAME_REPEATED", "NUMBER_NOT_FINITE", "NESTED_TOO_DEEP", "CELL_WITHOUT_VALUE"}
    seen = set()
    for case in [case for case in CASES if named & set(case.rejected.values())]:
        folder = tmp_path / case.id
        folder.mkdir()
        for rejection in take_in(case, folder).rejected:
            if rejection.code in named:
                seen.add(rejection.code)
                place = r"\d+ (cells|columns)|not an object|店铺名称|[A-Z]+\d+ holds"
                assert re.search(place, rejection.detail), (case.id, rejection)
    assert seen == named
