"""Cross-walks: every line leads from a code to a code, says how, and cites its source."""

from pathlib import Path

import pytest

from catalog.model.codes import HEADER as CODE_HEADER
from catalog.model.codes import load_code_list
from catalog.model.crosswalks import HEADER, crosswalk, crosswalk_names
from catalog.model.errors import ContractError

CONTRADICTIONS = {
    "unknown from": ("9,1,equal,cited\n", "'9' is no canonical code of old"),
    "unknown to": ("1,9,equal,cited\n", "'9' is no canonical code of new"),
    "unknown relation": ("1,1,like,cited\n", "relation 'like' is unknown"),
    "no citation": ("1,1,equal,\n", "no citation"),
    "twice": ("1,1,partial,cited\n1,1,partial,cited\n", "stands twice"),
    "equal to two": ("1,1,equal,cited\n1,2,equal,cited\n", "several targets, one of them equal"),
    "split into one": ("1,1,split,cited\n", "is split into one"),
}


def folder_with(tmp_path: Path, lines: str, header: list[str] = HEADER) -> Path:
    for name in ("old", "new"):
        rows = f"{','.join(CODE_HEADER)}\n1,甲,,,canonical,\n2,乙,,,canonical,\nx,甲,,,fixable,1\n"
        (tmp_path / f"{name}.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "crosswalks").mkdir()
    (tmp_path / "crosswalks" / "old__new.csv").write_text(f"{','.join(header)}\n{lines}", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_crosswalk_that_contradicts_itself_is_refused_with_its_line(tmp_path: Path, case: str):
    lines, problem = CONTRADICTIONS[case]
    with pytest.raises(ContractError, match=problem) as refusal:
        crosswalk("old", "new", folder_with(tmp_path, lines))
    assert "old__new.csv:" in refusal.value.place


def test_absent_crosswalks_and_other_headers_are_refused(tmp_path: Path):
    with pytest.raises(ContractError, match="no cross-walk from sex to division"):
        crosswalk("sex", "division")
    with pytest.raises(ContractError, match="header is"):
        crosswalk("old", "new", folder_with(tmp_path, "", ["a", "b"]))


def test_what_became_of_a_code(tmp_path: Path):
    found = crosswalk("old", "new", folder_with(tmp_path, "1,1,split,cited\n1,2,split,cited\n2,2,merged,cited\n"))
    assert [line.to_code for line in found.targets("1")] == ["1", "2"]
    assert found.targets("3") == ()
    assert (found.certain_target("1"), found.certain_target("2"), found.certain_target("3")) == (None, "2", None)


def test_every_crosswalk_of_the_project_is_sound():
    names = crosswalk_names()
    assert set(names) >= {("division", "division"), ("industry_2011", "industry")}
    assert all(crosswalk(*pair).lines for pair in names)


def test_industry_2011_is_carried_over_whole_at_two_digits():
    walk, old, new = crosswalk("industry_2011", "industry"), load_code_list("industry_2011"), load_code_list("industry")
    assert len(old.canonical_codes) == 20 + 96
    assert all(walk.targets(code) for code in old.canonical_codes)
    reached = {line.to_code for line in walk.lines}
    assert {code for code in new.canonical_codes if len(code) <= 2} - reached == {"79"}, "土地管理业 is new in 2017"
    names = {code: new.lines_of(str(walk.certain_target(code)))[0].name for code in ("79", "82", "85", "96")}
    assert names == {"79": "居民服务业", "82": "教育", "85": "新闻和出版业", "96": "国际组织"}


def test_divisions_lead_from_retired_codes_to_codes_in_force_and_agree_with_the_successors():
    walk, division = crosswalk("division", "division"), load_code_list("division")
    retired = set(division.retired)
    assert len({line.from_code for line in walk.lines}) > 3000
    assert {line.from_code for line in walk.lines} <= retired
    assert not {line.to_code for line in walk.lines} & retired
    for code in retired:
        at = code
        while at in retired and (successor := division.lines_of(at)[-1].successor):
            at = successor
        if at not in retired:
            assert at in [line.to_code for line in walk.targets(code)], code
    assert {line.to_code for line in walk.targets("110104")} == {"110102"}
