"""`python -m catalog elements` and what `resources show` tells of elements: for a person in a terminal, and as JSON."""

import json
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.model.elements import ELEMENTS
from catalog.model.settings import CHECKOUT

HEADER = "序号,姓名,身份证号,出生年月日,血型\n"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["elements", *arguments])


def answer(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_elements_are_listed_and_found_by_any_of_their_names():
    everything = answer("list")
    assert len(everything) > 70
    found = answer("list", "--query", "sfzh")
    assert {row["id"] for row in found} >= {"citizen_id"}
    assert len(found) < 5
    row = next(row for row in found if row["id"] == "citizen_id")
    assert (row["format"], row["type"], row["rule"]) == ("an18", "C(18)", "citizen_id")
    assert row["columns"] >= 5
    assert "公民身份号码" in run("list", "--query", "citizen").stdout


def test_an_element_shows_every_contract_and_column_it_touches():
    shown = run("show", "sex_code")
    assert shown.exit_code == 0
    for said in ("GB/T 2261.1", "code list sex", "C(1)", "性别、XB", "touches 4 columns of 4 contracts"):
        assert said in shown.stdout
    (whole,) = answer("show", "sex_code")
    assert {(row["resource"], row["column"]) for row in whole["bindings"]} == {
        ("population.insured_person", "sex_code"),
        ("population.person", "sex_code"),
        ("population.resident", "sex_code"),
        ("population.resident_basic", "sex_code"),
    }


def test_all_versions_are_shown_and_which_one_holds():
    (whole,) = answer("show", "industry_code")
    assert [(v["version"], v["in_force"]) for v in whole["versions"]] == [("1.0.0", False), ("2.0.0", True)]
    assert "not in force" in run("show", "industry_code").stdout


def test_an_unknown_element_is_answered_with_what_to_do():
    missing = run("show", "shoe_size")
    assert missing.exit_code == 2
    assert "no data element 'shoe_size'" in missing.output and "elements list" in missing.output


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_header_of_a_file_becomes_a_block_to_paste(tmp_path: Path, encoding: str):
    path = tmp_path / "名单.csv"
    path.write_bytes(("\n" + HEADER + "1,示范,x,y,z\n").encode(encoding))
    done = run("suggest", str(path))
    assert done.exit_code == 0, done.output
    items = yaml.safe_load(done.stdout)["items"]
    assert {column: item["element"] for column, item in items.items()} == {
        "source_record_number": "source_record_number",
        "person_name": "person_name",
        "citizen_id": "citizen_id",
        "birth_date": "birth_date",
    }
    assert "not placed: 血型" in done.stdout
    assert "1 of 5 headings have no element: 血型" in done.stderr


def test_headings_may_be_given_one_by_one_and_separators_differ(tmp_path: Path):
    found = answer("suggest", "--heading", "身份证号", "--heading", "状态", "--object-class", "licence")
    assert [row["element"] for row in found] == ["citizen_id", "licence_status_code"]
    path = tmp_path / "tabs.txt"
    path.write_text(HEADER.replace(",", "\t"), encoding="utf-8")
    assert [row["heading"] for row in answer("suggest", str(path))] == HEADER.strip().split(",")


def test_the_headings_of_a_workbook_stand_below_its_title(tmp_path: Path):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (["2026年登记名单"], [], HEADER.strip().split(","), ["1", "示范", "x", None, "z"]):
        sheet.append(row)
    workbook.save(tmp_path / "名单.xlsx")
    assert [row["heading"] for row in answer("suggest", str(tmp_path / "名单.xlsx"))] == HEADER.strip().split(",")


@pytest.mark.parametrize(
    "text",
    [
        '[{"姓名": 1, "身份证号": [{"x": 1}]}]',
        '{"code": 0, "data": {"total": 1, "rows": [{"姓名": 1, "身份证号": 2}]}}',
        '\n{"姓名": 1, "身份证号": [{"x": 1}]}\n{"姓名": 2}\n',
        '{"姓名": 1, "身份证号": 2}',
    ],
    ids=["list", "wrapped", "lines", "one"],
)
def test_the_names_of_a_first_json_record_are_headings(tmp_path: Path, text: str):
    (tmp_path / "records.json").write_text(text, encoding="utf-8")
    assert [row["heading"] for row in answer("suggest", str(tmp_path / "records.json"))] == ["姓名", "身份证号"]


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        (None, [], "no file"),
        (b"", [], "no row with headings"),
        (b"\xd0\xcf\x11\xe0\0\0", [], "no workbook"),
        (b"PK\x03\x04", [], "no workbook"),
        (b"{cut", [], "no JSON"),
        (b"[1, 2]", [], "no row with headings"),
        (b"\0\0", [], "no text in"),
        ("姓名\n".encode("gb18030"), ["--encoding", "utf-8"], "no text in utf-8"),
        ("姓名\n".encode(), ["--encoding", "klingon"], "no text in klingon"),
    ],
)
def test_files_that_are_no_csv_are_answered_with_what_to_do(
    tmp_path: Path, content: bytes | None, arguments: list[str], said: str
):
    path = tmp_path / "list.csv"
    if content is not None:
        path.write_bytes(content)
    done = run("suggest", str(path), *arguments)
    assert done.exit_code == 2
    assert said in done.output and "--heading" in done.output


