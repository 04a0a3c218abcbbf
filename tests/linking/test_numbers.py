"""What linking finds, where the truth is known: invented people with their key, and real lists with the code hidden."""

import tarfile

import pyarrow as pa
import pytest

from catalog.model.registry import get_registry
from jobs.reconcile.linking.deterministic import link_by_key
from jobs.reconcile.linking.evaluation import evaluate
from jobs.reconcile.linking.features import extract_features
from jobs.reconcile.linking.model import load_model
from jobs.reconcile.linking.records import read_list
from jobs.reconcile.linking.resolution import Decisions, Known, resolve
from tests.linking.lists import person_lists
from tests.real_lists import real_lists_folder

PEOPLE, SEED = 6_000, 12
"""Another seed than the model's own list."""


@pytest.mark.parametrize("hide_keys", [True, False])
def test_invented_people_are_found(hide_keys):
    new, library, truth = person_lists(SEED, PEOPLE)
    found = evaluate(load_model("population.person"), new, library, truth=set(truth), hide_keys=hide_keys)
    assert found.true_records > 1_200 and found.links > 1_200 and found.renamed > 5
    assert found.precision is not None and found.recall is not None
    assert found.precision >= 0.999
    assert found.recall >= 0.97
    if not hide_keys:
        assert found.by_key > 500 and found.by_key_true == found.by_key, "a valid key is always right"
        assert found.contradictions == 0


def test_nobody_with_two_numbers_and_everybody_with_one_is_found():
    new, library, truth = person_lists(SEED, PEOPLE)
    model, secret = load_model("population.person"), "test"
    first = resolve(model, library, Known(library.slice(0, 0), {}), Decisions(), secret)
    entity_of = {one.record_id: one.entity_id for one in first.identities}
    second = resolve(model, new, Known(library, entity_of), Decisions(), secret)
    entities = entity_of | {one.record_id: one.entity_id for one in second.identities}
    numbers: dict[str, set[str]] = {}
    for table in (new, library):
        for record, key in zip(table["record_id"].to_pylist(), table["key"].to_pylist(), strict=True):
            if key:
                numbers.setdefault(entities[record], set()).add(key)
    assert len(numbers) > 5_000
    assert max(map(len, numbers.values())) == 1
    key_of = dict(zip(new["record_id"].to_pylist(), new["key"].to_pylist(), strict=True))
    keyed = [(a, b) for a, b in truth if key_of[a]]
    assert len(keyed) > 500 and all(entities[a] == entities[b] for a, b in keyed)
    backwards = new.take(list(range(len(new)))[::-1])
    other = resolve(model, backwards, Known(library, entity_of), Decisions(), secret)
    assert set(other.identities) == set(second.identities)


@pytest.fixture(scope="module")
def firms():
    """Features of the real registry, and of the firms of the real credit list that it has."""
    folder = real_lists_folder()
    model = load_model("legal_entity.entity")
    credit = folder / "transport" / "sichuan_transport_credit.gbk.csv"
    registry = folder / "market_regulation" / "registry_sichuan_1978_2019.tar.xz"
    assert tarfile.is_tarfile(registry)
    lists = (("legal_entity.sichuan_transport_credit", credit), ("legal_entity.registry_sichuan", registry))
    credit_list, registry_list = (
        extract_features("entity", read_list(get_registry().get(resource), model, path, "510000"))
        for resource, path in lists
    )
    both = set(link_by_key("entity", credit_list, registry_list)["left_id"].to_pylist())
    in_both = pa.array([record in both for record in credit_list["record_id"].to_pylist()], pa.bool_())
    return credit_list.filter(in_both), registry_list


def test_real_firms_are_found_by_name_address_and_place(firms):
    hidden = evaluate(load_model("legal_entity.entity"), *firms, hide_keys=True)
    assert hidden.true_records >= 1_069 and hidden.renamed >= 150
    assert hidden.recall is not None and hidden.recall >= 0.85
    assert hidden.renamed_found >= 30 and hidden.renamed_found + hidden.renamed_for_review >= 70
    used = evaluate(load_model("legal_entity.entity"), *firms, hide_keys=False)
    assert (used.true_records, used.recall, used.contradictions) == (hidden.true_records, 1.0, 0)
