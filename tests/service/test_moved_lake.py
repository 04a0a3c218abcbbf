"""A published version whose lake was moved or changed: found where it lies now, or refused with the reason."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from catalog.control.tables import ShareVersion
from catalog.model.layers import absolute_uri, relative_uri, table
from catalog.model.settings import get_settings
from catalog.service.problems import SharingError
from catalog.service.snapshots import published_snapshot, read_snapshot
from infra.run.reader import _gold

NAME = "gold.population__resident_basic"
ROWS = pa.table({"citizen_id": ["a", "b", "c"]})


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    get_settings.cache_clear()


def lie_in(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ``LAKE_URI`` name a folder, as in a process that starts then."""
    monkeypatch.setenv("LAKE_URI", f"file:{lake}")
    get_settings.cache_clear()
    read_snapshot.cache_clear()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShareVersion:
    """Version 1 of a shared table, published from a lake below ``first``."""
    lie_in(tmp_path / "first", monkeypatch)
    for _ in range(2):
        write_deltalake(table(NAME).local_path, ROWS, mode="overwrite")
    return ShareVersion(
        table_name="resident_basic",
        table_uri=relative_uri(table(NAME).uri),
        table_id=str(DeltaTable(table(NAME).local_path).metadata().id),
        delta_version=1,
        rows=3,
    )


def refusal(version: ShareVersion) -> str:
    with pytest.raises(SharingError) as caught:
        published_snapshot(version)
    assert (caught.value.status, caught.value.code) == (409, "TABLE_NOT_SERVABLE")
    return str(caught.value)


def test_a_moved_lake_is_read_where_it_lies_now(published: ShareVersion, tmp_path: Path, monkeypatch):
    assert published.table_uri == "gold/population__resident_basic"
    before = published_snapshot(published)
    (tmp_path / "first").rename(tmp_path / "second")
    lie_in(tmp_path / "second", monkeypatch)
    moved = published_snapshot(published)
    assert (moved.table_id, moved.rows, moved.columns) == (before.table_id, 3, ["citizen_id"])
    assert all(file.path.is_file() and file.path.is_relative_to(tmp_path / "second") for file in moved.files)
    assert list(_gold(published)["citizen_id"]) == ["a", "b", "c"]
    assert absolute_uri("file:/elsewhere/t") == "file:/elsewhere/t"


def test_another_table_in_its_place_is_not_served(published: ShareVersion, monkeypatch):
    shutil.rmtree(table(NAME).local_path)
    for _ in range(2):
        write_deltalake(table(NAME).local_path, ROWS, mode="overwrite")
    assert "another table than the published one" in refusal(published)


def test_other_rows_than_were_published_are_not_served(published: ShareVersion):
    published.rows = 4
    assert "another number of rows" in refusal(published)


def test_a_damaged_log_is_not_served(published: ShareVersion):
    folder = Path(table(NAME).local_path)
    write_deltalake(folder, ROWS, mode="append")
    (folder / "_delta_log" / f"{2:020d}.json").write_bytes(b"")
    assert published_snapshot(published).rows == 3, "what comes after the published version is not its readers' matter"
    read_snapshot.cache_clear()
    (folder / "_delta_log" / f"{1:020d}.json").write_bytes(b"")
    assert "damaged" in refusal(published)
