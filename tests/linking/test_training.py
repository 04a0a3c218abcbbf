"""Training: reproducible, explainable, and refused where there is nothing to learn from."""

import pytest

from jobs.reconcile.linking.conditions import DIALECTS, condition_sql
from jobs.reconcile.linking.evaluation import without_keys
from jobs.reconcile.linking.model import (
    LINKAGE,
    LinkageModelError,
    declared_model,
    load_model,
    save_model,
    versions_of,
)
from jobs.reconcile.linking.training import TooLittleToLearnError, lesson, train
from tests.linking.lists import person_lists

LIBRARIES = sorted(path.parent.name for path in LINKAGE.glob("*/comparisons.yml"))


@pytest.fixture(scope="module")
def learned():
    new, library, _ = person_lists(21, 3_000)
    return lesson(declared_model("population.person"), new, library, random_pairs=200_000)


def test_the_same_lists_give_the_same_model_and_agreement_speaks_for_sameness(learned, tmp_path):
    assert len(learned.same) > 300 and len(learned.random) > 100_000
    model = train(declared_model("population.person"), learned, 3, 0.999, {"lists": "示范"})
    assert train(declared_model("population.person"), learned, 3, 0.999, {"lists": "示范"}) == model
    names = [level.weight for level in model.comparisons["name"].levels[1:]]
    assert names[0] > 8 and names[-1] < -5
    assert model.bands.link > 9.9 > model.bands.review
    assert load_model("population.person", 3, save_model(model, tmp_path).parents[1]) == model
    with pytest.raises(LinkageModelError, match="stays as it is"):
        save_model(model, tmp_path)


def test_lists_without_common_keys_teach_nothing():
    new, library, _ = person_lists(21, 3_000)
    model = declared_model("population.person")
    with pytest.raises(TooLittleToLearnError, match="only 0 pairs"):
        lesson(model, without_keys(model, new), library)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_trained_version_has_what_is_declared_and_weights(library):
    declared = declared_model(library)
    assert versions_of(library)
    for version in versions_of(library):
        model = load_model(library, version)
        assert model.training["keyed_pairs"] >= 200
        for comparison in model.comparisons.values():
            compared = [level for level in comparison.levels if not level.when.startswith("lacks")]
            assert all(level.m and level.u for level in compared)
            assert sum(level.u or 0 for level in compared) == pytest.approx(1, abs=0.01)
            assert {condition_sql(level.when, dialect) for level in compared for dialect in DIALECTS}
    newest = load_model(library)
    assert (newest.blocks, newest.roles) == (declared.blocks, declared.roles)
    conditions = {n: [level.when for level in c.levels] for n, c in declared.comparisons.items()}
    assert {n: [level.when for level in c.levels] for n, c in newest.comparisons.items()} == conditions
