"""The file of authorities: whole, or refused with every gap at once."""

from datetime import date

import pytest
import yaml

from catalog.model.authority import AUTHORITY, AuthorityError, get_authority, load_authority
from catalog.model.registry import RESOURCES, Registry

ENTITY = "legal_entity.entity"


@pytest.fixture(scope="module")
def registry():
    return Registry(RESOURCES)


@pytest.fixture
def refused(tmp_path, registry):
    """Return what is said about the project's file after ``change`` was made to it."""

    def say(change):
        document = yaml.safe_load(AUTHORITY.read_text(encoding="utf-8"))
        change(document)
        path = tmp_path / "authority.yml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        with pytest.raises(AuthorityError) as error:
            load_authority(path, registry=registry)
        return str(error.value)

    return say


def rule(document, element, library="population.person"):
    return next(r for r in document[library]["rules"] if element in r["elements"])


def test_the_projects_file_is_whole(registry):
    assert set(load_authority(AUTHORITY, registry=registry).libraries) >= {ENTITY, "population.person"}
    assert get_authority() is get_authority()


def test_an_element_without_a_source_is_refused(refused):
    said = refused(lambda d: rule(d, "phone")["elements"].remove("phone"))
    assert "population.person.phone: it has no source" in said
    assert "AUTHORITY_INVALID" in said


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda d: d.pop("population.person"), "population.person: no source is named"),
        (lambda d: rule(d, "phone").update(valid_to=date(2026, 1, 1)), "phone: it has no source after 2026-01-01"),
        (lambda d: rule(d, "phone").update(valid_from=date(2026, 1, 1)), "it has no source before 2026-01-01"),
        (lambda d: rule(d, "phone").update(source="population.insured_person"), "is no input that has it"),
        (lambda d: rule(d, "phone")["elements"].append("name"), "name: it has two sources"),
        (lambda d: rule(d, "phone")["elements"].append("citizen_id"), "citizen_id: sources do not decide"),
        (lambda d: rule(d, "name").update(segment="nobody"), "segment nobody is not described"),
        (lambda d: rule(d, "name").update(fallbacks=["population.resident"]), "a source stands twice"),
        (lambda d: rule(d, "name").pop("basis"), "basis"),
        (lambda d: d.update({"water.well": d["population.person"]}), "water.well: there is no such base library"),
        (lambda d: d[ENTITY]["segments"]["public_institution"].update(key="("), "cannot be read"),
    ],
)
def test_what_contradicts_the_contracts_is_refused(refused, change, expected):
    assert expected in refused(change)


def test_a_gap_between_two_periods_is_refused(refused):
    def change(document):
        old = rule(document, "phone")
        new = {**old, "valid_from": date(2026, 2, 1)}
        old["valid_to"] = date(2026, 1, 1)
        document["population.person"]["rules"].append(new)

    assert "phone: it has no source from 2026-01-02 to 2026-02-01" in refused(change)


def test_rules_follow_the_day_and_the_segment(registry):
    library = load_authority(AUTHORITY, registry=registry).libraries[ENTITY]
    day = date(2026, 3, 1)
    assert library.rule_for("name", "92510107MB0000001A", day).source == "legal_entity.individual_business"
    assert library.rule_for("name", "91510107MB0000001A", day).source == "legal_entity.enterprise"
    assert library.order_for("insured_count", "12510107MB0000001A", day) == ["legal_entity.insured_employer"]


def test_the_digest_moves_with_what_decides_and_with_nothing_else(registry):
    library = load_authority(AUTHORITY, registry=registry).libraries["population.person"]
    day = date(2026, 3, 1)
    ends, begins = library.rules[0], library.rules[0]
    turned = library.model_copy(
        update={
            "rules": [
                ends.model_copy(update={"valid_to": day}),
                begins.model_copy(update={"valid_from": date(2026, 3, 2), "fallbacks": []}),
                *library.rules[1:],
            ]
        }
    )
    assert turned.digest(day) == library.digest(day)
    assert turned.digest(date(2026, 3, 2)) != turned.digest(day)
