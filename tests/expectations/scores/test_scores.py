"""Scores: every A and B counted by hand, what cannot be evaluated apart, weights and grades as the file says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import yaml

from catalog.control.issues import IssueState
from catalog.model.authority import checked_elements, get_authority
from catalog.model.contract import Contract
from catalog.model.errors import ContractError
from catalog.model.reasons import load_reasons
from catalog.model.record_flag import load_freshness
from catalog.model.registry import get_registry
from expectations.rule import Rule
from expectations.scores.command import percent
from expectations.scores.evidence import Delivered, Evidence, RuleCount
from expectations.scores.measure import measure_batch, measure_resource
from expectations.scores.scheme import SCORES, load_scheme
from expectations.scores.score import Measured, Score, quality_of, together
from tests.stages.extract.shop_contract import contract_document, file_source

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def contract() -> Contract:
    columns = {"record_no": "记录号", "uscc": "代码", "opened_date": "日期", "status_code": "状态", "note": "备注"}
    document = contract_document(file_source(key=["record_no"]), "scored", columns)
    document["schema"][0]["properties"][1] |= {"required": True, "primaryKey": True}
    document["schema"][0]["properties"][0] |= {"primaryKey": False}
    document["government"]["items"] |= {
        "uscc": {"standard": "uscc"},
        "opened_date": {"standard": "date"},
        "status_code": {"standard": "code", "code_list": "entity_status"},
    }
    return Contract.model_validate(document)


def issue(batch: str, column: str, reason: str, waits: int, **closed: int) -> IssueState:
    return IssueState("licence.scored", "transport", batch, "set_aside", column, reason, waits, closed, None, NOW, "d")


def evidence(**changed: Any) -> Evidence:
    found = Evidence(
        contract=contract(),
        batches=[
            Delivered("b1", date(2026, 3, 2), 100, 100, 98, 10, 2),
            Delivered("b2", date(2026, 3, 3), 60, 50, 50, 5, 0),
            Delivered("b3", date(2026, 3, 20), None, 50, 50, 0, 0),
        ],
        issues=[
            issue("b1", "uscc", "USCC_CHECKSUM", 4, mended=2),
            issue("b1", "uscc", "REQUIRED_MISSING", 1),
            issue("b1", "status_code", "CODE_UNKNOWN", 0, replayed=3),
            issue("b2", "opened_date", "DATE_FORMAT", 3),
            issue("b2", "", "DUPLICATE_KEY", 2),
        ],
        unusual=frozenset({"b3"}),
        compared=frozenset({"b2", "b3"}),
        rules=[
            RuleCount("r1", "数据模型", "", "", 0, 1),
            RuleCount("r2", "数据模型", "", "", 1, 1),
            RuleCount("r3", "业务规则", "", "", 7, 180),
        ],
        checks=(3, 4),
        runs=(9, 10),
        rows=180,
    )
    return replace(found, **changed)


def ab(measured: dict[str, Measured]) -> dict[str, Any]:
    return {name: m.not_evaluable or (m.a, m.b) for name, m in measured.items()}


def test_a_batch_keeps_every_fault_that_it_came_with():
    measured = ab(measure_batch(load_scheme(), get_registry(), evidence(), "b1"))
    assert len(measured) == 20
    assert measured == {
        "数据标准": (0, 5), "数据模型": "NOT_OF_A_BATCH", "元数据": (1, 8), "业务规则": "NOT_OF_A_BATCH",
        "权威参考数据": (98 - 3, 98), "安全规范": "NO_SUCH_COLUMN",
        "数据元素": (98 - 1, 98), "数据记录": (100, 100),
        "内容正确性": (196 - 6, 196), "格式合规性": (196, 196), "重复率": (0, 98), "唯一性": (98, 98),
        "脏数据出现率": (12, 100),
        "相同数据": "NOT_OF_A_BATCH", "关联数据": "NO_SUCH_COLUMN",
        "时间段正确性": "HISTORY_SHORT", "时间点及时性": "FIRST_DELIVERY", "时序性": "NO_SOURCE_TIME",
        "可访问": "NOT_OF_A_BATCH", "可用": "NOT_OF_A_BATCH",
    }  # fmt: skip


def test_a_resource_is_rid_of_what_was_mended():
    measured = ab(measure_resource(load_scheme(), get_registry(), evidence()))
    assert measured == {
        "数据标准": (0, 5), "数据模型": (1, 2), "元数据": (1, 8), "业务规则": (173, 180),
        "权威参考数据": (198, 198), "安全规范": "NO_SUCH_COLUMN",
        "数据元素": (197, 198), "数据记录": (150, 160),
        "内容正确性": (396 - 4, 396), "格式合规性": (396 - 3, 396), "重复率": (2, 198), "唯一性": (196, 198),
        "脏数据出现率": (17 - 5, 200),
        "相同数据": "NOT_COMPARED", "关联数据": "NO_SUCH_COLUMN",
        "时间段正确性": (1, 2), "时间点及时性": (1, 2), "时序性": "NO_SOURCE_TIME",
        "可访问": (9, 10), "可用": (3, 4),
    }  # fmt: skip
    with pytest.raises(LookupError, match="no accepted batch b9"):
        measure_batch(load_scheme(), get_registry(), evidence(), "b9")


def test_what_is_made_is_judged_by_the_gate_and_conflicts():
    person = get_registry().get("population.person")
    made = evidence(contract=person, batches=[], issues=[], conflicts=6, rows=100)
    measured = ab(measure_resource(load_scheme(), get_registry(), made))
    checked = checked_elements(person, get_registry(), get_authority().of(person))
    compared = len(checked)
    assert "name" in checked and "phone" not in checked
    assert measured["相同数据"] == (100 * compared - 6, 100 * compared)
    assert measured["业务规则"] == (173, 180) and measured["数据元素"] == "NO_SUCH_RULE"
    assert measured["脏数据出现率"] == "NOT_DELIVERED"
    never = ab(measure_resource(load_scheme(), get_registry(), replace(made, rules=[], checks=(0, 0), runs=(0, 0))))
    assert (never["业务规则"], never["可用"], never["可访问"]) == ("NEVER_CHECKED", "NEVER_CHECKED", "NEVER_RUN")


def test_not_evaluable_is_never_a_hundred_per_cent():
    scheme = load_scheme()
    nothing = {name: Measured(not_evaluable="NO_ROWS") for name in scheme.indicators}
    empty = Score(scheme, nothing)
    assert empty.overall is None and empty.grade is None and empty.evaluable == 0 and percent(None) == "不可评价"
    one = Score(scheme, {**nothing, "数据元素": Measured(1, 4)})
    assert (one.overall, one.evaluable) == (0.25, 1) and one.grade.name == "差"
    for wrong in ({}, {"a": 1}, {"a": 1, "b": 2, "not_evaluable": "NO_ROWS"}, {"a": 3, "b": 2}, {"a": 0, "b": 0}):
        with pytest.raises(ValueError, match=r"A|reason"):
            Measured(**wrong)


def test_scores_are_weighted_means_and_inverse_ones_are_turned_round():
    scheme = load_scheme()
    nothing = {name: Measured(not_evaluable="NO_ROWS") for name in scheme.indicators}
    dirty = scheme.indicators["脏数据出现率"]
    assert dirty.inverse and quality_of(dirty, Measured(1, 10)) == 0.9
    score = Score(
        scheme, {**nothing, "数据元素": Measured(1, 1), "数据记录": Measured(1, 2), "脏数据出现率": Measured(1, 10)}
    )
    whole, accurate = (next(d for d in scheme.dimensions if d.name == name) for name in ("完整性", "准确性"))
    weights = {i.name: i.weight for i in whole.indicators}
    expected = (weights["数据元素"] + weights["数据记录"] / 2) / sum(weights.values())
    assert score.of_dimension(whole) == pytest.approx(expected)
    total = (expected * whole.weight + 0.9 * accurate.weight) / (whole.weight + accurate.weight)
    assert score.overall == pytest.approx(total)
    assert score.grade.name == "低", "of 0.87 on the whole, and 0.9 and 0.83 in parts, but a tenth of the rows is bad"
    right = {name: Measured(0 if i.inverse else 100, 100) for name, i in scheme.indicators.items()}
    hidden = Score(scheme, {**right, "相同数据": Measured(0, 100), "关联数据": Measured(0, 100)})
    assert hidden.overall == pytest.approx(0.85) and hidden.grade.name == "低", "nothing right in one dimension"
    both = together(scheme, [score.measured, {**nothing, "数据元素": Measured(0, 3)}])
    assert both["数据元素"] == Measured(1, 4) and both["数据标准"].not_evaluable == "NO_ROWS"


def test_the_scheme_has_the_indicators_of_the_gates_rules_and_texts_for_every_outcome():
    scheme = load_scheme()
    assert len(scheme.dimensions) == 6 and len(scheme.indicators) == 20 and len(scheme.grades) == 5
    for dimension in scheme.dimensions:
        for indicator in dimension.indicators:
            assert Rule("a.b.c", "warn", indicator.name, "", "", "d").meta["dimension"] == dimension.name
    assert [scheme.grade_of(x).name for x in (1.0, 0.95, 0.94, 0.85, 0.7, 0.0)] == ["优", "优", "良", "中", "低", "差"]
    cycles = {c.government.update_cycle for c in get_registry().all()}
    assert cycles and cycles <= load_freshness().days_of_cycle.keys()
    row_codes = [
        c for c in load_reasons() if c.startswith(("USCC_", "CITIZEN_ID_", "DATE_", "LICENCE_ID_", "DIVISION_"))
    ]
    assert len(row_codes) > 30
    assert [c for c in row_codes if scheme.fault_of(c) is None] == ["CITIZEN_ID_UPGRADED"]


def test_a_scheme_that_contradicts_itself_is_refused(tmp_path):
    document = yaml.safe_load(SCORES.read_text(encoding="utf-8"))
    document["faults"].append(["X", "美观性"])
    path = tmp_path / "scores.yml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match="美观性"):
        load_scheme(path)
    document["faults"].pop()
    document["bad_rows"]["at_most"][1]["share"] = 0.001
    path = tmp_path / "sunk.yml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError, match="rise from grade to grade"):
        load_scheme(path)
