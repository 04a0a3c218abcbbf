"""From a value that no list knows to rows that stand: set aside, listed, mapped by one line, replayed, balanced."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.control.ledger import ledger_entries
from catalog.control.session import session_scope
from catalog.control.unmapped import list_unmapped
from catalog.model.codes import forget_code_lists, load_code_list
from catalog.model.layers import set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.signature import Signature
from jobs.conform import unmapped
from jobs.conform.stage import conform
from tests.stages.extract.shop_contract import contract_document, file_source

pytestmark = pytest.mark.long

COLUMNS = {"uscc": "统一社会信用代码", "shop_name": "店铺名称", "status_code": "登记状态"}
STATUS = {"from": ["登记状态"], "standard": "code", "code_list": "entity_status"}
HEADER = "统一社会信用代码,店铺名称,登记状态\n"
FIRST = HEADER + "S1,示范一店,存续\nS2,示范二店,筹建中\nS3,示范三店,筹建中\nS4,示范四店,休眠\n"
SECOND = HEADER + "S2,示范二店,注销\nS5,示范五店,1\n"


def declare(department: Any, name: str, status: dict[str, Any], **property_: Any) -> None:
    """Write the contract of a shop list whose status column is judged as ``status`` says, under a name of its own."""
    document = contract_document(file_source(), f"{name}_{uuid4().hex[:8]}", COLUMNS)
    document["government"]["items"]["status_code"] = status
    document["schema"][0]["properties"][2] |= property_
    write(department, document)


def write(department: Any, document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    (department.resources / f"{document['name']}.yml").write_text(text, encoding="utf-8")
    department.name = document["name"]
    get_registry.cache_clear()


def deliver(department: Any, name: str, content: str) -> None:
    department.drop(name, content.encode())
    department.extract()
    conform(department.contract.id)


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["codes", *arguments])
    return done.exit_code, done.output


def rows_of(department: Any, table: Any) -> list[dict[str, Any]]:
    frame = department.spark.read.format("delta").load(table.uri)
    return [row.asDict(recursive=True) for row in frame.collect()]


def standing(department: Any) -> dict[str, str | None]:
    return {r["uscc"]: r["status_code"] for r in rows_of(department, table_of(department.contract))}


def aside(department: Any) -> dict[str, list[str]]:
    return {r["_record_key"]: r["reasons"] for r in rows_of(department, set_aside_of(department.contract))}


def accounts(department: Any) -> list[tuple[int, int, int]]:
    """Return read, accepted and set aside of every batch, in order of arrival."""
    with session_scope() as session:
        entries = ledger_entries(session, resource=department.contract.id, stage="conform")
    counts = {e.batch_id: (e.read, e.accepted, e.set_aside) for e in entries}
    return [counts[b.batch_id] for b in sorted(department.batches("accepted"), key=lambda b: b.received_at)]


def worklist(department: Any, state: str | None = "open") -> dict[str, Any]:
    with session_scope() as session:
        return {e.value: e for e in list_unmapped(session, resource=department.contract.id, state=state)}


def test_one_reviewed_line_brings_the_rows_back(department, code_folder):
    declare(department, "mapped_shop", STATUS)
    deliver(department, "first.csv", FIRST)
    assert standing(department) == {"S1": "1"}
    assert aside(department) == {key: ["CODE_UNKNOWN"] for key in ("S2", "S3", "S4")}
    batch = department.batches("accepted")[0].batch_id
    waiting = worklist(department)
    assert {value: (e.rows, e.state, e.reason) for value, e in waiting.items()} == {
        "筹建中": (2, "open", "CODE_UNKNOWN"), "休眠": (1, "open", "CODE_UNKNOWN"),
    }  # fmt: skip
    assert waiting["筹建中"].examples == [f"{batch}:3", f"{batch}:4"]

    deliver(department, "second.csv", SECOND)
    assert standing(department) == {"S1": "1", "S2": "3", "S5": "1"}
    assert accounts(department) == [(4, 1, 3), (2, 2, 0)]

    code, output = run("map", "entity_status", "筹建中", "9", "--by", "示范管理员")
    assert code == 0, output
    command = re.search(r"python -m jobs conform --resource (\S+) --batch (\S+)", output)
    assert command and command.groups() == (department.contract.id, batch)
    conform(department.contract.id)
    assert standing(department) == {"S1": "1", "S2": "3", "S3": "9", "S5": "1"}, "S2's newer version stands"
    assert aside(department) == {"S4": ["CODE_UNKNOWN"]}
    assert accounts(department) == [(4, 3, 1), (2, 2, 0)]
    assert set(worklist(department)) == {"休眠"}
    closed = worklist(department, "mapped")["筹建中"]
    assert (closed.rows, closed.decision, closed.decided_by) == (0, "9", str(Signature.given("示范管理员")))
    assert closed.decided_at is not None and closed.decided_at >= closed.first_seen

    before = rows_of(department, table_of(department.contract)), aside(department)
    conform(*command.groups())
    assert (rows_of(department, table_of(department.contract)), aside(department)) == before
    assert accounts(department) == [(4, 3, 1), (2, 2, 0)]
    assert set(worklist(department)) == {"休眠"}

    assert run("map", "entity_status", "休眠", "--ignore", "--by", "示范管理员")[0] == 0
    conform(department.contract.id)
    assert standing(department)["S4"] is None and aside(department) == {}
    assert accounts(department) == [(4, 4, 0), (2, 2, 0)]
    assert worklist(department) == {}
    added = (code_folder / "entity_status.csv").read_text(encoding="utf-8").splitlines()[-2:]
    assert added == ["筹建中,其他,,,fixable,9", "休眠,无值,,,ignored,"]


def test_a_division_that_is_no_code_is_mapped_like_any_other(department, code_folder):
    declare(department, "placed_shop", {"from": ["登记状态"], "standard": "division"})
    deliver(
        department,
        "first.csv",
        HEADER + "S1,示范一店,510107\nS2,示范二店,武侯 区\nS3,示范三店,待定\nS4,示范四店,519999\n",
    )
    assert standing(department) == {"S1": "510107"}
    listed = {(value, e.code_list, e.reason) for value, e in worklist(department).items()}
    assert listed == {(value, "division", "CODE_UNKNOWN") for value in ("武侯区", "待定", "519999")}
    assert run("map", "division", "武侯区", "510107", "--by", "示范管理员")[0] == 0
    assert run("map", "division", "待定", "--ignore", "--by", "示范管理员")[0] == 0
    conform(department.contract.id)
    assert standing(department) == {"S1": "510107", "S2": "510107", "S3": None}
    assert aside(department) == {"S4": ["DIVISION_UNKNOWN"]}
    assert accounts(department) == [(4, 3, 1)]
    assert set(worklist(department)) == {"519999"}


def test_mapping_again_is_harmless_and_a_value_that_comes_back_is_open_again(department, code_folder):
    declare(department, "again_shop", STATUS)
    deliver(department, "first.csv", FIRST)
    lists = (code_folder / "entity_status.csv").read_bytes()
    assert run("map", "entity_status", "筹建中", "9", "--by", "示范管理员")[0] == 0
    code, output = run("map", "entity_status", "筹建中", "9", "--by", "示范管理员")
    assert code == 0 and "as the list said already" in output and "python -m jobs conform" in output
    (code_folder / "entity_status.csv").write_bytes(lists)
    forget_code_lists()
    conform(department.contract.id)
    back = worklist(department)["筹建中"]
    assert (back.state, back.decided_by, back.rows) == ("open", None, 2)


def test_a_refused_value_stays_refused_and_its_rows_stay_aside(department, code_folder):
    declare(department, "refused_shop", STATUS)
    deliver(department, "first.csv", FIRST)
    assert run("refuse", "entity_status", "休眠", "--by", "示范管理员")[0] == 0
    deliver(department, "second.csv", HEADER + "S9,示范九店,休眠\n")
    assert set(aside(department)) == {"S2", "S3", "S4", "S9"}
    refused = worklist(department, "refused")["休眠"]
    assert (refused.rows, refused.decided_by) == (2, str(Signature.given("示范管理员")))
    assert set(worklist(department)) == {"筹建中"}


def test_flagged_values_are_listed_too_and_personal_ones_never_plainly(department, code_folder):
    declare(department, "flagged_shop", {**STATUS, "on_failure": "flag"}, classification="personal")
    deliver(department, "first.csv", FIRST)
    assert len(standing(department)) == 4 and aside(department) == {}
    kept = worklist(department)
    assert len(kept) == 2 and all(value.startswith("hmac-sha256:") for value in kept)
    with session_scope() as session:
        stored = session.connection().exec_driver_sql("SELECT v::text FROM unmapped_value v").scalars().all()
    assert stored and not any("筹建中" in row for row in stored if department.name in row)
    digest = next(iter(kept))
    assert "a digest cannot be mapped" in run("map", "entity_status", digest, "9", "--by", "示范管理员")[1]
    assert run("map", "entity_status", "筹建中", "9", "--by", "示范管理员")[0] == 0
    conform(department.contract.id)
    assert standing(department) == {"S1": "1", "S2": "9", "S3": "9", "S4": "休眠"}
    assert len(worklist(department)) == 1


REFUSED = {
    "unknown list": (("map", "colour", "红", "1"), "no code list 'colour'"),
    "not canonical": (("map", "entity_status", "筹建中", "77"), "is no canonical code"),
    "mapped otherwise": (("map", "entity_status", "存续", "2"), "already means 1"),
    "code and --ignore": (("map", "entity_status", "筹建中", "1", "--ignore"), "one code, or none"),
    "neither": (("map", "entity_status", "筹建中"), "one code, or none"),
    "unknown list, refused": (("refuse", "colour", "红"), "no code list 'colour'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_mistakes_are_answered_with_what_to_do(stack, code_folder, case):
    arguments, problem = REFUSED[case]
    before = {path.name: path.read_bytes() for path in code_folder.glob("*.csv")}
    code, output = run(*arguments, "--by", "示范管理员")
    assert code == 2 and problem in output and "remedy:" in output
    assert {path.name: path.read_bytes() for path in code_folder.glob("*.csv")} == before
    assert run(*arguments)[0] == 2, "without --by nobody decides"
    assert run(*arguments, "--by", " ")[0] == 2


def test_the_worklist_proposes_and_lists_answer(department, code_folder):
    declare(department, "proposed_shop", STATUS)
    deliver(department, "first.csv", HEADER + "S1,示范一店,已注销\n")
    code, output = run("unmapped", "--resource", department.contract.id, "--json")
    assert code == 0
    found = json.loads(output)
    assert [(row["value"], row["rows"], row["proposals"].split(";")[0]) for row in found] == [("已注销", 1, "3 注销")]
    assert "已注销" in run("unmapped", "--all")[1]
    listed = {row["name"]: row for row in json.loads(run("list", "--json")[1])}
    assert listed["entity_status"]["canonical"] == 5 and "industry" in listed["industry_2011"]["crosswalks_to"]
    shown = json.loads(run("show", "division", "110103", "--json")[1])[0]
    assert shown["canonical_on"] == "110101" and shown["crosswalks"][0]["relation"] == "merged"
    assert len(json.loads(run("show", "sex", "--json")[1])) == len(load_code_list("sex").codes)
    assert "more lines" in run("show", "division", "--limit", "3")[1]
    assert "has no code" in run("show", "sex", "X")[1]


def test_a_column_that_holds_no_codes_does_not_flood_the_worklist(department, code_folder, monkeypatch):
    monkeypatch.setattr(unmapped, "MOST", 3)
    declare(department, "flooding_shop", STATUS)
    lines = [f"S{n},示范{n}店,随笔{n % 6}\n" for n in range(7)]
    deliver(department, "first.csv", HEADER + "".join(lines))
    assert len(aside(department)) == 7
    listed = worklist(department)
    assert len(listed) == 3 and listed["随笔0"].rows == 2, "the most frequent is among them"
    (finding,) = department.findings("UNMAPPED_VALUES_LEFT_OUT")
    assert (finding.count, finding.place) == (3, "status_code")


def test_a_replay_does_not_bring_back_a_key_that_its_record_has_left(department, code_folder):
    columns = {"uscc": "统一社会信用代码", "shop_no": "店铺编号", "status_code": "登记状态"}
    document = contract_document(file_source(key=["shop_no"]), f"moving_shop_{uuid4().hex[:8]}", columns)
    document["government"]["items"]["status_code"] = STATUS
    write(department, document)
    header = "统一社会信用代码,店铺编号,登记状态\n"
    deliver(department, "first.csv", f"{header}K1,N1,筹建中\nK3,N3,筹建中\nK4,N4,1\n")
    deliver(department, "second.csv", f"{header}K2,N1,1\n")
    assert standing(department) == {"K2": "1", "K4": "1"}
    assert run("map", "entity_status", "筹建中", "9", "--by", "示范管理员")[0] == 0
    conform(department.contract.id)
    living = {
        r["uscc"]: r["status_code"] for r in rows_of(department, table_of(department.contract)) if not r["_is_deleted"]
    }
    assert living == {"K2": "1", "K3": "9", "K4": "1"}, "N1 stands under its newer key only"
    assert accounts(department) == [(3, 3, 0), (1, 1, 0)]
