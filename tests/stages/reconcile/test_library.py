"""A base library on the real engine: authority, conflicts, tombstones, links and expiry, by changes only."""

from datetime import date

import pytest
from pyspark.sql import functions as F

from catalog.control.ledger import ledger_entries
from catalog.control.session import session_scope
from catalog.model.authority import Authority, get_authority
from catalog.model.layers import conflict_of, table_of
from catalog.model.registry import get_registry
from jobs.reconcile import entities, stage
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from tests.stages.reconcile.library_rows import ANN, BEN, CAT, forget, library, silver_row, write


@pytest.fixture(scope="module")
def persons(spark, stack, tmp_path_factory):
    """Two persons of 公安, one of them insured under another name, and one whom only 人社 knows."""
    stack.business_date = date(2026, 3, 2)
    stack.lake_uri = f"file:{tmp_path_factory.mktemp('library')}"
    forget("population.person")
    write(
        spark,
        "population.resident",
        [
            silver_row(
                citizen_id=ANN, record_no=1, name="示范甲", sex_code="2", division_code="510107", _record_key="1"
            ),
            silver_row(
                citizen_id=BEN, record_no=2, name="示范乙", sex_code="1", division_code="510107", _record_key="2"
            ),
        ],
    )
    write(
        spark,
        "population.insured_person",
        [
            silver_row(citizen_id=ANN, record_no=71, name="示范佳", sex_code="2", _record_key="71"),
            silver_row(citizen_id=CAT, record_no=72, name="示范丙", sex_code="1", _record_key="72"),
        ],
    )
    reconcile("population.person")
    return library(spark, "population.person")


def test_authority_decides_and_each_cell_says_where_it_came_from(persons):
    assert set(persons) == {ANN, BEN, CAT}
    assert persons[ANN]["name"] == "示范甲", "公安 is the source of names"
    assert persons[ANN]["_provenance"]["name"] == "population.resident|b1|1"
    assert persons[CAT]["_provenance"]["name"] == "population.insured_person|b1|72"
    assert "phone" not in persons[ANN]["_provenance"], "an absent value has no source"
    assert len({p["person_id"] for p in persons.values()}) == 3
    assert all(p["person_id"] not in (ANN, BEN, CAT) for p in persons.values())


def test_a_disagreement_is_a_conflict_with_both_records(persons, spark):
    [conflict] = delta.read(spark, conflict_of(get_registry().get("population.person"))).collect()
    assert (conflict["element"], conflict["chosen_value"], conflict["other_value"]) == ("name", "示范甲", "示范佳")
    assert (conflict["chosen_record_key"], conflict["other_record_key"]) == ("1", "71")
    assert "SOURCES_DISAGREE" in persons[ANN]["_flags"]
    assert "SOURCES_DISAGREE" not in persons[BEN]["_flags"]


def test_a_mended_source_closes_the_conflict_and_touches_nobody_else(persons, spark):
    mended = silver_row(citizen_id=ANN, record_no=71, name="示范甲", sex_code="2", _record_key="71", _batch_id="b2")
    write(spark, "population.insured_person", [mended])
    reconcile("population.person")
    after = library(spark, "population.person")
    assert "SOURCES_DISAGREE" not in after[ANN]["_flags"]
    assert delta.read(spark, conflict_of(get_registry().get("population.person"))).count() == 0
    assert after[BEN]["_recorded_at"] == persons[BEN]["_recorded_at"]
    assert after[ANN]["person_id"] == persons[ANN]["person_id"]
    with session_scope() as session:
        newest = ledger_entries(session, resource="population.person")[-1]
    assert (newest.read, newest.accepted) == (2, 2), "only the two rows of the touched person were read"


def test_who_has_left_every_source_stays_as_a_tombstone(persons, spark):
    gone = silver_row(citizen_id=BEN, record_no=2, name="示范乙", sex_code="1", _record_key="2", _is_deleted=True)
    write(spark, "population.resident", [gone])
    reconcile("population.person")
    after = library(spark, "population.person")
    assert after[BEN]["_is_deleted"] is True
    assert after[BEN]["person_id"] == persons[BEN]["person_id"]


def test_nothing_new_writes_nothing(persons, spark):
    table = table_of(get_registry().get("population.person"))
    before = delta.current_version(spark, table)
    reconcile("population.person")
    assert delta.current_version(spark, table) == before


def test_another_rule_of_authority_decides_every_entity_anew(persons, spark, monkeypatch):
    person = get_authority().libraries["population.person"]
    turned = person.rules[0].model_copy(
        update={"source": "population.insured_person", "fallbacks": ["population.resident"]}
    )
    library_rules = person.model_copy(update={"rules": [turned, *person.rules[1:]]})
    for module in (stage, entities):
        monkeypatch.setattr(module, "get_authority", lambda: Authority({"population.person": library_rules}))
    assert library(spark, "population.person")[ANN]["_provenance"]["name"].startswith("population.resident")
    reconcile("population.person")
    assert library(spark, "population.person")[ANN]["_provenance"]["name"].startswith("population.insured_person")


def test_keys_that_are_null_or_repeated_never_reach_a_merge(spark, persons):
    table = table_of(get_registry().get("population.person"))
    rows = delta.read(spark, table).limit(1)
    with pytest.raises(delta.MergeKeyError, match="1 repeated"):
        delta.merge(spark, rows.unionByName(rows), table, ["citizen_id"])
    with pytest.raises(delta.MergeKeyError, match="1 rows without a key"):
        delta.merge(spark, rows.withColumn("citizen_id", F.lit(None).cast("string")), table, ["citizen_id"])
