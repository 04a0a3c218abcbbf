"""The profile of a new source: what its columns hold, and a contract that the registry takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from openpyxl import Workbook
from typer.testing import CliRunner

from catalog.model.errors import GuantongError
from catalog.model.registry import read_contract
from expectations.__main__ import app
from expectations.profile.columns import profile_column
from expectations.profile.proposal import propose, render_contract
from expectations.profile.reading import read_sample
from tests.real_lists import real_lists_folder

PERSON = "11010519491231002X"
LIST = "证件号,姓名,登记状态,开户日,余额,编码\n" + "".join(
    f"{PERSON},示范{n}号,{'存续' if n % 3 else '注销'},2026-03-{n + 1:02d},{n}.50,{n:03d}\n" for n in range(20)
)


@pytest.fixture
def shops(tmp_path: Path) -> Path:
    path = tmp_path / "shops.csv"
    path.write_bytes(LIST.encode("gb18030"))
    return path


def test_kinds_code_lists_and_keys_are_told_by_the_values(shops):
    sample = read_sample(str(shops), 1000)
    assert (sample.encoding, sample.separator, len(sample.rows)) == ("gb18030", ",", 20)
    proposal = propose(sample, "licence.shops", "transport")
    kinds = {column.heading: column.kind for column in proposal.columns}
    assert kinds == {
        "证件号": "citizen_id", "姓名": "text", "登记状态": "text", "开户日": "date", "余额": "decimal", "编码": "text",
    }  # fmt: skip
    assert {c.heading: c.code_list for c in proposal.columns if c.code_list} == {"登记状态": "entity_status"}
    assert ["column_6"] in proposal.keys
    assert next(c for c in proposal.columns if c.heading == "证件号").frequent == []
    assert PERSON not in render_contract(proposal)


def test_the_proposed_contract_is_one_that_the_registry_takes(shops, tmp_path):
    out = tmp_path / "resources" / "licence" / "shops.yml"
    out.parent.mkdir(parents=True)
    command = ["profile", str(shops), "--resource", "licence.shops", "--department", "transport", "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    contract = read_contract(out)
    assert contract.status == "proposed" and contract.key
    citizen = next(p for p in contract.properties if p.business_name == "证件号")
    assert citizen.classification == "personal" and contract.item(citizen.name).mask not in (None, "none")
    answer = json.loads(CliRunner().invoke(app, ["profile", str(shops), "--json"]).output)
    assert answer["rows"] == 20 and yaml.safe_load(out.read_text(encoding="utf-8"))["id"] == "licence.shops"
    assert PERSON not in json.dumps(answer)


def test_titles_of_a_workbook_and_wrapped_json_are_seen_through(tmp_path):
    book = Workbook()
    for row in (
        ["某市店铺名录"],
        [],
        ["店铺名称", "统一社会信用代码"],
        ["示范一店", "91350100M000100Y43"],
        ["示范二店", "x"],
    ):
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    sample = read_sample(str(tmp_path / "list.xlsx"), 100)
    assert sample.headings == ["店铺名称", "统一社会信用代码"] and len(sample.rows) == 2
    (tmp_path / "list.json").write_text(json.dumps({"total": 1, "rows": [{"a": "1", "b": None}]}), encoding="utf-8")
    assert read_sample(str(tmp_path / "list.json"), 100).rows == [["1", ""]]


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "no rows"), (b"a,b\n", "no rows"), (b"\xff\xfe\x00\x00", "no text")]
)
def test_what_cannot_be_profiled_says_so(tmp_path, content, problem):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(GuantongError, match=problem):
        read_sample(str(path), 100)


def test_a_column_of_mostly_right_numbers_is_still_that_identifier():
    values = ["91350100M000100Y43"] * 6 + ["9.14E+17"] * 4
    found = profile_column("code", values)
    assert (found.kind, found.kind_share) == ("uscc", 0.6)


@pytest.mark.parametrize(
    ("name", "heading", "element"),
    [
        ("transport/sichuan_transport_credit.gbk.csv", "social_code", "uscc"),
        ("formats/registry_sichuan_1998.wrapped.json", "code", "uscc"),
        ("education/moe_universities_2017.xls", "学校标识码", "university_code"),
        ("water/anhui_water_construction_qualification.gbk.csv", "unit_name", "entity_name"),
    ],
)
def test_real_lists_get_a_contract_to_begin_with(name, heading, element):
    sample = read_sample(str(real_lists_folder() / name), 3000)
    assert len(sample.rows) > 2000
    proposal = propose(sample, "legal_entity.new_list", "transport")
    found = {s.heading: s.element.id if s.element else None for s in proposal.suggestions}
    assert found[heading] == element
