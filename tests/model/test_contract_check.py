"""Contracts judged before they run: each planted error is told with line, key and remedy, in plain words."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.model.contract import Contract
from catalog.model.contract_words import FORMS
from catalog.model.registry import RESOURCES

SOURCE = RESOURCES / "licence" / "road_transport.yml"
LIBRARY = RESOURCES / "population" / "person.yml"
SHARED = RESOURCES / "population" / "resident_basic.yml"
LIBRARIES_WORDS = re.compile(r"pydantic|yaml\.|Input should|Field required|Extra inputs|validation error|Value error")


def ask(*files: Path) -> tuple[int, list[dict], str]:
    """Return exit code, problems and what a person is told of some files."""
    told = CliRunner().invoke(app, ["contract", "check", *map(str, files)])
    answer = CliRunner().invoke(app, ["contract", "check", *map(str, files), "--json"])
    assert told.exit_code == answer.exit_code
    assert not LIBRARIES_WORDS.search(told.output), told.output
    return answer.exit_code, json.loads(answer.stdout), told.output


def planted(folder: Path, pattern: Path, before: str, after: str, mark: str | None = None) -> tuple[Path, int]:
    """Write a contract with one thing changed, under an id of its own, and return its file and the line."""
    text = pattern.read_text(encoding="utf-8")
    assert before in text, "the change finds its place"
    name = f"{pattern.stem}_planted"
    text = text.replace(before, after, 1)
    text = re.sub(rf"(?m)^id: {pattern.parent.name}\.{pattern.stem}$", f"id: {pattern.parent.name}.{name}", text)
    text = re.sub(rf"(?m)^name: {pattern.stem}$", f"name: {name}", text)
    text = re.sub(rf"(?m)^(\s+- name: ){pattern.stem}$", rf"\g<1>{name}", text)
    path = folder / pattern.parent.name / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    sought = mark or after.splitlines()[-1]
    return path, text[: text.index(sought)].count("\n") + 1 + sought.count("\n")


def test_what_the_catalogue_has_is_good():
    code, problems, told = ask()
    assert (code, problems) == (0, [])
    assert re.search(r"^\d\d+ contracts checked; all can be used\.$", told.strip())


CASES = {
    "unknown key": (SOURCE, "version: 1.0.0", "versoin: 1.0.0", "versoin", "did you mean version?"),
    "misspelt layer": (SOURCE, "layer: silver", "layer: sliver", "government.layer", "did you mean silver?"),
    "unknown department": (
        SOURCE, "department: transport", "department: transprt", "government.department", "did you mean transport?",
    ),
    "unknown server": (
        SOURCE, "    server: transport", "    server: trnsport", "government.source.server", "did you mean transport?",
    ),
    "no time of cron": (
        SOURCE, 'schedule: "30 6 * * *"', 'schedule: "30 26 * * *"', "government.schedule", "five fields",
    ),
    "unknown kind": (SOURCE, "    kind: file", "    kind: flie", "government.source.kind", "did you mean file?"),
    "unknown input": (
        SHARED, "input: population.person", "input: population.persn", "government.curate.input",
        "did you mean population.person?",
    ),
    "form of a version": (SOURCE, "version: 1.0.0", "version: one", "version", "three numbers with points"),
    "form of a code": (SOURCE, "resource_code: ", "resource_code: X", "government.resource_code", "such as 301001/1"),
    "text where a block stands": (
        SOURCE, "description:\n", "description: x\nusage_:\n", "description", "a block of keys",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_planted_error_is_told_with_file_line_key_and_remedy(tmp_path, case):
    pattern, before, after, key, remedy = CASES[case]
    path, line = planted(tmp_path, pattern, before, after, after.splitlines()[0])
    code, problems, told = ask(path)
    assert code == 1
    [found] = [problem for problem in problems if problem["key"] == key]
    assert (found["file"], found["line"]) == (str(path), line), told
    assert remedy in found["remedy"], told
    assert f"{path}:{line}: {key}" in told


def in_item(folder: Path, item: str) -> tuple[Path, int]:
    """Write a contract with one item replaced, and return its file and the item's line."""
    text = SOURCE.read_text(encoding="utf-8")
    before = next(line for line in text.splitlines() if re.match(r"\s+holder_name: \{", line))
    return planted(folder, SOURCE, before, f"    {item}")


@pytest.mark.parametrize(
    ("item", "key", "remedy"),
    [
        ("holder_name: {elment: holder_name}", "elment", "did you mean element?"),
        ("holder_name: {element: holder_nam}", "element", "did you mean holder_name?"),
        ("holder_name: {standard: nmae}", "standard", "did you mean name?"),
        ("holder_name: {standard: code, code_list: entity_staus}", "code_list", "did you mean entity_status?"),
        ("holder_name: {standard: code}", "standard", "write both, or neither"),
        ("holder_name: {agrees_with: nobody}", "agrees_with", "one of "),
        ("holder_name: {on_failure: flagg}", "on_failure", "did you mean flag?"),
        ("holder_name: {optional: perhaps}", "optional", "true or false"),
    ],
)
def test_an_item_is_judged_key_by_key(tmp_path, item, key, remedy):
    path, line = in_item(tmp_path, item)
    code, problems, told = ask(path)
    assert code == 1
    [found] = [problem for problem in problems if problem["key"] == f"government.items.holder_name.{key}"]
    assert found["line"] == line and remedy in found["remedy"], told


