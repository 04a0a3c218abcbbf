"""Which entity a record belongs to: persons first, then keys, then the model; ids stay or lead on."""

from catalog.model.entity_ids import entity_id_of
from jobs.reconcile.linking.features import extract_features
from jobs.reconcile.linking.model import load_model
from jobs.reconcile.linking.resolution import Decisions, Known, resolve

MODEL = load_model("population.person")
ANN, BEN, SECRET = "11010519491231002X", "440524188001010014", "secret"
PERSON = {
    "name": "陈国华",
    "sex_code": "2",
    "birth_date": "1949-12-31",
    "division_code": "510107",
    "phone": "10012345678",
}


def table(**records):
    rows = [{"record_id": name, **PERSON, **values} for name, values in records.items()]
    return extract_features("person", rows)


def run(new, known=None, decisions=None):
    nobody = Known(new.slice(0, 0), {})
    return resolve(MODEL, new, known or nobody, decisions or Decisions(), SECRET)


def entities(resolution):
    return {identity.record_id: identity.entity_id for identity in resolution.identities}


def test_one_batch_brings_keyed_and_keyless_records_of_one_person_together():
    found = run(table(police={"citizen_id": ANN}, insured={"citizen_id": ANN}, clinic={"name": "陳國华"}, school={}))
    assert set(entities(found).values()) == {entity_id_of("population.person", ANN, SECRET)}
    how = {identity.record_id: identity.method for identity in found.identities}
    assert how == {"police": "key", "insured": "key", "clinic": "model", "school": "model"}


def test_both_sides_of_a_link_say_how_they_were_linked():
    for number_of in ("clinic", "police"):
        found = run(table(**{"clinic": {}, "police": {}, number_of: {"citizen_id": ANN}}))
        how = {identity.record_id: (identity.method, identity.linked_to) for identity in found.identities}
        assert how == {"clinic": ("model", "police"), "police": ("model", "clinic")}


def test_records_alike_in_everything_but_their_valid_number_stay_apart():
    found = run(table(one={"citizen_id": ANN}, other={"citizen_id": BEN}))
    assert len(set(entities(found).values())) == 2 and not found.for_review


def test_an_entity_without_a_number_keeps_its_id_until_its_number_comes_and_then_leads_on():
    first = run(table(clinic={}))
    known = Known(table(clinic={}), entities(first))
    [again] = run(table(school={"name": "陳國华"}), known).identities
    assert again.entity_id == entities(first)["clinic"] and again.linked_to == "clinic"
    keyed = run(table(police={"citizen_id": ANN}), known)
    of_key = entity_id_of("population.person", ANN, SECRET)
    assert entities(keyed) == {"police": of_key}
    assert keyed.joined == {entities(first)["clinic"]: of_key}


def test_what_persons_decided_outweighs_key_and_model():
    known_table = table(police={"citizen_id": ANN})
    known = Known(known_table, {"police": "e1"})
    refused = Decisions(pairs={("clinic", "police"): "no_link"})
    [apart] = run(table(clinic={}), known, refused).identities
    assert (apart.method, apart.entity_id != "e1") == ("new", True)
    joined = Decisions(pairs={("clinic", "police"): "link"})
    [together] = run(table(clinic={"name": "李四海", "birth_date": "1990-01-01"}), known, joined).identities
    assert together.method == "person" and together.linked_to == "police"
    [assigned] = run(table(clinic={}), known, Decisions(assignments={"clinic": "e9"})).identities
    assert (assigned.entity_id, assigned.method) == ("e9", "person")
    of_key = entity_id_of("population.person", ANN, SECRET)
    merged = run(table(clinic={}), Known(known_table, {"police": of_key}), Decisions(redirects={of_key: "e1"}))
    assert entities(merged) == {"clinic": "e1"} and not merged.joined
    [parted] = run(table(clinic={"citizen_id": ANN}), known, refused).identities
    assert parted.entity_id not in ("e1", of_key)
