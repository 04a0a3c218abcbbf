"""The registry of data elements: its notation, its versions, its names, and what the catalogue makes of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.model.codes import load_code_list
from catalog.model.element import Element
from catalog.model.element_format import parse_format
from catalog.model.elements import ELEMENTS, Elements, load_elements, read_elements
from catalog.model.errors import ContractError
from catalog.model.exchange_types import exchange_type
from catalog.model.masks import apply_mask
from catalog.model.settings import CHECKOUT

DAY = date(2026, 3, 1)
SEX: dict[str, Any] = {
    "id": "sex_code",
    "version": "1.0.0",
    "name": "性别代码",
    "english": "Sex Code",
    "definition": "人的生理性别的代码",
    "object_class": "person",
    "property": "性别",
    "representation": "code",
    "format": "n1",
    "value_domain": {"code_list": "sex"},
    "synonyms": ["性别", "XB"],
    "submitted_by": "public_security",
}


def write(folder: Path, *entries: Any, name: str = "person") -> Path:
    path = folder / f"{name}.yml"
    path.write_text(yaml.safe_dump(list(entries), allow_unicode=True), encoding="utf-8")
    return path


def read(folder: Path, *entries: Any) -> Elements:
    path = write(folder, *entries)
    return Elements((element, path) for element in read_elements(path))


def refusal(folder: Path, *entries: Any) -> str:
    with pytest.raises(ContractError) as refused:
        read(folder, *entries)
    assert str(folder / "person.yml") in str(refused.value), "the file is named"
    return str(refused.value)


def versions() -> list[Element]:
    registry = load_elements()
    return [version for element_id in registry.ids() for version in registry.versions(element_id)]


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("an18", ("an", 18, 18, 0)),
        ("an..20", ("an", 1, 20, 0)),
        ("an8..20", ("an", 8, 20, 0)),
        ("a..", ("a", 1, None, 0)),
        ("a..ul", ("a", 1, None, 0)),
        ("n1", ("n", 1, 1, 0)),
        ("n..10,2", ("n", 1, 10, 2)),
        ("d8", ("date", 8, 8, 0)),
        ("YYYYMMDD", ("date", 8, 8, 0)),
        ("YYYY-MM-DD", ("date", 10, 10, 0)),
        ("YYYYMMDDhhmmss", ("instant", 14, 14, 0)),
        ("bl", ("boolean", 1, 1, 0)),
    ],
)
def test_notation_says_characters_length_and_decimals(notation: str, expected: tuple[Any, ...]):
    form = parse_format(notation)
    assert (form.characters, form.shortest, form.longest, form.decimals) == expected


@pytest.mark.parametrize(
    "notation",
    ["", "18", "an", "an0", "x5", "an..20,2", "n..,2", "n..2,2", "an20..8", "an18 ", "n..１０", "d9"],
)
def test_what_is_no_notation_is_refused(notation: str):
    with pytest.raises(ValueError, match=r"is no format|longer than|decimals belong"):
        parse_format(notation)


def test_every_element_of_the_project_is_whole():
    known = {entry["id"] for entry in yaml.safe_load((CHECKOUT / "catalog/departments.yml").read_text("utf-8"))}
    assert len(versions()) > 70
    for element in versions():
        assert element.submitted_by in known, element.id
        assert element.definition != element.name


@pytest.mark.parametrize(
    ("element_id", "values"),
    [
        ("citizen_id", ["11010519491231002X", "440524188001010014"]),
        ("uscc", ["91350100M000100Y43"]),
        ("licence_id", [
            "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
            "1.2.156.3005.2.11100000000013338W011.11430000006122244L.1.001.U",
        ]),
        ("holder_code", ["11010519491231002X", "91350100M000100Y43"]),
        ("division_code", ["110105"]),
        ("person_name", ["张三", "阿依古丽·买买提"]),
        ("entity_name", ["示范58同城（北京）有限公司"]),
        ("birth_date", ["19491231", "20240229"]),
        ("registered_capital_amount", ["0.0001", "9999999999999999.9999", "100"]),
        ("university_code", ["4111010001"]),
    ],
)  # fmt: skip
def test_formats_accept_what_the_standards_give_as_examples(element_id: str, values: list[str]):
    form = load_elements().on(element_id, DAY).form
    assert [value for value in values if not form.accepts(value)] == []


def test_every_code_list_named_exists_and_its_codes_have_the_form():
    with_list = [element for element in versions() if element.value_domain.code_list]
    assert len(with_list) >= 10
    for element in with_list:
        codes = load_code_list(str(element.value_domain.code_list)).canonical_codes
        assert codes
        assert [code for code in codes if not element.form.accepts(code)] == [], element.id


def test_a_heading_means_one_element_of_an_object_class(tmp_path: Path):
    other = {**SEX, "id": "gender", "name": "社会性别", "english": "Gender", "synonyms": [" x b（必填）"]}
    said = refusal(tmp_path, SEX, other)
    assert "synonyms" in said and "sex_code" in said and "gender" in said
    assert len(read(tmp_path, SEX, {**other, "object_class": "animal"}).ids()) == 2


def test_the_version_in_force_on_the_day_is_taken(tmp_path: Path):
    registry = read(
        tmp_path,
        {**SEX, "version": "2.0.0", "valid_from": "2020-01-01", "format": "an1"},
        {**SEX, "valid_from": "2000-01-01", "valid_to": "2019-12-31"},
    )
    assert [v.version for v in registry.versions("sex_code")] == ["1.0.0", "2.0.0"]
    assert registry.on("sex_code", date(2019, 12, 31)).version == "1.0.0"
    assert registry.on("sex_code", date(2020, 1, 1)).format == "an1"
    with pytest.raises(ContractError, match="no version of data element sex_code is in force on 1999-12-31"):
        registry.on("sex_code", date(1999, 12, 31))
    assert registry.in_force(date(1999, 12, 31)) == []


def test_industry_codes_changed_with_their_standard():
    registry = load_elements()
    before, after = (registry.on("industry_code", day) for day in (date(2017, 9, 30), date(2017, 10, 1)))
    assert (before.citation, after.citation) == ("GB/T 4754-2011", "GB/T 4754-2017")
    assert (before.standard, after.standard) == ("text", "code")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"format": "x1"}, "format"),
        ({"format": "YYYYMMDD"}, "format"),
        ({"value_domain": {"code_list": "no_such_list"}}, "value_domain.code_list"),
        ({"value_domain": {"code_list": "sex", "standard": "date"}}, "value_domain"),
        ({"value_domain": {"standard": "code"}}, "value_domain"),
        ({"classification": "personal"}, "mask"),
        ({"mask": "last_2"}, "mask"),
        ({"colour": "red"}, "colour"),
        ({"definition": None}, "definition"),
        ({"status": "old"}, "status"),
        ({"valid_from": "2020-01-02", "valid_to": "2020-01-01"}, "valid_to"),
        ({"representation": "quantity", "format": "n..19", "value_domain": {}}, "format"),
        ({"representation": "amount", "format": "n..", "value_domain": {}}, "format"),
    ],
)
def test_an_element_that_contradicts_itself_is_refused_with_file_and_key(tmp_path: Path, change: Any, key: str):
    said = refusal(tmp_path, {**SEX, **change})
    assert "element sex_code" in said
    assert key in said


def test_versions_never_overlap(tmp_path: Path):
    assert "overlaps version 1.0.0" in refusal(tmp_path, SEX, {**SEX, "version": "2.0.0", "valid_from": "2020-01-01"})
    assert "version: stands twice" in refusal(tmp_path, SEX, {**SEX, "valid_from": "2020-01-01"})


def test_a_file_that_is_no_list_is_refused(tmp_path: Path):
    path = tmp_path / "person.yml"
    path.write_text("id: sex_code\n", encoding="utf-8")
    with pytest.raises(ContractError, match="is a list"):
        read_elements(path)


def test_unknown_elements_are_refused_with_where_to_look():
    with pytest.raises(ContractError, match="no data element 'shoe_size'") as refused:
        load_elements().on("shoe_size", DAY)
    assert "elements list" in str(refused.value) and str(ELEMENTS) in str(refused.value)


def test_type_and_length_in_the_catalogue_follow_from_the_element():
    registry = load_elements()
    kinds = {
        element_id: str(exchange_type(registry.on(element_id, DAY)))
        for element_id in (
            "citizen_id", "sex_code", "birth_date", "registered_capital_amount", "credit_score", "insured_count",
            "source_record_number", "is_insured", "business_scope", "entity_name",
        )
    }  # fmt: skip
    assert kinds == {
        "citizen_id": "C(18)", "sex_code": "C(1)", "birth_date": "D(8)", "registered_capital_amount": "Y(20,4)",
        "credit_score": "N(10,4)", "insured_count": "I(8)", "source_record_number": "I(18)", "is_insured": "L(1)",
        "business_scope": "M", "entity_name": "C(200)",
    }  # fmt: skip
    moment = Element.model_validate(
        {**SEX, "representation": "instant", "format": "YYYYMMDDhhmmss", "value_domain": {}, "synonyms": []}
    )
    assert str(exchange_type(moment)) == "T(14)"


def test_a_column_is_as_wide_as_its_format_needs():
    amount = {**SEX, "representation": "amount", "value_domain": {}}
    assert Element.model_validate({**amount, "format": "n..20,4"}).spark_type == "decimal(20,4)"
    assert Element.model_validate({**amount, "format": "n..18,2"}).spark_type == "decimal(20,4)"
    assert Element.model_validate({**amount, "format": "n..24,6"}).spark_type == "decimal(24,6)"


def test_personal_elements_say_how_they_are_hidden():
    personal = [element for element in versions() if element.classification == "personal"]
    assert len(personal) >= 10
    for element in personal:
        assert "*" in apply_mask(element.mask, "示范姓名")
