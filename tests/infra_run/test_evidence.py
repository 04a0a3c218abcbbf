"""What the pipeline recorded, read from real tables of the lake with the columns that the stages write."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from catalog.model.layers import conflict_of, set_aside_of, table_of
from catalog.model.registry import get_registry
from catalog.model.settings import Settings, get_settings
from infra.run.evidence import collect, set_aside_reasons
from infra.run.faults import Evidence

RESIDENT, PERSON, LICENCE = "population.resident", "population.person", "licence.licence"


@pytest.fixture
def lake(stack: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a lake of its own, on the shared server."""
    monkeypatch.setenv("LAKE_URI", f"file:{tmp_path}/lake")
    get_settings.cache_clear()
    yield tmp_path / "lake"
    get_settings.cache_clear()


def fill(spark: SparkSession, uri: str, query: str) -> None:
    spark.sql(query).write.format("delta").save(uri)


def test_reasons_flags_traced_flags_and_conflicts_are_found_on_their_records(lake: Path, spark: SparkSession) -> None:
    registry = get_registry()
    resident, person, licence = (registry.get(name) for name in (RESIDENT, PERSON, LICENCE))
    fill(
        spark,
        set_aside_of(resident).uri,
        "SELECT '1' AS _record_key, array('CITIZEN_ID_CHECKSUM', 'REQUIRED_MISSING') AS reasons",
    )
    fill(
        spark,
        table_of(resident).uri,
        """SELECT * FROM VALUES ('2', array('CITIZEN_ID_UPGRADED')), ('3', array()), ('4', null)
        AS t(_record_key, _flags)""",
    )
    fill(
        spark,
        table_of(licence).uri,
        """SELECT * FROM VALUES
        (false, array('LICENCE_EXPIRED', 'DATE_FORMAT'), map('a', 'licence.drug_business|b1|L|1', 'b', null)),
        (true, array('LICENCE_REVOKED'), map('a', 'licence.drug_business|b1|L2')),
        (false, array(), map('a', 'licence.drug_business|b1|L3')) AS t(_is_deleted, _flags, _provenance)""",
    )
    fill(
        spark,
        conflict_of(person).uri,
        """SELECT * FROM VALUES
        ('name', 'population.insured_person', '7'), ('sex_code', 'population.insured_person', '8')
        AS t(element, other_source, other_record_key)""",
    )
    found = set(collect(get_settings().require("spark_remote"), [resident, person, licence]))
    assert found == {
        Evidence("row", "CITIZEN_ID_CHECKSUM", RESIDENT, "1"),
        Evidence("row", "CITIZEN_ID_UPGRADED", RESIDENT, "2"),
        Evidence("base", "LICENCE_EXPIRED", "licence.drug_business", "L|1"),
        Evidence("conflict", "name", "population.insured_person", "7"),
    }
    counts = set_aside_reasons(get_settings().require("spark_remote"), resident)
    assert counts == {"CITIZEN_ID_CHECKSUM": 1, "REQUIRED_MISSING": 1}


def test_tables_that_were_never_made_hold_nothing(lake: Path) -> None:
    remote = get_settings().require("spark_remote")
    assert collect(remote, get_registry().all(real=False)) == []
    assert set_aside_reasons(remote, get_registry().get(RESIDENT)) == {}
