"""A reviewed line is added whole or not at all, changes nothing else, and contradicts nothing."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.model.code_additions import CodeAdditionRefusedError, add_mapping
from catalog.model.codes import CODES, load_code_list
from catalog.model.errors import ContractError

REFUSED = {
    "no canonical code": ("开业", "7", "is no canonical code"),
    "fixable is not canonical": ("开业", "存续", "is no canonical code"),
    "a code itself": ("1", "2", "is itself a canonical code"),
    "mapped otherwise": ("存续", "2", "already means 1"),
    "not cleaned": ("开业 ", "1", "not a value as cleaned"),
    "full width": ("Ａ", "1", "not a value as cleaned"),
    "line break": ("开\n业", "1", "not a value as cleaned"),
    "nothing": ("", "1", "not a value as cleaned"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(CODES / "entity_status.csv", tmp_path)
    return tmp_path


def test_one_line_is_added_and_every_other_byte_stays(folder: Path):
    path = folder / "entity_status.csv"
    before = path.read_bytes()
    assert "存续" in load_code_list("entity_status", folder).fixes
    assert add_mapping("entity_status", '开业,"在营"', "1", folder)
    assert path.read_bytes().startswith(before)
    assert path.read_bytes().count(b"\n") == before.count(b"\n") + 1
    assert load_code_list("entity_status", folder).fixes['开业,"在营"'] == "1"
    assert add_mapping("entity_status", "不详", None, folder)
    assert load_code_list("entity_status", folder).ignored == {"不详"}
    assert [p.name for p in folder.iterdir()] == ["entity_status.csv"], "no draft is left"


def test_the_same_again_changes_nothing(folder: Path):
    assert add_mapping("entity_status", "开业", "1", folder)
    before = (folder / "entity_status.csv").read_bytes()
    assert not add_mapping("entity_status", "开业", "1", folder)
    assert (folder / "entity_status.csv").read_bytes() == before


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_the_file_stays(folder: Path, case: str):
    value, code, problem = REFUSED[case]
    before = (folder / "entity_status.csv").read_bytes()
    with pytest.raises(CodeAdditionRefusedError, match=problem) as refusal:
        add_mapping("entity_status", value, code, folder)
    assert refusal.value.remedy
    assert (folder / "entity_status.csv").read_bytes() == before


def test_ignored_and_fixable_exclude_each_other(folder: Path):
    add_mapping("entity_status", "不详", None, folder)
    with pytest.raises(CodeAdditionRefusedError, match="already means no value"):
        add_mapping("entity_status", "不详", "1", folder)
    with pytest.raises(CodeAdditionRefusedError, match="already means 1"):
        add_mapping("entity_status", "存续", None, folder)


def test_a_list_that_nobody_knows_is_refused(folder: Path):
    with pytest.raises(ContractError, match="no code list 'colour'"):
        add_mapping("colour", "红", "1", folder)


def test_of_many_at_once_none_is_lost(folder: Path):
    values = [f"状态{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda value: add_mapping("entity_status", value, "1", folder), values))
    assert set(values) <= set(load_code_list("entity_status", folder).fixes)
