"""Pinning a table: which very table at which version, and the ways in which a log can have lost commits."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete

from catalog import lake
from catalog.control.pipeline_tables import TableState
from catalog.control.positions import TableVersion
from catalog.control.session import in_transaction
from catalog.control.table_states import seen_version
from catalog.delta_log import TableDamagedError, newest_version
from catalog.model.layers import Table
from jobs.runtime import delta
from jobs.runtime.table_state import TableWentBackError, pin

COLUMNS = [("name", "string", "名称")]
NEWEST = 5


def commit(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020d}.json"


@pytest.fixture(scope="module")
def written(spark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a checkpoint at version 4 and one commit after it."""
    folder = tmp_path_factory.mktemp("lake") / "silver" / "pinned"
    table = Table("silver.pinned", f"file:{folder}")
    delta.ensure(spark, table, COLUMNS)
    spark.sql(f"ALTER TABLE {table.sql} SET TBLPROPERTIES ('delta.checkpointInterval' = '4')")
    for number in range(2, NEWEST + 1):
        delta.append(spark, spark.createDataFrame([(f"示范{number}",)], "name string"), table)
    assert (folder / "_delta_log" / f"{4:020d}.checkpoint.parquet").exists()
    return folder


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "pinned"))


@pytest.fixture
def unseen(stack):
    """Forget what was seen of the table under test."""
    forget = delete(TableState).where(TableState.table_name == "silver.pinned")
    in_transaction(lambda session: session.execute(forget), stack.control_url)


def test_a_pin_says_id_and_version_and_notes_them(spark, written: Path, unseen):
    table = Table("silver.pinned", f"file:{written}")
    pinned = pin(spark, table)
    told = spark.sql(f"DESCRIBE DETAIL {table.sql}").collect()[0]["id"]
    assert pinned == TableVersion(told, NEWEST)
    assert (delta.current_version(spark, table), delta.table_id(spark, table)) == (NEWEST, told)
    assert in_transaction(lambda session: seen_version(session, table.name)) == pinned


def test_a_table_made_anew_in_its_place_is_another(spark, tmp_path: Path, unseen):
    table = Table("silver.pinned", f"file:{tmp_path}/pinned")
    delta.ensure(spark, table, COLUMNS)
    delta.append(spark, spark.createDataFrame([("示范",)], "name string"), table)
    before = pin(spark, table)
    shutil.rmtree(tmp_path / "pinned")
    delta.ensure(spark, table, COLUMNS)
    anew = pin(spark, table)
    assert (before.version, anew.version) == (1, 0)
    assert anew.table_id != before.table_id
    assert in_transaction(lambda session: seen_version(session, table.name)) == anew


def test_a_table_that_went_back_is_refused(spark, written: Path, copied: Path, unseen):
    pinned = pin(spark, Table("silver.pinned", f"file:{written}"))
    for path in (commit(copied, NEWEST), commit(copied, NEWEST).with_suffix(".crc")):
        path.unlink()
    with pytest.raises(TableWentBackError, match=f"at version {NEWEST - 1}, and version {NEWEST} of it") as caught:
        pin(spark, Table("silver.pinned", f"file:{copied}"))
    assert caught.value.code == "TABLE_WENT_BACK"
    assert in_transaction(lambda session: seen_version(session, "silver.pinned")) == pinned


def test_a_commit_seen_by_another_meanwhile_is_no_step_back(spark, copied: Path, unseen, monkeypatch):
    table = Table("silver.pinned", f"file:{copied}")
    whole = pin(spark, table)
    looks = iter([TableVersion(whole.table_id, NEWEST - 1), whole])
    monkeypatch.setattr(delta, "table_version", lambda spark, table: next(looks))
    assert pin(spark, table) == whole


def empty(log: Path) -> None:
    log.write_bytes(b"")


def cut_off(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-40])


def zeroed(log: Path) -> None:
    log.write_bytes(b"\0" * log.stat().st_size)


def other_text(log: Path) -> None:
    log.write_text('"示范"\n')


@pytest.mark.parametrize("harm", [empty, cut_off, zeroed, other_text, Path.unlink])
@pytest.mark.parametrize("version", [NEWEST, NEWEST - 2])
def test_damage_is_found_by_every_reader(spark, copied: Path, unseen, harm, version: int):
    """A commit before the checkpoint is read by nobody but who asks for an old version; its absence is a gap still."""
    table = Table("silver.pinned", f"file:{copied}")
    harm(commit(copied, version))
    if version == NEWEST or harm is Path.unlink:
        for read in (
            lambda: pin(spark, table),
            lambda: delta.current_version(spark, table),
            lambda: delta.table_id(spark, table),
            lambda: lake.query("SELECT count(*) AS n FROM t", t=table),
            lambda: newest_version(copied, table.name, upto=version),
        ):
            with pytest.raises(TableDamagedError) as caught:
                read()
            assert caught.value.code == "TABLE_DAMAGED"
            assert table.name in str(caught.value)
            assert caught.value.place == str(commit(copied, version))
        assert in_transaction(lambda session: seen_version(session, table.name)) is None
    else:
        assert pin(spark, table).version == NEWEST
        with pytest.raises(TableDamagedError):
            newest_version(copied, table.name, upto=version)


def test_damage_after_a_version_does_not_concern_its_readers(copied: Path):
    empty(commit(copied, NEWEST))
    assert newest_version(copied, "silver.pinned", upto=NEWEST - 1).version == NEWEST - 1
    with pytest.raises(TableDamagedError, match="commit 6 is missing, though the log goes up to 9"):
        newest_version(copied, "silver.pinned", upto=9)


def test_a_log_whose_beginning_was_cleaned_away_is_whole_from_its_checkpoint_on(spark, copied: Path, unseen):
    whole = newest_version(copied, "silver.pinned")
    for version in range(4):
        for suffix in (".json", ".crc"):
            commit(copied, version).with_suffix(suffix).unlink(missing_ok=True)
    assert newest_version(copied, "silver.pinned") == whole
    (copied / "_delta_log" / f"{4:020d}.checkpoint.parquet").write_bytes(b"")
    with pytest.raises(TableDamagedError, match="commit 0 is missing"):
        newest_version(copied, "silver.pinned")


def test_where_there_is_no_table_there_is_no_version(tmp_path: Path):
    assert newest_version(tmp_path / "nothing", "silver.pinned") is None
    (tmp_path / "unborn" / "_delta_log" / "_staged_commits").mkdir(parents=True)
    assert newest_version(tmp_path / "unborn", "silver.pinned") is None
