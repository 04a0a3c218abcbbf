"""A changed rule is tried on the versions that earlier batches made, before it is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from catalog.control.audit_reading import AuditFilter, list_entries
from catalog.control.rule_activations import RuleActivation, latest_activation
from catalog.control.session import session_scope
from catalog.model.errors import GuantongError
from catalog.model.registry import get_registry
from expectations.__main__ import app
from expectations.activation import activate
from expectations.gate import check
from expectations.plan import SuiteRefusedError
from expectations.proposals import ProposalError, proposed, read_proposals
from expectations.suite import build_plan
from tests.expectations.trial import RESOURCE, contract_of, row, rows

STRICTER = """
- rule: trial.resident.sex_code.in_code_list
  kwargs: {value_set: ["1"]}
- rule: trial.resident.full_name.short
  type: expect_column_values_to_have_element_format
  kwargs: {column: full_name, notation: "an..3"}
  severity: warn
  indicator: 格式合规性
  zh: 姓名不长于三个字符
  en: full_name has three characters at most
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_changed_rule_and_a_new_one_on_the_last_versions(site: Any, tmp_path: Path) -> None:
    first = site.fill()
    second = site.fill(
        [*rows(8), row(9, sex_code="2"), row(10, sex_code="7"), row(11, sex_code="2", full_name="甲乙丙丁")]
    )
    path = written(tmp_path, STRICTER)
    answer = CliRunner().invoke(app, ["simulate", RESOURCE, "--rule", str(path), "--batches", "2", "--json"])
    assert answer.exit_code == 0, answer.output
    found = {(one["rule_id"].rsplit(".", 1)[1], one["version"]): one for one in json.loads(answer.stdout)}
    assert len(found) == 4
    stricter, before = found["in_code_list", second], found["in_code_list", first]
    assert [stricter[n] for n in ("rows", "failed_before", "failed_after", "newly_failing", "freed")] == [
        11,
        1,
        3,
        2,
        0,
    ]
    assert (stricter["stops_before"], stricter["stops_after"]) == (True, True)
    assert (before["failed_after"], before["stops_before"], before["stops_after"]) == (0, False, False)
    new = found["short", second]
    assert [new[n] for n in ("failed_before", "failed_after", "newly_failing", "freed")] == [None, 1, 1, 0]
    assert not new["stops_after"]
    shown = CliRunner().invoke(app, ["simulate", RESOURCE, "--rule", str(path)], env={"COLUMNS": "200"})
    assert shown.exit_code == 0 and "trial.resident.full_name.short" in shown.output


def test_without_a_table(site: Any, tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["simulate", RESOURCE, "--rule", str(written(tmp_path, STRICTER))])
    assert isinstance(answer.exception, GuantongError) and "no version" in str(answer.exception)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "rule: x", "- {rule: a.b.c, kind: x}", "- {rule: trial.resident.x.new}", "\t- x"],
)
def test_a_proposal_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProposalError):
        proposed(build_plan(contract_of()), read_proposals(written(tmp_path, text)))


def test_a_proposed_rule_is_inspected_like_every_rule(tmp_path: Path) -> None:
    lenient = "- {rule: trial.resident.full_name.not_null, kwargs: {mostly: 0.5}}"
    with pytest.raises(SuiteRefusedError, match="mostly"):
        proposed(build_plan(contract_of()), read_proposals(written(tmp_path, lenient)))
    unknown = "- {rule: trial.resident.full_name.not_null, type: expect_miracles}"
    with pytest.raises(ProposalError, match="expect_miracles"):
        proposed(build_plan(contract_of()), read_proposals(written(tmp_path, unknown)))
    raised = "- {rule: trial.resident.full_name.not_null, severity: warn, kwargs: {mostly: 0.5}}"
    made = proposed(build_plan(contract_of()), read_proposals(written(tmp_path, raised)))
    assert (made[0].mostly, made[0].meta["severity"], made[0].meta["version"]) == (0.5, "warn", 2)


def test_activation_is_recorded_once_with_what_it_changes(site: Any) -> None:
    with session_scope() as session:
        session.execute(delete(RuleActivation).where(RuleActivation.resource == RESOURCE))
    site.fill()
    check(RESOURCE)
    with session_scope() as session:
        first = latest_activation(session, RESOURCE)
        assert first is not None and first.activated_by == "gate" and len(first.rules) > 20
    contract = get_registry().get(RESOURCE)
    assert activate(contract, get_registry(), "示范管理员") is None
    site.declare(bounds={"floor": 4, "max_age_days": 3})
    contract = get_registry().get(RESOURCE)
    changes = activate(contract, get_registry(), "示范管理员")
    assert changes == {
        "added": ["trial.resident.table.fresh"],
        "removed": ["trial.resident.table.row_ceiling"],
        "changed": ["trial.resident.table.row_floor"],
    }
    with session_scope() as session:
        [entry] = list_entries(session, AuditFilter(act="rule.activate", object=f"resource:{RESOURCE}"), limit=1)
    assert "示范管理员" in entry.detail
    answer = CliRunner().invoke(app, ["activate", RESOURCE, "--by", "示范管理员"])
    assert answer.exit_code == 0 and "规则未变" in answer.output
