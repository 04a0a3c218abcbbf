"""The worklist of a department: what it sees, what others see, and the workbook it gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
import yaml
from typer.testing import CliRunner

from catalog import lake
from catalog.__main__ import app
from catalog.model.layers import Table
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.worklist.scope import ScopeRefusedError, scope_of
from jobs.conform.stage import conform
from jobs.runtime import delta
from tests.stages.extract.conftest import Department
from tests.stages.extract.shop_contract import contract_document, file_source

COLUMNS = {"record_no": "记录号", "citizen_id": "身份证号", "shop_name": "店铺名称", "status_code": "登记状态"}
PERSON, WRONG = "11010519491231002X", "110105194912310021"
HEADER = "记录号,身份证号,店铺名称,登记状态\n"
LIST = HEADER + f"N1,{PERSON},示范一店,1\nN2,{WRONG},=HYPERLINK(1),1\nN3,{PERSON},-5+1,开业中\nN4,,示范四店,1\n"


@pytest.fixture(scope="module")
def shop(stack, spark, tmp_path_factory):
    """A list with a personal column, three of whose four rows are set aside; read by all tests here."""
    with pytest.MonkeyPatch.context() as changed:
        folder = tmp_path_factory.mktemp("worklist")
        changed.setenv("SOURCE_TRANSPORT", f"file:{folder}/outbox")
        changed.setenv("RESOURCE_PATH", str(folder / "resources"))
        get_settings.cache_clear()
        get_registry.cache_clear()
        department = Department(folder, get_settings(), spark)
        department.name = f"worklist_{uuid4().hex[:8]}"
        path = department.resources / f"{department.name}.yml"
        path.write_text(yaml.safe_dump(shop_contract(department.name), allow_unicode=True), encoding="utf-8")
        get_registry.cache_clear()
        department.drop("list.csv", LIST.encode())
        department.extract()
        conform(department.contract.id)
        yield department
    get_settings.cache_clear()
    get_registry.cache_clear()


def shop_contract(name: str) -> dict[str, Any]:
    document = contract_document(file_source(key=["record_no"]), name, COLUMNS)
    document["government"]["department"] = "housing"
    document["schema"][0]["properties"][1] |= {"classification": "personal", "required": True}
    document["government"]["items"] |= {
        "citizen_id": {"from": ["身份证号"], "standard": "citizen_id", "mask": "first_6"},
        "status_code": {"from": ["登记状态"], "standard": "code", "code_list": "entity_status"},
    }
    return document


PURPOSE = ("--purpose", "请部门更正")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["worklist", *arguments])
    return done.exit_code, done.output


def test_a_department_sees_its_own_and_nobody_elses(shop, tmp_path):
    resource = shop.contract.id
    code, output = run("--resource", resource, "--json")
    assert code == 0, output
    lines = {(row["column"], row["reason"]): row for row in json.loads(output)}
    assert {key: row["open_rows"] for key, row in lines.items()} == {
        ("citizen_id", "CITIZEN_ID_CHECKSUM"): 1,
        ("citizen_id", "REQUIRED_MISSING"): 1,
        ("status_code", "CODE_UNKNOWN"): 1,
    }
    assert all(row["department"] == "housing" and row["closure_rate"] == 0.0 for row in lines.values())
    assert resource in run("--department", "housing")[1]
    for refused in (["--reader", "water", "--department", "housing"], ["--reader", "water", "--resource", resource]):
        code, output = run(*refused)
        assert code == 2 and "SCOPE_REFUSED" in output
    assert resource not in run("--reader", "water", "--json")[1]
    code, output = run("rows", resource, "--reader", "water")
    assert code == 2 and "SCOPE_REFUSED" in output
    out = tmp_path / "other.xlsx"
    code, output = run("export", "--department", "housing", "--reader", "water", "--out", str(out))
    assert code == 2 and not out.exists()


def test_personal_values_are_clear_to_the_source_alone(shop, tmp_path):
    resource = shop.contract.id
    for reader, shown in (("housing", WRONG), ("data_administration", "110105************")):
        code, output = run("rows", resource, "--reader", reader, *PURPOSE, "--json")
        assert code == 0
        rows = {row["record_key"]: row for row in json.loads(output)}
        assert set(rows) == {"N2", "N3", "N4"}
        assert rows["N2"]["values"]["citizen_id"] == shown and rows["N2"]["row_number"] == 3
    assert WRONG not in run("rows", resource)[1]
    code, output = run("rows", resource, "--reader", "housing")
    assert code == 2 and "PURPOSE_MISSING" in output and WRONG not in output


def test_the_workbook_tells_what_is_wrong_and_runs_nothing(shop, tmp_path):
    out = tmp_path / "worklist.xlsx"
    code, output = run("export", "--department", "housing", *PURPOSE, "--out", str(out))
    assert code == 0, output
    assert out.stat().st_mode & 0o077 == 0
    book = openpyxl.load_workbook(out)
    assert book.sheetnames[:2] == ["说明", "汇总"]
    summary = [[cell.value for cell in row] for row in book["汇总"].iter_rows()]
    mine = [row for row in summary if row[0] == "测试" and row[2] == "公民身份号码校验位不符"]
    assert mine and "18 位公民身份号码" in mine[0][7]
    sheets = [sheet for sheet in book if sheet.title not in ("说明", "汇总")]
    sheet = next(s for s in sheets if any(row[3].value == "N2" for row in s.iter_rows(min_row=2)))
    rows = {row[3].value: row for row in sheet.iter_rows(min_row=2)}
    assert set(rows) == {"N2", "N3", "N4"}
    heads = [cell.value for cell in sheet[1]]
    wrong = rows["N2"][heads.index("身份证号")]
    assert wrong.value == WRONG and wrong.fill.fgColor.rgb.endswith("FCE4D6")
    texts = [cell for s in book for row in s.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert len(texts) > 40
    assert [c.value for c in texts if c.data_type == "f" or c.value[:1] in "=+-@"] == []
    assert {"'=HYPERLINK(1)", "'-5+1"} <= {c.value for c in texts}
    masked = tmp_path / "masked.xlsx"
    assert run("export", "--department", "housing", "--reader", "data_administration", "--out", str(masked))[0] == 0
    values = {c.value for s in openpyxl.load_workbook(masked) for row in s.iter_rows() for c in row}
    assert "110105************" in values and not {WRONG, PERSON} & values


def test_what_is_dismissed_leaves_the_worklist_with_its_decision(shop):
    resource = shop.contract.id
    arguments = ("dismiss", "--resource", resource, "--reason", "CODE_UNKNOWN")
    assert run(*arguments, "--by", " ", "--why", "x")[0] == 2
    code, output = run(*arguments, "--by", "示范管理员", "--why", "该店已停业，不再报送")
    assert code == 0 and "1 rows" in output
    assert "Nothing waits so" in run(*arguments, "--by", "示范管理员", "--why", "同上")[1]
    rows = json.loads(run("rows", resource, "--json")[1])
    assert {row["record_key"] for row in rows} == {"N2", "N4"}
    waits = {row["reason"]: row["open_rows"] for row in json.loads(run("--resource", resource, "--json")[1])}
    assert waits == {"CITIZEN_ID_CHECKSUM": 1, "REQUIRED_MISSING": 1, "CODE_UNKNOWN": 0}


def test_scope_is_decided_by_the_department_alone():
    assert scope_of("transport").departments == ("transport",)
    assert scope_of("data_administration").departments is None
    assert scope_of("data_administration", "water").departments == ("water",)
    with pytest.raises(ScopeRefusedError):
        scope_of("transport", "water")


def test_deleted_rows_of_a_table_with_deletion_vectors_are_not_read(spark, tmp_path: Path):
    table = Table("ops.set_aside__trial__deleted", f"file:{tmp_path}/deleted")
    delta.ensure(spark, table, [("id", "bigint", "号"), ("_batch_id", "string", "批次")])
    spark.range(1000).selectExpr("id", "'b1' AS _batch_id").writeTo(table.sql).append()
    spark.sql(f"DELETE FROM {table.sql} WHERE id % 3 = 0").collect()  # noqa: S608 - a folder of the test
    assert list(tmp_path.rglob("deletion_vector_*.bin")), "the rows were marked, not rewritten"
    assert lake.query("SELECT count(*) AS n, sum(id) AS s FROM t", t=table) == [
        {"n": 666, "s": sum(n for n in range(1000) if n % 3)}
    ]
    assert lake.query("SELECT 1 FROM t", t=Table("ops.nothing", f"file:{tmp_path}/nothing")) is None
