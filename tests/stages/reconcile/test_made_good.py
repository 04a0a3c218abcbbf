"""What a library must make good: inputs made anew or away, tries cut short, days and rules that were others."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from catalog.library.agreement import agreements
from catalog.library.statements import read_versions, standing
from catalog.model.entity_ids import entity_id_of
from catalog.model.layers import conflict_of, statement_of, table_of
from catalog.model.registry import get_registry
from jobs.reconcile import stage
from jobs.reconcile.as_of import digest, library_as_of
from jobs.reconcile.stage import reconcile
from jobs.runtime import delta
from jobs.runtime.inputs import InputAwayError
from tests.stages.reconcile.library_rows import ANN, BEN, CAT, forget, instant, library, silver_row, write

pytestmark = pytest.mark.long

PERSON, RESIDENT, INSURED = "population.person", "population.resident", "population.insured_person"
LICENCE, DRUG = "licence.licence", "licence.drug_business"


def resident(key, day, name="示范甲", **more):
    return silver_row(
        citizen_id=key, record_no=int(key[6:10]), name=name, division_code="510107", status_code="1",
        _source_at=instant(day), _batch_id=f"ps{day}", **more,
    )  # fmt: skip


def insured(key, day, name="示范甲", **more):
    return silver_row(
        citizen_id=key, record_no=7, name=name, _source_at=instant(day), _batch_id=f"hr{day}", _record_key=key, **more
    )


def place(table):
    return Path(table.local_path)


def contract(resource=PERSON):
    return get_registry().get(resource)


def living(spark):
    return {key: row["name"] for key, row in library(spark, PERSON).items() if not row["_is_deleted"]}


def versions(spark):
    tables = (table_of(contract()), conflict_of(contract()), statement_of(contract()))
    return [delta.current_version(spark, table) for table in tables]


def agree_with_statements(spark):
    """Hold the library against the statements, built again."""
    rows = delta.read(spark, table_of(contract())).where("NOT _is_deleted")
    assert digest(contract(), library_as_of(spark, contract())) == digest(contract(), rows)


def run_cut_short(resource=PERSON):
    """Do all of a run but record it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "note_ended", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            reconcile(resource)


