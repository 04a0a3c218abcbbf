"""Both engines compare alike: the same pairs, the same levels, the same weights to the last bit."""

import pyarrow.compute as pc
import pytest

from jobs.reconcile.linking.engine import DuckDBEngine, SparkEngine
from jobs.reconcile.linking.model import load_model
from tests.linking.lists import firm_lists, person_lists

pytestmark = pytest.mark.long

LEAST = {"population.person": 150, "legal_entity.entity": 150}


@pytest.mark.parametrize("library", sorted(LEAST))
def test_duckdb_and_spark_give_the_same_answer(spark, library):
    model = load_model(library)
    new, known = firm_lists(5, 300) if model.features == "entity" else person_lists(3, 1_200)[:2]
    on_duckdb = DuckDBEngine().compare(model, new, known, model.bands.review)
    assert len(on_duckdb) > LEAST[library]
    assert pc.sum(pc.greater_equal(on_duckdb["weight"], model.bands.link)).as_py() > LEAST[library] / 2
    on_spark = SparkEngine(spark).compare(model, new, known, model.bands.review)
    assert on_spark.equals(on_duckdb)
    within = DuckDBEngine().compare(model, known.slice(0, 200), None, None)
    assert SparkEngine(spark).compare(model, known.slice(0, 200), None, None).equals(within)
    assert not [table.name for table in spark.catalog.listTables() if "splink" in table.name]
