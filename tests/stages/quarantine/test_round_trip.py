"""Set aside, mended, replayed: rows that fail wait, are closed when they come again, and freed by a mended rule."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.issues import list_issues, stale_batches
from catalog.control.ledger import ledger_entries
from catalog.control.measures import measured_batches
from catalog.control.session import session_scope
from catalog.lake import query
from catalog.model.layers import closed_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.rule_digest import rule_digest
from jobs.conform.stage import conform
from tests.stages.extract.shop_contract import contract_document, file_source

pytestmark = pytest.mark.long

COLUMNS = {
    "record_no": "记录号", "uscc": "统一社会信用代码", "shop_name": "店铺名称",
    "opened_date": "开业日期", "status_code": "登记状态",
}  # fmt: skip
ITEMS: dict[str, dict[str, Any]] = {
    "uscc": {"from": ["统一社会信用代码"], "standard": "uscc"},
    "opened_date": {"from": ["开业日期"], "standard": "date"},
    "status_code": {"from": ["登记状态"], "standard": "code", "code_list": "entity_status"},
}
HEADER = "记录号,统一社会信用代码,店铺名称,开业日期,登记状态\n"
GOOD, BAD = "91350100M000100Y43", "91350100M000100Y44"
FIRST = HEADER + "".join(
    f"{line}\n"
    for line in (
        f"N1,{GOOD},示范一店,2020-01-01,1",
        f"N2,{BAD},示范二店,2020-02-30,1",
        f"N3,{GOOD},示范三店,2020-01-03,筹建中",
        f"N4,{BAD},示范四店,2020-01-04,1",
        "N5,9.14E+17,示范五店,2020-01-05,1",
        f"N6,{BAD},示范六店,2020-01-06,1",
        f"N6,{GOOD},示范六店,2020-01-06,1",
    )
)


def declare(department: Any, name: str, **changed: dict[str, Any]) -> None:
    """Write the contract of a shop list, or write it anew with items changed."""
    document = contract_document(file_source(key=["record_no"]), name, COLUMNS)
    document["government"]["items"] |= {**ITEMS, **changed}
    (department.resources / f"{name}.yml").write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    department.name = name
    get_registry.cache_clear()


def deliver(department: Any, name: str, content: str) -> str:
    """Drop a list, bring it to silver, and return its batch."""
    known = {b.batch_id for b in department.batches()}
    department.drop(name, content.encode())
    department.extract()
    conform(department.contract.id)
    (new,) = {b.batch_id for b in department.batches()} - known
    return new


def issues(department: Any) -> dict[tuple[str, str, str], tuple[int, dict[str, int]]]:
    """Return batch, column and reason → rows open, and rows closed by the way of closing."""
    with session_scope() as session:
        found = list_issues(session, resource=department.contract.id)
    return {(i.batch_id, i.column_name, i.reason): (i.open_rows, i.closed) for i in found}


def standing(department: Any) -> set[str]:
    rows = query("SELECT record_no FROM s WHERE NOT _is_deleted", s=table_of(department.contract))
    return {row["record_no"] for row in rows or []}


def aside(department: Any) -> set[tuple[str, str]]:
    rows = query("SELECT _batch_id, _record_key FROM a", a=set_aside_of(department.contract))
    return {(row["_batch_id"], row["_record_key"]) for row in rows or []}


def accounts(department: Any) -> dict[str, tuple[int, int, int]]:
    with session_scope() as session:
        entries = ledger_entries(session, resource=department.contract.id, stage="conform")
    assert entries and all(e.read == e.accepted + e.set_aside + e.rejected for e in entries)
    return {e.batch_id: (e.read, e.accepted, e.set_aside) for e in entries}


def state(department: Any) -> Any:
    closed = query("SELECT * FROM c", c=closed_of(department.contract)) or []
    shown = sorted((r["_batch_id"], r["_aside_batch_id"], r["_record_key"], r["how"]) for r in closed)
    return standing(department), aside(department), accounts(department), issues(department), shown


def test_what_fails_waits_until_it_comes_again_right(department, code_folder):
    declare(department, f"round_{uuid4().hex[:8]}")
    first = deliver(department, "first.csv", FIRST)
    assert standing(department) == {"N1", "N6"}
    assert issues(department) == {
        (first, "uscc", "USCC_CHECKSUM"): (2, {"mended": 1}),
        (first, "uscc", "USCC_SPREADSHEET"): (1, {}),
        (first, "opened_date", "DATE_IMPOSSIBLE"): (1, {}),
        (first, "status_code", "CODE_UNKNOWN"): (1, {}),
    }

    again = f"N2,{GOOD},示范二店,2020-02-28,1\nN4,{BAD},示范四店,2020-01-04,1\n"
    second = deliver(department, "second.csv", HEADER + again)
    assert standing(department) == {"N1", "N2", "N6"}
    assert issues(department) == {
        (first, "uscc", "USCC_CHECKSUM"): (0, {"mended": 2, "sent_again": 1}),
        (first, "uscc", "USCC_SPREADSHEET"): (1, {}),
        (first, "opened_date", "DATE_IMPOSSIBLE"): (0, {"mended": 1}),
        (first, "status_code", "CODE_UNKNOWN"): (1, {}),
        (second, "uscc", "USCC_CHECKSUM"): (1, {}),
    }
    with session_scope() as session:
        opened = {i.batch_id: i.opened_at for i in list_issues(session, resource=department.contract.id)}
    assert opened[second] == opened[first], "a fault that is sent again keeps its age"
    assert accounts(department) == {first: (7, 2, 5), second: (2, 1, 1)}

    before = state(department)
    conform(department.contract.id, second)
    conform(department.contract.id, first)
    assert state(department) == before, "a replay changes nothing"

    third = deliver(department, "third.csv", HEADER + f"N4,{GOOD},示范四店,2020-01-04,1\n")
    assert issues(department)[second, "uscc", "USCC_CHECKSUM"] == (0, {"mended": 1})
    assert accounts(department)[third] == (1, 1, 0)
    with session_scope() as session:
        measured = measured_batches(session, department.contract.id)
    assert [m.rows for m in measured] == [2, 1, 1]
    assert measured[0].values["category", "status_code", "1"] == 2
    assert measured[0].values["nulls", "status_code", ""] == 0


def test_a_mended_list_and_a_mended_rule_free_their_rows(department, code_folder):
    name = f"mended_{uuid4().hex[:8]}"
    declare(department, name)
    first = deliver(department, "first.csv", FIRST)
    resource = department.contract.id
    run = CliRunner()
    assert run.invoke(app, ["codes", "map", "entity_status", "筹建中", "9", "--by", "示范管理员"]).exit_code == 0
    conform(resource)
    assert issues(department)[first, "status_code", "CODE_UNKNOWN"] == (0, {"replayed": 1})
    assert standing(department) == {"N1", "N3", "N6"}

    declare(department, name, uscc={**ITEMS["uscc"], "on_failure": "flag"})
    with session_scope() as session:
        assert stale_batches(session, resource, rule_digest(department.contract, get_registry())) == [first]
    done = run.invoke(app, ["worklist", "replay", "--resource", resource])
    assert done.exit_code == 0 and first in done.output, done.output
    conform(resource)
    assert standing(department) == {"N1", "N3", "N4", "N5", "N6"}
    assert issues(department) == {
        (first, "uscc", "USCC_CHECKSUM"): (0, {"replayed": 3}),
        (first, "uscc", "USCC_SPREADSHEET"): (0, {"replayed": 1}),
        (first, "opened_date", "DATE_IMPOSSIBLE"): (1, {}),
        (first, "status_code", "CODE_UNKNOWN"): (0, {"replayed": 1}),
    }
    assert accounts(department) == {first: (7, 6, 1)}
    before = state(department)
    conform(resource, first)
    assert state(department) == before
    assert "No batch waits" in run.invoke(app, ["worklist", "replay", "--resource", resource]).output
    with session_scope() as session:
        flagged = list_issues(session, resource=resource, standing="flagged")
    assert {(i.reason, i.open_rows) for i in flagged} == {("USCC_CHECKSUM", 2), ("USCC_SPREADSHEET", 1)}
