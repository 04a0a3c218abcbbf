"""A private file is whole, synced and its owner's alone; a landed batch is on the disk before it is on record."""

import os
import stat
from pathlib import Path

import pytest

from catalog.model.private_file import private_file, write_private
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from jobs.extract import landing

RESOURCE = "licence.road_transport"


@pytest.fixture
def order(monkeypatch):
    """Return what was synced and renamed, in order."""
    told, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        told.append(("synced", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def renamed(source, target, **options):
        told.append(("renamed", os.fspath(target)))
        replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    return told


def test_it_is_synced_before_it_takes_its_place_and_its_folder_after(tmp_path, order):
    path = tmp_path / "kept"
    write_private(path, b"rows")
    assert path.read_bytes() == b"rows"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (what, draft), *rest = order
    assert what == "synced" and draft.startswith(f"{tmp_path}/.kept.")
    assert rest == [("renamed", f"{path}"), ("synced", f"{tmp_path}")]


def test_what_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "kept"
    write_private(path, b"before")
    with pytest.raises(OSError, match="the disk is full"), private_file(path) as file:
        file.write(b"half")
        raise OSError("the disk is full")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_bytes_that_came_are_on_the_disk_before_their_batch_is(tmp_path, monkeypatch, order):
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    get_settings.cache_clear()
    contract = get_registry().get(RESOURCE)
    received = landing.receive(contract, [b"one,", b"two"], ".csv")
    assert ("synced", f"{received.path}") in order
    kept = landing.keep(contract, received, "b1")
    assert kept.read_bytes() == b"one,two"
    assert order[-2:] == [("renamed", f"{kept}"), ("synced", f"{kept.parent}")]
    manifest = landing.write_manifest(contract, "b1", {"rows": 1})
    assert order[-2:] == [("renamed", f"{manifest}"), ("synced", f"{kept.parent}")]
    monkeypatch.undo()
    get_settings.cache_clear()