@pytest.fixture(scope="module")
def lake(spark, stack, tmp_path_factory):
    """A library whose first try was cut short; before the second the source deleted a person again."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(stack, "lake_uri", f"file:{tmp_path_factory.mktemp('made_good')}")
        changed.setattr(stack, "business_date", date(2031, 5, 2))
        forget(PERSON)
        write(spark, RESIDENT, [resident(ANN, 1), resident(BEN, 1)])
        write(spark, INSURED, [insured(ANN, 1, "示范佳")])
        run_cut_short()
        write(spark, RESIDENT, [resident(BEN, 2, _is_deleted=True)])
        write(spark, INSURED, [insured(CAT, 2)])
        reconcile(PERSON)
        yield stack
    forget(PERSON)


def test_what_a_try_that_was_cut_short_took_down_is_withdrawn(lake, spark):
    assert living(spark) == {ANN: "示范甲", CAT: "示范甲"}
    agree_with_statements(spark)
    write(spark, RESIDENT, [resident(BEN, 3), resident(CAT, 3, "示范丙")])
    run_cut_short()
    write(spark, RESIDENT, [resident(BEN, 4, "示范乙"), resident(CAT, 4, "示范丙", _is_deleted=True)])
    reconcile(PERSON)
    assert living(spark) == {ANN: "示范甲", BEN: "示范乙", CAT: "示范甲"}
    agree_with_statements(spark)
    ben = entity_id_of(PERSON, BEN, lake.identity_key)
    batches = [version.batch_id for version in read_versions(contract(), [ben])[ben]]
    assert batches == ["ps1", "ps2", "ps3", "ps4"], "the try's own rows were replaced, not said twice"


def test_an_input_made_anew_is_brought_again_whole(lake, spark):
    silver, old = table_of(contract(RESIDENT)), delta.current_version(spark, table_of(contract(RESIDENT)))
    shutil.rmtree(place(silver))
    write(spark, RESIDENT, [resident(ANN, 5, "示范新"), resident(CAT, 5, "示范新")])
    assert delta.current_version(spark, silver) < old
    reconcile(PERSON)
    assert living(spark) == {ANN: "示范新", CAT: "示范新"}
    agree_with_statements(spark)
    write(spark, RESIDENT, [resident(ANN, 6, "示范更")])
    reconcile(PERSON)
    assert living(spark) == {ANN: "示范更", CAT: "示范新"}
    agree_with_statements(spark)
    ann, ben = (entity_id_of(PERSON, key, lake.identity_key) for key in (ANN, BEN))
    found = read_versions(contract(), [ann, ben])
    assert standing(found[ann])[RESIDENT].batch_id == "ps6", "the table counts its versions anew, the library does not"
    assert standing(found[ben]) == {} and found[ben][-1].is_withdrawn
    [name] = [a for a in agreements(contract()) if a.element == "name"]
    assert (name.conflict, name.stale) == (2, 0)


def test_an_input_that_is_away_is_missed_and_nothing_is_written(lake, spark):
    before, silver = versions(spark), place(table_of(contract(RESIDENT)))
    silver.rename(silver.with_name("away"))
    write(spark, INSURED, [insured(ANN, 7, "示范乙")])
    with pytest.raises(InputAwayError, match=r"silver\.population__resident was consumed before"):
        reconcile(PERSON)
    assert versions(spark) == before
    silver.with_name("away").rename(silver)
    reconcile(PERSON)
    assert living(spark)[ANN] == "示范更"


def test_other_rules_or_a_lost_library_bring_every_entity_again(lake, spark, monkeypatch):
    before = versions(spark)
    reconcile(PERSON)
    assert versions(spark) == before
    expected = living(spark)
    shutil.rmtree(place(table_of(contract())))
    reconcile(PERSON)
    assert living(spark) == expected
    spec = contract().government.reconcile
    assert BEN not in expected
    write(spark, INSURED, [insured(BEN, 8)])
    with monkeypatch.context() as patch:
        narrowed = spec.model_copy(update={"members": [RESIDENT]})
        government = contract().government.model_copy(update={"reconcile": narrowed})
        patch.setitem(get_registry()._contracts, PERSON, contract().model_copy(update={"government": government}))
        run_cut_short()
        assert BEN not in living(spark)
    reconcile(PERSON)
    assert living(spark) == {**expected, BEN: "示范甲"}
    agree_with_statements(spark)


def test_a_value_in_the_next_column_is_another_row(lake, spark):
    types = {p.name: p.spark_type for p in contract().properties}
    first, second = [name for name in contract().columns if types[name] == "string"][-2:]
    values = {first: F.when(F.col("id") == 0, F.lit("x")), second: F.when(F.col("id") == 1, F.lit("x"))}
    rows = spark.range(2).select(
        *[values.get(name, F.lit(None)).cast(types[name]).alias(name) for name in contract().columns],
        *[F.array().cast("array<string>").alias(name) for name in ("_flags", "_in_verification")],
        F.lit(False).alias("_is_deleted"),
        F.create_map(F.lit("name"), F.lit(f"{RESIDENT}|b|r")).alias("_provenance"),
    )
    assert len({row["_row_hash"] for row in stage._hashed(rows, contract()).collect()}) == 2


def test_a_day_that_was_too_late_is_made_good(spark, stack, tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "lake_uri", f"file:{tmp_path}")
    forget(LICENCE)
    row = {"licence_no": "1", "holder_name": "示范甲", "status_code": "1", "valid_to_date": date(2031, 12, 31)}
    write(spark, DRUG, [silver_row(licence_id="1", **row, _source_at=instant(1))])

    def is_expired(*day, run=reconcile):
        monkeypatch.setattr(stack, "business_date", date(*day))
        run(LICENCE)
        [licence] = library(spark, LICENCE).values()
        return "LICENCE_EXPIRED" in licence["_flags"]

    assert not is_expired(2031, 5, 2)
    assert is_expired(2099, 5, 2)
    assert not is_expired(2031, 5, 3)
    assert is_expired(2099, 5, 2, run=run_cut_short)
    assert not is_expired(2031, 5, 4)
    assert is_expired(2032, 1, 1)
    forget(LICENCE)
