"""Fixtures of the demonstration departments: their real databases, and two days delivered into them."""

from collections.abc import Iterator
from datetime import date

import pytest

from catalog.model.settings import Settings, load_settings
from infra.demonstration.create import DayReport, create_day
from infra.demonstration.world import Deliveries, World
from infra.stack import down, up
from infra.stack.home import Home

FIRST_DATE = date(2026, 3, 2)
SEED = 7
SMALL = 0.02


@pytest.fixture(scope="session")
def source_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with the departments' databases running, folders of their own, and the first business date."""
    home = Home(tmp_path_factory.mktemp("departments") / "home")
    up(home=home, table="infra.stack.table:database")
    try:
        settings = load_settings({"GUANTONG_HOME": str(home.root), "BUSINESS_DATE": FIRST_DATE.isoformat()})
        assert settings.source("public_security").startswith("postgresql://")
        yield settings
    finally:
        down(home=home)


@pytest.fixture(scope="session")
def told() -> list[str]:
    """What the first day said about its progress."""
    return []


@pytest.fixture(scope="session")
def two_days(source_databases: Settings, told: list[str]) -> tuple[Settings, DayReport, DayReport]:
    """Deliver day 1 and day 2 for real."""
    first = create_day(source_databases, 1, SMALL, SEED, lambda what, _rows: told.append(what))
    second = create_day(source_databases, 2, SMALL, SEED)
    return source_databases, first, second


@pytest.fixture(scope="session")
def small_world() -> tuple[World, list[Deliveries]]:
    """Return the world after three days at the smallest scale, with what each day brought."""
    world = World(SEED, SMALL, FIRST_DATE)
    return world, [world.step() for _ in range(3)]


@pytest.fixture(scope="session")
def middle_world() -> tuple[World, list[Deliveries]]:
    """Return the world after two days at a fifth of full scale."""
    world = World(SEED + 1, 0.2, FIRST_DATE)
    return world, [world.step() for _ in range(2)]


@pytest.fixture(scope="session")
def full_world() -> tuple[World, list[Deliveries]]:
    """Return the world after two days at full scale."""
    world = World(SEED, 1.0, FIRST_DATE)
    return world, [world.step() for _ in range(2)]
