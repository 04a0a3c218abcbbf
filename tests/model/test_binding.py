"""Contracts bound to data elements: what they inherit, and what is refused."""

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.model.binding import FINER
from catalog.model.contract import Item, Property
from catalog.model.element import Element
from catalog.model.elements import Elements, load_elements
from catalog.model.errors import ContractError
from catalog.model.exchange_types import exchange_type
from catalog.model.registry import RESOURCES, Registry, read_contract

DAY = date(2026, 3, 1)
INHERITED = {"logicalType", "physicalType", "classification", "standard", "code_list", "mask"}
BOUND = sorted(RESOURCES.glob("*/*.yml"))


def document(resource: str) -> dict[str, Any]:
    domain, name = resource.split(".")
    loaded: dict[str, Any] = yaml.safe_load((RESOURCES / domain / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


def property_of(made: dict[str, Any], column: str) -> dict[str, Any]:
    return next(p for p in made["schema"][0]["properties"] if p["name"] == column)


def write(folder: Path, made: dict[str, Any]) -> Path:
    path = folder / made["domain"] / f"{made['name']}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    return path


def refusal(folder: Path, made: dict[str, Any], elements: Elements | None = None) -> str:
    path = write(folder, made)
    with pytest.raises(ContractError) as refused:
        read_contract(path, elements, DAY)
    assert str(path) in str(refused.value), "the file is named"
    return str(refused.value)


def changed(element_id: str, **changes: Any) -> Elements:
    """Return the project's elements with one of them changed."""
    project = load_elements()
    found = [(e, project.path_of(e)) for i in project.ids() for e in project.versions(i)]
    return Elements((e.model_copy(update=changes) if e.id == element_id else e, path) for e, path in found)


@pytest.mark.parametrize("path", BOUND, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_column_is_bound_and_says_nothing_twice(path: Path):
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract = read_contract(path, day=DAY)
    assert contract.columns
    for column in contract.columns:
        item = made["government"]["items"][column]
        assert item["element"], column
        said = INHERITED & {*property_of(made, column), *item}
        reads_otherwise = "of" in item or item.get("standard") in FINER
        assert said == ({"standard"} if reads_otherwise else set()), column


def test_a_bound_column_has_what_its_element_says():
    contract = Registry(RESOURCES, day=DAY).get("population.resident")
    columns: dict[str, Property] = {p.name: p for p in contract.properties}
    assert columns["citizen_id"].classification == "personal"
    assert contract.item("citizen_id").standard == "citizen_id"
    assert contract.item("citizen_id").mask == "first_6"
    assert (columns["birth_date"].logical_type, columns["birth_date"].spark_type) == ("date", "date")
    sex = contract.item("sex_code")
    assert (sex.standard, sex.code_list, sex.agrees_with) == ("code", "sex", "citizen_id")
    assert columns["sex_code"].business_name == "性别代码", "the display name is the contract's own"


def test_what_the_contract_does_not_say_stays_unsaid():
    contract = Registry(RESOURCES, day=DAY).get("legal_entity.entity")
    assert "on_failure" not in contract.item("name").model_fields_set
    assert contract.item("uscc").on_failure == "flag"


def test_a_contract_may_repeat_what_its_element_says(tmp_path: Path):
    made = document("population.resident")
    property_of(made, "birth_date").update(logicalType="date", classification="personal")
    made["government"]["items"]["sex_code"].update(standard="code", code_list="sex")
    assert read_contract(write(tmp_path, made), day=DAY) == read_contract(
        RESOURCES / "population" / "resident.yml", day=DAY
    )
    property_of(made, "birth_date")["physicalType"] = "date"
    assert read_contract(write(tmp_path, made), day=DAY).columns


@pytest.mark.parametrize(
    ("where", "key", "value", "said"),
    [
        ("property", "logicalType", "string", "date"),
        ("property", "logical_type", "timestamp", "date"),
        ("property", "physicalType", "string", "date"),
        ("property", "classification", "public", "personal"),
        ("item", "standard", "text", "date"),
        ("item", "code_list", "sex", "nothing"),
        ("item", "mask", "none", "first_4"),
    ],
)
def test_a_contradiction_names_file_column_key_and_element(tmp_path: Path, where: str, key: str, value: str, said: str):
    made = document("population.resident")
    block = property_of(made, "birth_date") if where == "property" else made["government"]["items"]["birth_date"]
    block[key] = value
    message = refusal(tmp_path, made)
    expected = f"column birth_date: {key}: the contract says {value}, data element birth_date 1.0.0 says {said}"
    assert expected in message


def test_all_contradictions_are_told_at_once(tmp_path: Path):
    made = document("population.resident")
    property_of(made, "birth_date")["logicalType"] = "string"
    made["government"]["items"]["sex_code"]["code_list"] = "ethnic_group"
    message = refusal(tmp_path, made)
    assert "column birth_date: logicalType" in message and "column sex_code: code_list" in message


def test_unknown_and_retired_elements_are_refused(tmp_path: Path):
    made = document("population.resident")
    made["government"]["items"]["phone"]["element"] = "shoe_size"
    assert "column phone: no data element 'shoe_size'" in refusal(tmp_path, made)
    retired = changed("contact_telephone", status="retired")
    message = refusal(tmp_path, document("population.resident"), retired)
    assert "column phone: data element contact_telephone 1.0.0 is retired" in message


def test_malformed_contracts_are_still_explained_by_their_own_rules(tmp_path: Path):
    made = document("population.resident")
    for items in ("none", {"phone": "text"}, None):
        broken = copy.deepcopy(made)
        broken["government"]["items"] = items
        assert "government.items" in refusal(tmp_path, broken)
    (tmp_path / "population" / "resident.yml").write_text("- a list\n", encoding="utf-8")
    with pytest.raises(ContractError):
        read_contract(tmp_path / "population" / "resident.yml")


GOLD = [c.id for c in Registry(RESOURCES, day=DAY).all("gold")]


@pytest.mark.parametrize("resource", GOLD)
def test_a_shared_table_binds_every_column(tmp_path: Path, resource: str):
    made = document(resource)
    column = made["schema"][0]["properties"][1]["name"]
    element = made["government"]["items"][column].pop("element")
    assert f"column {column}: no government.items.{column}.element" in refusal(tmp_path, made)
    made["government"]["items"].pop(column)
    assert f"column {column}: no government.items.{column}.element" in refusal(tmp_path, made)
    assert "is a draft" in refusal(tmp_path, document(resource), changed(element, status="draft"))


@pytest.mark.parametrize("resource", GOLD)
def test_type_and_length_of_every_published_column_follow_from_its_element(resource: str):
    registry = Registry(RESOURCES, day=DAY)
    contract = registry.get(resource)
    types = {column: exchange_type(element) for column, element in registry.elements_of(contract).items()}
    assert list(types) == contract.columns
    letters = {"date": "D", "timestamp": "T", "boolean": "L", "integer": "I"}
    for column in contract.properties:
        expected = letters.get(column.logical_type)
        assert types[column.name].letter == expected or (expected is None and types[column.name].letter in "CMNY")
        assert types[column.name].length or types[column.name].letter == "M"


def test_changing_an_element_changes_every_contract_it_touches_and_no_other():
    before, after = (
        Registry(RESOURCES, day=DAY),
        Registry(RESOURCES, day=DAY, elements=changed("sex_code", classification="personal", mask="all")),
    )
    touched = {contract.id for contract, _ in before.bindings_of("sex_code")}
    assert touched == {
        "population.insured_person", "population.person", "population.resident", "population.resident_basic"
    }  # fmt: skip
    assert {c.id for c in before.all() if c != after.get(c.id)} == touched
    assert {c.id for c in before.all() if before.sha256(c.id) != after.sha256(c.id)} == touched
    assert after.get("population.person").item("sex_code").mask == "all"


def test_a_later_version_holds_from_its_day(tmp_path: Path):
    sex = load_elements().on("sex_code", DAY)
    path = load_elements().path_of(sex)
    later = Element.model_validate(
        {**sex.model_dump(by_alias=True), "version": "2.0.0", "valid_from": "2026-07-01", "value_domain": {}}
    )
    project = [
        (e.model_copy(update={"valid_to": date(2026, 6, 30)}) if e.id == "sex_code" else e, path)
        for e in load_elements().in_force(DAY)
    ]
    elements = Elements([*project, (later, path)])
    june, july = (
        Registry(RESOURCES, elements=elements, day=day).get("population.resident").item("sex_code")
        for day in (date(2026, 6, 30), date(2026, 7, 1))
    )
    assert (june.standard, june.code_list) == ("code", "sex")
    assert (july.standard, july.code_list) == ("text", None)


def test_an_unbound_source_column_keeps_what_the_contract_says(tmp_path: Path):
    made = document("population.resident")
    made["government"]["items"]["phone"] = {"standard": "name", "on_failure": "flag"}
    contract = read_contract(write(tmp_path, made), day=DAY)
    assert contract.item("phone") == Item(standard="name", on_failure="flag")
