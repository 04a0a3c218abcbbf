"""What the tests of conform share: a department with a folder, and code lists of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.model import codes
from tests.stages.extract.conftest import department

__all__ = ["code_folder", "department"]


@pytest.fixture
def code_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project's code lists, in force for one test, that may be written to."""
    folder = tmp_path / "codes"
    shutil.copytree(codes.CODES, folder)
    monkeypatch.setattr(codes, "CODES", folder)
    codes.forget_code_lists()
    yield folder
    monkeypatch.undo()
    codes.forget_code_lists()