def test_an_item_without_a_column_and_a_key_without_one_are_told(tmp_path):
    path, line = in_item(tmp_path, "holder_nmae: {element: holder_name}")
    _, problems, told = ask(path)
    [found] = [problem for problem in problems if problem["key"] == "government.items.holder_nmae"]
    assert found["line"] == line and found["remedy"] == "did you mean holder_name?", told
    text = SOURCE.read_text(encoding="utf-8")
    before = next(each for each in text.splitlines() if re.match(r"\s+key: \[", each))
    path, line = planted(tmp_path / "again", SOURCE, before, "    key: [licence_numbr]")
    _, problems, told = ask(path)
    [found] = problems
    assert (found["key"], found["line"]) == ("government.source.key[1]", line)
    assert "unknown column licence_numbr" in found["message"]


def test_an_unknown_classification_is_told_with_those_there_are(tmp_path):
    text = SOURCE.read_text(encoding="utf-8")
    before = next(each for each in text.splitlines() if "name: holder_name" in each)
    path, line = planted(tmp_path, SOURCE, before, before.replace("}", ", classification: secret}"))
    _, problems, _ = ask(path)
    [found] = [problem for problem in problems if problem["key"].endswith(".classification") and problem["allowed"]]
    assert found["line"] == line and set(found["allowed"]) == {"public", "internal", "sensitive", "personal"}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("version: 1.0.0\n", "version: 1.0.0\n\tstatus: active\n", "a tab"),
        ("version: 1.0.0\n", "version: 1.0.0: x\n", "a second `key: value`"),
        ("version: 1.0.0\n", "version: 1.0.0\nversion: 1.0.0\n", "stands twice"),
        ("version: 1.0.0\n", "version: [1.0.0\n", "bracket"),
        ("version: 1.0.0\n", "version: *one\n", "anchor"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(tmp_path, before, after, words):
    path, _ = planted(tmp_path, SOURCE, before, after)
    code, problems, told = ask(path)
    assert code == 1 and words in f"{problems[0]['message']} {problems[0]['remedy']}", told
    text = path.read_text(encoding="utf-8")
    planted_on = text[: text.index(after)].count("\n") + 1
    assert planted_on <= problems[0]["line"] <= planted_on + 2 and problems[0]["column"] >= 1, told


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "block of keys"), (b"- a list\n", "block of keys"), ("id: x\nname: 许可\n".encode("gb18030"), "UTF-8")],
)
def test_what_is_no_contract_at_all_is_told(tmp_path, content, words):
    path = tmp_path / "licence" / "nothing.yml"
    path.parent.mkdir()
    path.write_bytes(content)
    code, problems, _ = ask(path)
    assert code == 1 and words in problems[0]["message"]
    assert problems[0]["line"] == (2 if words == "UTF-8" else 1)


def test_all_problems_of_a_file_are_told_at_once(tmp_path):
    path, _ = planted(tmp_path, SOURCE, "layer: silver", "layer: sliver")
    text = path.read_text(encoding="utf-8").replace("department: transport", "department: nobody")
    text = text.replace("required: true", "requird: true").replace("key: [", "key: [strange, ")
    path.write_text(text, encoding="utf-8")
    _, problems, _ = ask(path)
    expected = text.count("requird: true")
    assert expected > 2
    assert sum(problem["key"].endswith(".requird") for problem in problems) == expected
    assert {"government.layer", "government.department", "government.source.key[1]"} <= {p["key"] for p in problems}
    assert [problem["line"] for problem in problems] == sorted(problem["line"] for problem in problems)


def test_a_file_lies_where_its_id_says_and_is_called_so(tmp_path):
    path, _ = planted(tmp_path, SOURCE, "layer: silver", "layer: silver")
    moved = path.with_name("elsewhere.yml")
    path.rename(moved)
    _, problems, _ = ask(moved)
    assert [problem["message"] for problem in problems] == [
        "contract licence.road_transport_planted lies in the wrong place"
    ]
    moved.rename(path.with_suffix(".yaml"))
    _, problems, _ = ask(path.with_suffix(".yaml"))
    assert problems[0]["remedy"] == "call it road_transport_planted.yml"


def test_a_library_that_names_what_is_not_there_or_of_a_wrong_layer_is_told(tmp_path):
    text = LIBRARY.read_text(encoding="utf-8")
    first = re.search(r"population\.resident\b", text[text.index("inputs:") :])
    assert first
    path, _ = planted(tmp_path, LIBRARY, "population.resident", "population.resident_basic")
    _, problems, told = ask(path)
    [found] = [problem for problem in problems if problem["key"] == "government.reconcile.inputs[1]"]
    made = path.read_text(encoding="utf-8")
    assert found["line"] == made[: made.index("population.resident_basic")].count("\n") + 1, told
    assert "cannot be built from" in found["message"] and found["remedy"] == "data flows silver → base → gold"


def test_an_id_of_the_catalogue_is_refused_elsewhere(tmp_path):
    path = tmp_path / "licence" / SOURCE.name
    path.parent.mkdir()
    path.write_text(SOURCE.read_text(encoding="utf-8"), encoding="utf-8")
    code, problems, _ = ask(path)
    assert code == 1
    assert str(SOURCE) in problems[0]["message"] and "is not replaced" in problems[0]["remedy"]


def test_every_form_of_a_contract_has_words():
    schema = json.dumps(Contract.model_json_schema(), ensure_ascii=False)
    found = {json.loads(quoted) for quoted in re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', schema)}
    assert len(found) >= 5
    assert found <= set(FORMS)
