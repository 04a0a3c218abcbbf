"""Fixtures that all tests share: one embedded database and one Spark Connect server for the whole run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.model import settings as settings_module
from catalog.model.registry import get_registry
from catalog.model.settings import Settings, get_settings
from infra.stack import down, up
from infra.stack.home import Home
from infra.stack.spark_server import JAVA_OPTIONS, QUICK_SERVER

ENGINE = "infra.stack.table:engine"
os.environ.setdefault(JAVA_OPTIONS, QUICK_SERVER)
"""Tests are many small queries, for which the JVM's optimising compiler costs more than it saves."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that no process is left with one when the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def use_home(home: Path) -> Settings:
    """Point this process at ``home`` and forget what was read before."""
    os.environ["GUANTONG_HOME"] = str(home)
    get_settings.cache_clear()
    get_registry.cache_clear()
    return settings_module.get_settings()


@pytest.fixture(scope="session")
def engine_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Start PostgreSQL and Spark Connect once for all tests that run stages.

    ``GUANTONG_TEST_HOME`` names a home to join and leave running: quicker while writing tests.
    """
    if kept := os.environ.get("GUANTONG_TEST_HOME"):
        up(home=Home(Path(kept)), table=ENGINE)
        yield Home(Path(kept))
        return
    home = Home(tmp_path_factory.mktemp("engine") / "home")
    up(home=home, table=ENGINE)
    try:
        yield home
    finally:
        _close_sessions()
        down(home=home)


def _close_sessions() -> None:
    """End this process's Spark session while the server lives: at exit it would retry for ten minutes."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()


@pytest.fixture(scope="module")
def stack(engine_home: Home) -> Iterator[Settings]:
    """Settings of the shared engine, in force for the tests of one module."""
    before = os.environ.get("GUANTONG_HOME")
    settings = use_home(engine_home.root)
    assert settings.spark_remote and settings.control_url
    try:
        yield settings
    finally:
        if before is None:
            del os.environ["GUANTONG_HOME"]
        else:
            os.environ["GUANTONG_HOME"] = before
        get_settings.cache_clear()
        get_registry.cache_clear()


@pytest.fixture(scope="module")
def spark(stack: Settings):
    """Return a session on the shared Spark Connect server."""
    from jobs.runtime.spark import connect

    return connect()
