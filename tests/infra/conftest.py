"""Homes for the tests of the embedded stack."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.stack import down
from infra.stack.home import Home, read_json

MakeHome = Callable[[str], Home]


@pytest.fixture(scope="module")
def make_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeHome]:
    """Homes below a private folder; whatever runs in them is ended."""
    base = tmp_path_factory.mktemp("homes")
    made: list[Home] = []

    def make(name: str) -> Home:
        made.append(Home(base / name / "state"))
        return made[-1]

    yield make
    for home in made:
        down(home=home)
        remove_database(home)


def remove_database(home: Home) -> None:
    """Remove a database folder that lies outside the home."""
    folder = read_json(home.root / "postgres.json").get("folder") if home.root.exists() else None
    if folder and not Path(folder).is_relative_to(home.root):
        shutil.rmtree(folder, ignore_errors=True)
