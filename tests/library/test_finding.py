"""Licences, relations and places, asked of the libraries on a day."""

from datetime import date

from catalog.library.finding import entities_in_division, entities_with
from catalog.library.licences import expiring, licences_of, live_licences_of
from catalog.library.relations import load_relations, relations_of
from catalog.model.registry import get_registry

ANN, BEN, CAT = "11010519491231002X", "440524188001010014", "320311197707060018"
FIRM, BRANCH = "91510107MB0000001B", "91510107MB0000002C"
ROAD = "1.2.156.3005.2.11510000MB001B006G001.11510000MB001B006G"
DRUG = "1.2.156.3005.2.11510000MB000W008R001.11510000MB000W008R"
DAY = date(2026, 3, 10)


def licence(tell, name, holder, issued, until, status="1", valid_from=None):
    source = "licence.road_transport" if name.startswith(ROAD) else "licence.drug_business"
    said = {
        "licence_type_code": name.split(".")[5], "licence_no": "示字1", "holder_code": holder, "holder_name": "示范",
        "status_code": status, "issued_date": issued, "valid_to_date": until,
    }  # fmt: skip
    tell(source, name, 1, {k: v for k, v in {**said, "valid_from_date": valid_from}.items() if v})


def test_one_look_by_holder_returns_every_licence_with_its_validity(tell):
    licence(tell, f"{DRUG}.2024000001.001.A", FIRM, "2024-01-01", "2026-03-10")
    licence(tell, f"{DRUG}.2024000002.001.A", FIRM, "2024-01-01", "2026-03-09")
    licence(tell, f"{DRUG}.2024000003.001.A", FIRM, "2024-01-01", None, status="5")
    licence(tell, f"{DRUG}.2024000004.001.A", FIRM, "2024-01-01", "2027-01-01", valid_from="2026-04-01")
    licence(tell, f"{DRUG}.2024000005.001.A", FIRM, "2024-01-01", "2027-01-01")
    licence(tell, f"{DRUG}.2024000005.002.A", FIRM, "2025-01-01", "2028-01-01")
    licence(tell, f"{ROAD}.2024000006.001.A", FIRM, "2024-01-01", "2027-01-01")
    licence(tell, f"{ROAD}.2025000007.001.A", FIRM, "2025-06-01", "2027-01-01")
    licence(tell, f"{DRUG}.2024000008.001.A", BRANCH, "2024-01-01", "2027-01-01")
    found = {
        j.licence.licence_id.split(".")[-3][-1] + j.licence.version[-1]: j.validity for j in licences_of(FIRM, DAY)
    }
    assert found == {
        "11": "valid", "21": "expired", "31": "revoked", "41": "not_yet_valid", "51": "superseded", "52": "valid",
        "61": "superseded", "71": "valid",
    }  # fmt: skip
    assert len(live_licences_of(FIRM, DAY)) == 3
    assert len(live_licences_of(FIRM, date(2026, 3, 11))) == 2, "nothing is stored: another day, another answer"
    assert live_licences_of("91510107MB0000009X", DAY) == []


def test_the_feed_of_expiring_licences_leaves_out_what_is_already_replaced(tell):
    licence(tell, f"{ROAD}.2024000001.001.A", FIRM, "2024-01-01", "2026-03-20")
    licence(tell, f"{ROAD}.2026000002.001.A", FIRM, "2026-03-01", "2030-03-01")
    licence(tell, f"{ROAD}.2024000003.001.A", BRANCH, "2024-01-01", "2026-03-25")
    licence(tell, f"{DRUG}.2024000004.001.A", BRANCH, "2024-01-01", "2026-03-10")
    licence(tell, f"{DRUG}.2024000005.001.A", BRANCH, "2024-01-01", "2026-05-01")
    assert [x.licence_id.split(".")[-3] for x in expiring(DAY, 30)] == ["2024000004", "2024000003"]
    assert [x.valid_to_date.day for x in expiring(DAY, 30)] == [10, 25]
    assert len(expiring(DAY, 0)) == 1


def test_relations_are_answered_from_both_sides(tell):
    tell("legal_entity.enterprise", FIRM, 1, {"name": "示范建设有限公司"})
    tell("legal_entity.enterprise", BRANCH, 1, {"name": "示范建设有限公司成都分公司"})
    tell("legal_entity.enterprise", "91510107MB0000003D", 1, {"name": "示范建设有限公司工会"})
    tell("legal_entity.legal_representative", FIRM, 1, {"representative_citizen_id": ANN})
    tell("population.resident", ANN, 1, {"name": "示范甲", "household_no": "H1"})
    tell("population.resident", BEN, 1, {"name": "示范乙", "household_no": "H1"})
    tell("population.insured_person", BEN, 1, {"employer_uscc": FIRM})
    licence(tell, f"{ROAD}.2024000001.001.A", FIRM, "2024-01-01", None)

    def told(resource, key):
        return sorted((r.kind, r.direction, r.other.entity_key) for r in relations_of(resource, key))

    assert told("legal_entity.entity", FIRM) == [
        ("employer", "in", BEN),
        ("legal_representative", "out", ANN),
        ("licence_holder", "in", f"{ROAD}.2024000001.001.A"),
        ("parent_entity", "in", BRANCH),
    ]
    assert told("population.person", ANN) == [("household", "shared", BEN), ("legal_representative", "in", FIRM)]
    assert told("legal_entity.entity", BRANCH) == [("parent_entity", "out", FIRM)]
    tell("legal_entity.legal_representative", FIRM, 5, {"representative_citizen_id": BEN})
    assert ("legal_representative", "in", FIRM) not in told("population.person", ANN)
    before = relations_of("population.person", ANN, recorded_on=date(2026, 3, 4))
    assert [r.kind for r in before] == ["household", "legal_representative"]


def test_relations_are_between_libraries_and_elements_that_exist():
    registry = get_registry()
    assert len(load_relations()) >= 5
    for kind in load_relations():
        assert kind.by in registry.get(kind.of).columns
        assert kind.shared or kind.to
        for target in kind.to:
            assert kind.to_element is None or kind.to_element in registry.get(target).columns


def test_people_of_a_merged_county_are_found_under_both_codes(tell):
    tell("population.resident", ANN, 1, {"division_code": "110103"})
    tell("population.resident", BEN, 1, {"division_code": "110101"})
    tell("population.resident", CAT, 1, {"division_code": "110102"})
    person = get_registry().get("population.person")
    assert {e.entity_key for e in entities_in_division(person, "division_code", "110101")} == {ANN, BEN}
    assert {e.entity_key for e in entities_in_division(person, "division_code", "110103")} == {ANN}
    tell("population.resident", ANN, 2, {"division_code": "110102"})
    assert [e.entity_key for e in entities_with(person, "division_code", ["110103"])] == []
    then = entities_with(person, "division_code", ["110103"], recorded_on=date(2026, 3, 1))
    assert [e.entity_key for e in then] == [ANN]
