"""Any cell explains itself: who decided, by which rule, since when, and what everybody else said."""

from datetime import date

import pytest

from catalog.library.agreement import agreements, differences
from catalog.library.explain import explain
from catalog.library.masked import masked
from catalog.library.statements import NoStatementsError
from catalog.model.registry import get_registry

ANN, BEN = "11010519491231002X", "440524188001010014"
RESIDENT, INSURED, PERSON = "population.resident", "population.insured_person", "population.person"


def cell(explanation, column):
    [found] = [c for c in explanation.cells if c.column == column]
    return found


def test_every_column_of_the_contract_is_explained(tell):
    tell(RESIDENT, ANN, 1, {"name": "示范甲", "division_code": "510107"}, raw={"name": "示范 甲"})
    found = explain(PERSON, ANN)
    assert [c.column for c in found.cells] == get_registry().get(PERSON).columns
    name = cell(found, "name")
    assert (name.value, name.origin, name.testimonies[0].said.original) == ("示范甲", "source", "示范 甲")
    assert "population.resident, then population.insured_person" in name.note
    assert (cell(found, "citizen_id").origin, cell(found, "phone").origin) == ("key", "none")
    assert explain(PERSON, found.entity_id).entity_key == ANN


def test_the_other_sources_agree_differ_lack_it_or_lag_behind(tell):
    tell(RESIDENT, ANN, 1, {"name": "示范旧", "sex_code": "1"})
    tell(RESIDENT, ANN, 2, {"name": "示范新", "sex_code": "1"})
    tell(INSURED, ANN, 3, {"name": "示范旧"})
    tell(RESIDENT, BEN, 1, {"name": "示范乙", "sex_code": "1"})
    tell(INSURED, BEN, 1, {"name": "示范已", "sex_code": "1"})
    ann, ben = explain(PERSON, ANN), explain(PERSON, BEN)
    verdicts = {c: [t.verdict for t in cell(ann, c).testimonies] for c in ("name", "sex_code")}
    assert verdicts == {"name": ["source", "stale"], "sex_code": ["source", "missing"]}
    assert [t.verdict for t in cell(ben, "name").testimonies] == ["source", "conflict"]
    assert [t.verdict for t in cell(ben, "sex_code").testimonies] == ["source", "agree"]
    counted = {a.element: (a.agree, a.conflict, a.stale, a.missing) for a in agreements(get_registry().get(PERSON))}
    assert counted == {"name": (0, 1, 1, 0), "sex_code": (1, 0, 0, 1)}
    assert agreements(get_registry().get(PERSON), "transport") == []
    [stale, conflict] = sorted(differences(get_registry().get(PERSON)), key=lambda d: d.verdict, reverse=True)
    assert (stale.first_value, stale.second_value, conflict.second_value) == ("示范新", "示范旧", "示范已")


def test_a_fallback_decides_while_the_source_has_no_value(tell):
    tell(INSURED, ANN, 1, {"name": "示范甲", "insurance_status_code": "1"})
    assert cell(explain(PERSON, ANN), "name").testimonies[0].source == INSURED
    tell(RESIDENT, ANN, 2, {"name": "示范佳"})
    assert cell(explain(PERSON, ANN), "name").value == "示范佳"
    assert cell(explain(PERSON, ANN, recorded_on=date(2026, 3, 1)), "name").value == "示范甲"
    tell(RESIDENT, ANN, 4)
    assert cell(explain(PERSON, ANN), "name").value == "示范甲"
    tell(INSURED, ANN, 5)
    assert explain(PERSON, ANN).is_deleted
    assert not explain(PERSON, ANN, recorded_on=date(2026, 3, 4)).is_deleted


def test_recorded_and_valid_time_are_two_questions(tell):
    tell(RESIDENT, ANN, 1, {"division_code": "510107"})
    late = {"recorded_on": date(2026, 3, 8)}
    tell(RESIDENT, ANN, 3, {"division_code": "110103"}, **late)
    told = {
        (recorded, valid): cell(
            explain(PERSON, ANN, recorded_on=date(2026, 3, recorded), valid_on=date(2026, 3, valid)), "division_code"
        ).value
        for recorded in (5, 8)
        for valid in (2, 5)
    }
    assert told == {(5, 2): "510107", (5, 5): "510107", (8, 2): "510107", (8, 5): "110103"}


def test_a_segment_has_a_source_of_its_own(tell):
    shop, firm = "92510107MB0000001A", "91510107MB0000001B"
    for key in (shop, firm):
        tell("legal_entity.enterprise", key, 1, {"name": "企业登记名"})
        tell("legal_entity.individual_business", key, 1, {"name": "个体登记名"})
    assert cell(explain("legal_entity.entity", shop), "name").value == "个体登记名"
    assert cell(explain("legal_entity.entity", firm), "name").value == "企业登记名"


def test_what_a_link_found_names_the_cell_it_went_by(tell):
    licence = "1.2.156.3005.2.11510000MB000W008R001.11510000MB000W008R.2026000001.001.A"
    tell(RESIDENT, ANN, 1, {"name": "示范甲"})
    tell("licence.drug_business", licence, 1, {"holder_code": ANN, "holder_name": "示范甲"})
    holder = cell(explain("licence.licence", licence), "holder_id")
    assert holder.value == explain(PERSON, ANN).entity_id
    assert "holder_code names" in holder.note and holder.testimonies[0].source == "licence.drug_business"


def test_whoever_is_unknown_is_said_to_be_so(tell):
    with pytest.raises(NoStatementsError, match="nothing has been said"):
        explain(PERSON, ANN)
    tell(RESIDENT, ANN, 1, {"name": "示范甲"})
    with pytest.raises(NoStatementsError, match="no source ever spoke") as error:
        explain(PERSON, BEN)
    assert BEN not in str(error.value), "a national number is not repeated in messages"


def test_personal_values_are_masked_by_their_element():
    person = get_registry().get(PERSON)
    assert masked(person, "citizen_id", ANN) == "110105************"
    assert masked(person, "name", "示范甲") == "示**"
    assert masked(person, "division_code", "510107") == "510107"


def test_an_id_that_was_merged_leads_on_to_the_one_that_stays(tell):
    tell(RESIDENT, ANN, 1, {"name": "示范甲"})
    tell(RESIDENT, BEN, 1, {"name": "示范乙"})
    ann, ben = explain(PERSON, ANN), explain(PERSON, BEN)
    assert (ann.leads_to, ann.merged) == (ann.entity_id, [])
    onward = {ben.entity_id: ann.entity_id, "0" * 24: ann.entity_id}
    for asked in (BEN, ben.entity_id, "0" * 24, ANN):
        found = explain(PERSON, asked, redirects=onward)
        assert (found.entity_id, cell(found, "name").value) == (ann.entity_id, "示范甲")
        assert found.merged == sorted(onward)


def test_a_merge_into_an_id_of_which_nobody_spoke_is_told(tell):
    tell(RESIDENT, ANN, 1, {"name": "示范甲"})
    ann = explain(PERSON, ANN).entity_id
    found = explain(PERSON, ANN, redirects={ann: "0" * 24})
    assert (found.entity_id, found.leads_to, found.merged) == (ann, "0" * 24, [])
    with pytest.raises(NoStatementsError, match="nor of 0000"):
        explain(PERSON, "1" * 24, redirects={"1" * 24: "0" * 24})
