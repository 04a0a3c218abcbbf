"""Bindings proposed for a new source's headings, and the warning for what another department already provides."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from catalog.model.collection import duplicate_collections
from catalog.model.elements import load_elements
from catalog.model.registry import RESOURCES, Registry, read_contract
from catalog.model.suggestions import LEAST_SIMILARITY, NAME_SCORE, SYNONYM_SCORE, render_items, suggest

DAY = date(2026, 3, 1)
ELEMENTS = load_elements().in_force(DAY)


def placed(*headings: str, object_class: str | None = None) -> list[str | None]:
    return [s.element.id if s.element else None for s in suggest(headings, ELEMENTS, object_class)]


def test_names_come_before_synonyms_before_likeness():
    exact, synonym, alike, nothing = suggest(["公民身份号码", "身份证号", "身份证号吗", "血型"], ELEMENTS)
    assert [s.element and s.element.id for s in (exact, synonym, alike)] == ["citizen_id"] * 3
    assert (exact.score, synonym.score) == (NAME_SCORE, SYNONYM_SCORE)
    assert LEAST_SIMILARITY * 0.9 <= alike.score < SYNONYM_SCORE
    assert "身份证号" in alike.reason
    assert nothing.element is None and nothing.score == 0


@pytest.mark.parametrize(
    "heading", ["ＳＦＺＨ", "sfzh", " 身份证　号（必填）", "*身份证号码:", "id_card", "ID CARD", "\ufeff身份证号\u200b"]
)
def test_how_a_heading_is_typed_does_not_matter(heading: str):
    assert placed(heading) == ["citizen_id"]


def test_a_heading_of_several_classes_goes_with_its_neighbours():
    assert placed("姓名", "身份证号", "地址", "状态") == [
        "person_name", "citizen_id", "residential_address", "residence_status_code"
    ]  # fmt: skip
    assert placed("企业名称", "统一社会信用代码", "地址", "状态") == [
        "entity_name", "uscc", "registered_address", "entity_status_code"
    ]  # fmt: skip
    assert placed("状态", object_class="licence") == ["licence_status_code"]
    (status,) = suggest(["状态"], ELEMENTS, "licence")
    assert "entity_status_code" in status.others


def test_the_headings_of_every_source_lead_to_what_its_contract_is_bound_to():
    wrong, asked = [], 0
    for contract in Registry(RESOURCES, day=DAY).all("silver"):
        bound = {
            name: contract.item(column).element
            for column in contract.columns
            for name in contract.item(column).source_names
            if not name.startswith("_")
        }
        found = suggest(list(bound), ELEMENTS)
        asked += len(bound)
        wrong += [each for each in found if not each.element or each.element.id != bound[each.heading]]
        for each in found:
            assert each.element is None or bound[each.heading] in (each.element.id, *each.others), each
    assert asked >= 100
    assert {each.heading for each in wrong} == {"code", "character", "status"}, "they say too little alone"


def test_the_block_is_a_contract_ready_to_paste(tmp_path: Path):
    text = render_items(suggest(["姓名", "户主姓名:", "身份证号", "姓名（曾用）", "血型"], ELEMENTS))
    assert "# 0.95 synonym of 公民身份号码" in text and "# not placed: 血型" in text
    items = yaml.safe_load(text)["items"]
    assert items["citizen_id"] == {"from": ["身份证号"], "element": "citizen_id"}
    assert {"person_name", "person_name_2"} <= set(items), "one element twice is two columns"
    made = yaml.safe_load((RESOURCES / "population" / "household.yml").read_text(encoding="utf-8"))
    made["schema"][0]["properties"] = [{"name": c, "businessName": c, "primaryKey": True} for c in items]
    made["government"]["items"] = items
    made["government"]["source"]["key"] = list(items)
    path = tmp_path / "population" / "household.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    assert read_contract(path, day=DAY).item("citizen_id").standard == "citizen_id"


def test_what_another_department_provides_is_named_with_its_resource():
    registry = Registry(RESOURCES, day=DAY)
    found = duplicate_collections(registry, "population.insured_person")
    assert [(d.column, d.element.submitted_by, d.resources) for d in found] == [
        ("name", "public_security", ("population.resident",)),
        ("sex_code", "public_security", ("population.resident",)),
    ]
    said = str(found[0])
    for named in ("DUPLICATE_COLLECTION", "insured_person.name", "姓名", "public_security", "population.resident"):
        assert named in said


def test_keys_references_and_own_facts_are_no_duplicates():
    registry = Registry(RESOURCES, day=DAY)
    found = duplicate_collections(registry)
    assert len(found) >= 8
    assert not [d for d in found if d.element.is_identifier]
    assert not [d for d in found if d.column in registry.get(d.source).key]
    assert not [d for d in found if d.element.submitted_by == d.department]
    assert duplicate_collections(registry, "population.resident") == []
    assert duplicate_collections(registry, "population.person") == [], "a base library collects nothing"
