"""Code lists, departments and contracts that the demonstration rests on."""

import csv
import difflib

import pytest

from catalog.model.codes import CODES, load_code_list
from catalog.model.contract import Contract
from catalog.model.ids.uscc import explain_uscc
from catalog.model.registry import RESOURCES, Registry
from catalog.model.source import FeedSource, FileSource, RestSource, WatermarkSource
from infra.demonstration.departments import load_departments
from infra.demonstration.division_list import DIVISION_CSV, mapped_by_hand, render
from infra.demonstration.insurance import EMPLOYER_COLUMNS, PERSON_COLUMNS
from infra.demonstration.licence_kinds import KINDS
from infra.demonstration.lists import LISTS
from infra.demonstration.market import COLUMNS
from infra.demonstration.population import RESIDENT_COLUMNS

SOURCES = [c for c in Registry(RESOURCES).all("silver") if c.government.demonstration]


@pytest.mark.parametrize("name", sorted(path.stem for path in CODES.glob("*.csv")))
def test_every_code_list_loads(name: str):
    codes = load_code_list(name)
    assert codes.canonical_codes
    assert all(code.name for code in codes.codes)


def test_division_list_is_what_stdnum_says():
    written, derived = DIVISION_CSV.read_text(encoding="utf-8").splitlines(), (render() + mapped_by_hand()).splitlines()
    assert len(derived) > 6000
    difference = list(difflib.unified_diff(written, derived, "division.csv", "python-stdnum", lineterm="", n=0))
    assert not difference, "\n".join(difference[:40])


def test_division_successors_exist_and_lead_somewhere():
    with DIVISION_CSV.open(encoding="utf-8") as file:
        successors = {row["code"]: row["successor"] for row in csv.DictReader(file)}
    ended = {code for code, successor in successors.items() if successor}
    assert len(ended) > 2000
    for code in ended:
        seen = {code}
        while successors[code]:
            code = successors[code]
            assert code not in seen
            seen.add(code)
    assert successors["510122"] == "510116"


def test_standard_lists_are_whole():
    assert {f"{n:02}" for n in range(1, 57)} <= load_code_list("ethnic_group").canonical_codes
    industry = load_code_list("industry").canonical_codes
    levels = {length: {code for code in industry if len(code) == length} for length in (1, 2, 3, 4)}
    assert levels[1] | levels[2] == set("ABCDEFGHIJKLMNOPQRST") | {f"{n:02}" for n in range(1, 98)}
    assert {length: len(codes) for length, codes in levels.items()} == {1: 20, 2: 97, 3: 473, 4: 1381}
    assert all(code[:-1] in industry for code in levels[3] | levels[4])
    assert load_code_list("sex").canonical_codes == {"0", "1", "2", "9"}


def test_departments_have_valid_codes_of_their_own():
    departments = load_departments()
    assert {c.government.department for c in Registry(RESOURCES).all()} <= set(departments)
    codes = [department.uscc for department in departments.values()]
    assert len(codes) == len(set(codes)) >= 10
    assert not any(explain_uscc(code) for code in codes)
    assert [d.id for d in departments.values() if d.role == "host"] == ["data_administration"]


def test_licence_types_are_those_of_the_departments():
    assert {kind.type_code for kind in KINDS} == load_code_list("licence_type").canonical_codes


def test_there_are_ten_sources():
    assert len([c for c in SOURCES if c.government.source is not None]) >= 10


def delivered_columns(contract: Contract) -> list[str] | None:
    """Return what the demonstration department sends for ``contract``, in its order."""
    source = contract.source
    if isinstance(source, FeedSource):
        return RESIDENT_COLUMNS if source.table == "resident_feed" else None
    if isinstance(source, WatermarkSource):
        return COLUMNS[source.table]
    if isinstance(source, RestSource):
        assert source.path.removeprefix("/v1/") in LISTS
        return PERSON_COLUMNS if source.path.endswith("persons") else EMPLOYER_COLUMNS
    assert isinstance(source, FileSource)
    kind = next((kind for kind in KINDS if kind.resource == contract.id), None)
    return list(kind.header.values()) if kind else None


@pytest.mark.parametrize("contract", SOURCES, ids=lambda contract: contract.id)
def test_each_contract_names_every_column_that_is_sent(contract: Contract):
    sent = delivered_columns(contract)
    if sent is None:
        assert contract.id in ("population.household",)
        return
    positions = []
    for column in contract.columns:
        names = [column, *contract.item(column).source_names]
        found = [sent.index(name) for name in names if name in sent]
        assert found, f"{contract.id}: nothing sent fits column {column}"
        positions.append(found[0])
    unread = set(range(len(sent))) - set(positions)
    assert {sent[i] for i in unread} <= {"updated_at", "changed_at"}
    if isinstance(contract.source, FileSource):
        assert positions == sorted(positions), "the contract's order must be the file's, or every file is reordered"
