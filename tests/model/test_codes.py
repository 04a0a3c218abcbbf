"""Code lists: which code stands on which day, what is nearest, and which lists are refused with their line."""

from datetime import date
from pathlib import Path

import pytest

from catalog.model.codes import CODES, HEADER, code_list_names, load_code_list
from catalog.model.errors import ContractError

TODAY = date(2026, 3, 1)
CONTRADICTIONS = {
    "another header": ("code,name\n1,甲\n", "header is"),
    "too few fields": ("1,甲,,,canonical\n", "not 6 fields"),
    "kind nobody knows": ("1,甲,,,maybe,\n", "kind 'maybe' is unknown"),
    "fixable to nowhere": ("1,甲,,,canonical,\nx,乙,,,fixable,2\n", "successor '2' of 'x' is not canonical"),
    "canonical to nowhere": ("1,甲,,2020-12-31,canonical,2\n", "successor '2' of '1' is not canonical"),
    "twice from one day": ("1,甲,,,canonical,\n1,乙,,,canonical,\n", "stands twice from the same day"),
    "two kinds": ("1,甲,,,canonical,\n1,甲,2020-01-01,,ignored,\n", "is canonical and ignored"),
    "no day": ("1,甲,2020,,canonical,\n", "not ISO 8601"),
    "ends before it begins": ("1,甲,2020-01-01,2019-01-01,canonical,\n", "ends before it begins"),
    "successors in a circle": (
        "1,甲,,2000-12-31,canonical,2\n2,乙,,2001-12-31,canonical,1\n",
        "the successors of '1' lead back to it",
    ),
}


def write(folder: Path, text: str, name: str = "trial") -> Path:
    path = folder / f"{name}.csv"
    path.write_text(text if text.startswith("code,") else ",".join(HEADER) + "\n" + text, encoding="utf-8")
    return path


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_list_that_contradicts_itself_is_refused_with_its_place(tmp_path: Path, case: str):
    text, problem = CONTRADICTIONS[case]
    path = write(tmp_path, text)
    with pytest.raises(ContractError, match=problem.replace("(", r"\(")) as refusal:
        load_code_list("trial", tmp_path)
    assert str(path) in refusal.value.place and refusal.value.remedy


def test_every_list_of_the_project_is_sound():
    names = code_list_names()
    assert {"division", "industry", "industry_2011", "sex"} <= set(names)
    assert all(load_code_list(name).canonical_codes for name in names)
    assert all((CODES / f"{name}.csv").read_bytes().endswith(b"\n") for name in names)


def test_a_code_given_out_again_stands_in_both_times_and_not_between(tmp_path: Path):
    write(tmp_path, "1,甲,,1990-12-31,canonical,\n1,乙,2000-01-01,,canonical,\n2,丙,,2010-12-31,canonical,1\n")
    codes = load_code_list("trial", tmp_path)
    assert [line.name for line in codes.lines_of("1")] == ["甲", "乙"]
    assert codes.canonical_on("1", date(1990, 12, 31)) == "1"
    assert codes.canonical_on("1", date(1995, 1, 1)) is None
    assert codes.canonical_on("1", date(2000, 1, 1)) == "1"
    assert codes.canonical_on("2", date(2010, 12, 31)) == "2"
    assert codes.canonical_on("2", date(2011, 1, 1)) == "1"
    assert codes.retired == {"2": date(2010, 12, 31)}


def test_successors_are_followed_as_far_as_the_day_asks():
    division = load_code_list("division")
    found = {year: division.canonical_on("512428", date(year, 6, 1)) for year in (1984, 1990, 1999, 2026)}
    assert found == {1984: "512428", 1990: "511022", 1999: "513922", 2026: "512022"}
    assert division.canonical_on("110103", TODAY) == "110101"
    assert division.canonical_on("nowhere", TODAY) is None


def test_most_retired_divisions_lead_to_one_in_force():
    division = load_code_list("division")
    led = {code for code in division.retired if division.canonical_on(code, TODAY)}
    assert len(division.retired) > 3000
    assert len(led) / len(division.retired) > 0.75


def test_nearest_codes_are_canonical_and_the_likeliest_come_first():
    status = load_code_list("entity_status")
    near = [code.code for code in status.nearest("已注销")]
    assert near and near[0] == "3"
    assert set(near) <= status.canonical_codes
    assert load_code_list("sex").nearest("@@@@") == []


NON_STANDARD_ETHNIC = {
    "98": "canonical", "99": "ignored",
    "9A": None, "9B": None, "9C": None, "9D": None, "9E": None, "9F": None,
}  # fmt: skip


def test_ethnic_codes_outside_the_standard_are_told_apart():
    codes = load_code_list("ethnic_group")
    standard = {f"{n:02}" for n in range(1, 57)}
    assert standard <= codes.canonical_codes
    assert codes.canonical_codes - standard == {"97", "98"}, "what registers use beside the standard, and no more"
    verdicts = {code: next((line.kind for line in codes.lines_of(code)), None) for code in NON_STANDARD_ETHNIC}
    assert verdicts == NON_STANDARD_ETHNIC
