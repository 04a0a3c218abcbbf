"""A contract or a code list that says otherwise than before reaches the rows that were judged before."""

from __future__ import annotations

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.session import session_scope
from catalog.control.tables import BatchStage, LedgerEntry
from catalog.lake import query
from catalog.model import codes
from catalog.model.layers import set_aside_of, table_of
from jobs.conform.stage import conform
from tests.stages.extract.shop_contract import file_source

COLUMNS = {"record_no": "记录号", "mobile": "手机", "landline": "座机", "status_code": "状态"}
STATUS = {"status_code": {"from": ["状态"], "standard": "code", "code_list": "entity_status"}}
HEADER = "记录号,手机,座机,状态\n"
FIRST = "1,13800138000,8001,1\n2,x1,8002,1\n3,13800138001,8003,示范暂停\n"
SECOND = "4,13800138002,8004,示范筹备\n5,13800138003,8005,1\n"


def living(department):
    rows = query("SELECT * FROM t WHERE NOT _is_deleted", t=table_of(department.contract)) or []
    return {row["record_no"]: (row["mobile"], row["landline"], row["status_code"]) for row in rows}


def set_aside(department):
    rows = query("SELECT * FROM t", t=set_aside_of(department.contract)) or []
    return {row["_record_key"]: row["reasons"] for row in rows}


def judged(department):
    """Return batch → when it was judged last, and its line of the ledger."""
    with session_scope() as session:
        stages = session.query(BatchStage).filter_by(resource=department.contract.id, stage="conform").all()
        lines = session.query(LedgerEntry).filter_by(resource=department.contract.id, stage="conform").all()
    lines = {line.batch_id: (line.read, line.accepted, line.set_aside) for line in lines}
    return {stage.batch_id: (stage.finished_at, lines[stage.batch_id]) for stage in stages}


@pytest.mark.usefixtures("code_folder")
def test_rows_follow_contract_and_code_lists(department):
    source, name = file_source(key=["record_no"]), f"anew_{uuid4().hex[:8]}"
    department.declare(name, source, COLUMNS, **STATUS)
    for place, lines in enumerate((FIRST, SECOND)):
        department.drop(
            f"{place}.csv", (HEADER + lines).encode(), {"rows": lines.count("\n")}, at=1_700_000_000 + place
        )
    department.extract()
    conform(department.contract.id)
    first, second = sorted(judged(department))
    assert living(department).keys() == {"1", "2", "5"}
    assert set_aside(department) == {"3": ["CODE_UNKNOWN"], "4": ["CODE_UNKNOWN"]}
    before = judged(department)
    conform(department.contract.id)
    assert judged(department) == before, "nothing has changed"

    fewer = {column: chinese for column, chinese in COLUMNS.items() if column != "landline"}
    department.declare(name, source, fewer, mobile={"from": ["手机"], "standard": "phone"}, **STATUS)
    conform(department.contract.id)
    assert living(department) == {"1": ("13800138000", None, "1"), "5": ("13800138003", None, "1")}
    assert set_aside(department).keys() == {"2", "3", "4"}
    assert sorted(line for _, line in judged(department).values()) == [(2, 1, 1), (3, 1, 2)]

    path = codes.CODES / "entity_status.csv"
    path.write_text(path.read_text(encoding="utf-8") + "示范暂停,无值,,,ignored,\n", encoding="utf-8")
    codes.forget_code_lists()
    conform(department.contract.id)
    assert living(department)["3"] == ("13800138001", None, None)

    before = judged(department)
    mapped = CliRunner().invoke(app, ["codes", "map", "entity_status", "示范筹备", "1", "--by", "示范管理员"])
    assert mapped.exit_code == 0, mapped.output
    conform(department.contract.id)
    after = judged(department)
    assert living(department)["4"] == ("13800138002", None, "1")
    assert {batch for batch in after if after[batch] != before[batch]} == {
        batch for batch in (first, second) if after[batch][1] == (2, 2, 0)
    }, "only the batch that has the value is judged again"
