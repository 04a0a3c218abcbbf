"""Keys link only when valid; no cluster holds two national keys; order changes nothing."""

import random

from catalog.model.ids.citizen_id import is_valid_citizen_id
from infra.demonstration.identifiers import with_wrong_check
from jobs.reconcile.linking.assignment import Pair, best_candidates, clusters
from jobs.reconcile.linking.deterministic import link_by_key
from jobs.reconcile.linking.features import extract_features
from jobs.reconcile.linking.model import load_model

ANN, BEN = "11010519491231002X", "440524188001010014"
FIRM, OTHER_FIRM = "91350100M000100Y43", "91510107797808874G"


def features(kind, *rows):
    return extract_features(kind, [{"record_id": str(place), **row} for place, row in enumerate(rows)])


def test_only_a_valid_citizen_number_links():
    wrong = with_wrong_check(ANN, "0123456789X")
    assert not is_valid_citizen_id(wrong)
    library = features("person", {"citizen_id": ANN}, {"citizen_id": wrong}, {"citizen_id": None})
    new = extract_features("person", [
        {"record_id": "full", "citizen_id": ANN}, {"record_id": "lower", "citizen_id": ANN.lower()},
        {"record_id": "wrong", "citizen_id": wrong}, {"record_id": "none", "citizen_id": ""},
    ])  # fmt: skip
    links = link_by_key("person", new, library).to_pylist()
    assert [(link["left_id"], link["right_id"]) for link in links] == [("full", "0"), ("lower", "0")]


def test_an_organisation_code_links_unless_the_credit_codes_differ():
    library = features("entity", {"uscc": FIRM}, {"uscc": OTHER_FIRM})
    new = extract_features("entity", [
        {"record_id": "code", "uscc": FIRM}, {"record_id": "organisation", "uscc": "M000100Y-4"},
        {"record_id": "spreadsheet", "uscc": "913501000000000000"},
        {"record_id": "contradicts", "uscc": FIRM[:2] + "510107" + FIRM[8:17] + "9"},
    ])  # fmt: skip
    links = {row["left_id"]: (row["right_id"], row["rule"]) for row in link_by_key("entity", new, library).to_pylist()}
    assert links["code"] == ("0", "key") and links["organisation"] == ("0", "organisation_code")
    assert "spreadsheet" not in links


def test_no_cluster_holds_two_national_keys_in_whatever_order_links_come():
    chance = random.Random(4)
    records = [f"r{i:03}" for i in range(200)]
    keys = {record: f"key{i // 4}" for i, record in enumerate(records) if i % 2}
    links = [Pair(*chance.sample(records, 2), weight=float(chance.randint(1, 40))) for _ in range(600)]
    joined, refused = clusters(links, keys)
    assert len(joined) > 50 and refused
    for head in set(joined.values()):
        assert len({keys[record] for record, of in joined.items() if of == head and record in keys}) <= 1
    for _ in range(5):
        chance.shuffle(links)
        assert clusters(links, keys)[0] == joined


def test_two_candidates_too_close_go_to_a_person_and_so_does_what_may_not_link_alone():
    model = load_model("population.person")
    link, lead = model.bands.link, model.bands.lead
    [far] = best_candidates(model, [Pair("a", "x", link + 9), Pair("a", "y", link + 9 - lead - 1)], {})
    assert (far.band, far.pair.right) == ("link", "x")
    close = best_candidates(model, [Pair("a", "x", link + 9), Pair("a", "y", link + 9 - lead + 1)], {})
    assert [(v.band, v.reason) for v in close] == [("review", "close_second")] * 2
    [twin] = best_candidates(model, [Pair("a", "x", link + 9, may_link=False)], {})
    assert (twin.band, twin.reason) == ("review", "needs_person")
    [refused] = best_candidates(model, [Pair("a", "x", link + 9)], {"a": ANN, "x": BEN})
    assert (refused.band, refused.reason) == ("no_link", "key_conflict")