def test_nothing_asked_is_answered_with_an_example():
    done = run("suggest")
    assert done.exit_code == 2 and "--heading" in done.output


def test_duplicate_collection_is_listed_and_shown_with_the_source():
    rows = answer("duplicates")
    assert {"source": "population.insured_person", "column": "sex_code", "department": "human_resources",
            "element": "sex_code", "name": "性别代码", "authority": "public_security",
            "use": ["population.resident"]} in rows  # fmt: skip
    assert "重复采集" in run("duplicates").stdout
    shown = CliRunner().invoke(app, ["resources", "show", "population.insured_person"])
    assert "DUPLICATE_COLLECTION: population.insured_person.sex_code" in shown.stdout


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("population.resident_basic", {"person_id": "C(24)", "citizen_id": "C(18)", "birth_date": "D(8)",
                                       "is_insured": "L(1)", "sex_code": "C(1)"}),
        ("legal_entity.entity_basic", {"uscc": "C(18)", "industry_code": "C(5)", "established_date": "D(8)"}),
        ("licence.valid_licence", {"licence_id": "C(128)", "holder_kind_code": "C(3)", "issued_date": "D(8)"}),
    ],
)  # fmt: skip
def test_a_shared_table_shows_type_and_length_of_every_column(resource: str, expected: dict[str, str]):
    done = CliRunner().invoke(app, ["resources", "show", resource, "--json"])
    (shown,) = json.loads(done.stdout)
    types = shown["exchangeTypes"]
    assert list(types) == [p["name"] for p in shown["schema"][0]["properties"]]
    assert {column: types[column] for column in expected} == expected
    table = CliRunner().invoke(app, ["resources", "show", resource]).stdout
    assert all(kind in table for kind in expected.values())


def test_changes_name_key_and_every_column_touched(tmp_path: Path):
    for path in ELEMENTS.glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text.replace("format: n2", "format: n3"), encoding="utf-8")
    assert answer("changes", str(tmp_path)) == [
        {
            "element": "ethnic_group_code",
            "key": "format",
            "before": "n3",
            "after": "n2",
            "columns": [
                "population.person.ethnic_group_code",
                "population.resident.ethnic_group_code",
                "population.resident_basic.ethnic_group_code",
            ],
        }
    ]
    (tmp_path / "place.yml").unlink()
    came = [row for row in answer("changes", str(tmp_path)) if row["key"] == "element"]
    assert {row["element"]: (row["before"], row["after"]) for row in came}["division_code"] == (None, "1.0.0")


def test_changes_since_a_commit_are_those_since_its_files(tmp_path: Path):
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False)
        return done.stdout

    names = [
        name for name in git("ls-tree", "--name-only", "HEAD", "catalog/elements/").split() if name.endswith("yml")
    ]
    if not names:
        pytest.skip("not a git checkout")
    for name in names:
        (tmp_path / Path(name).name).write_text(git("show", f"HEAD:{name}"), encoding="utf-8")
    assert answer("changes", "HEAD") == answer("changes", str(tmp_path))
    assert run("changes", "HEAD").exit_code == 0


@pytest.mark.parametrize("nowhere", ["no-such-commit", "--output=x", "HEAD:catalog"])
def test_what_is_no_commit_is_answered_with_what_to_do(nowhere: str):
    missing = run("changes", "--", nowhere)
    assert missing.exit_code == 2 and "neither a folder nor a commit" in missing.output
