"""Lists are read as their contracts say, refused with a reason, and measured by one command."""

import json

import pytest
from typer.testing import CliRunner

from catalog.model.registry import get_registry
from infra.demonstration.linkage_lists import SHARES, make_lists, write_lists
from jobs.__main__ import app
from jobs.reconcile.linking.model import declared_model
from jobs.reconcile.linking.records import ListUnreadableError, fields_of, read_list

CREDIT, FIRMS = "legal_entity.sichuan_transport_credit", "legal_entity.entity"
HEADER = "address,company_name,company_type,social_code"
ROW = "示范路1号,示范汽修厂,维修企业,91350100M000100Y43"


def read(path, text, encoding="gb18030"):
    path.write_bytes(text.encode(encoding))
    return read_list(get_registry().get(CREDIT), declared_model(FIRMS), path, "510000")


def test_columns_take_their_role_from_their_data_element(tmp_path):
    first, second = read(tmp_path / "list.csv", f"{HEADER}\n{ROW}\n{ROW}\n{ROW.replace('1号', '2号')}\n")
    assert (first["name"], first["address"], first["uscc"]) == ("示范汽修厂", "示范路1号", "91350100M000100Y43")
    assert first["record_id"] == f"{CREDIT}|list.csv:2"
    assert second["record_id"].endswith(":4"), "a row that repeats another whole is one record"


def test_what_is_no_list_of_the_contract_is_refused(tmp_path):
    with pytest.raises(ListUnreadableError, match="not gb18030"):
        read(tmp_path / "utf16.csv", f"{HEADER}\n{ROW}", "utf-16-le")
    with pytest.raises(ListUnreadableError, match="no heading is the name"):
        read(tmp_path / "other.csv", "甲,乙\n1,2\n")
    with pytest.raises(ListUnreadableError, match="no column of"):
        fields_of(get_registry().get("population.household"), declared_model(FIRMS))


def test_one_command_measures_two_lists_against_their_answer_key(tmp_path):
    lists = make_lists(5, 1_000)
    write_lists(tmp_path, lists)
    assert len(lists.truth) > 200 and all(share > 0 for share in SHARES.values())
    given = [
        "--new",
        f"population.resident={tmp_path}/new.csv",
        "--into",
        f"population.resident={tmp_path}/library.csv",
    ]
    asked = ["link", "evaluate", "-l", "population.person", *given, "--truth", f"{tmp_path}/truth.csv", "--json"]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout[answer.stdout.index("{") :])
    assert found["true_records"] == len(lists.truth)
    assert found["precision"] >= 0.999 and found["recall"] >= 0.97
    assert found["keys"] == "hidden" and found["by_key"] == 0
