"""Data Docs at the end of a run: made from the kept results, told where, and never a reason to fail."""

import io
import json

import pytest
from rich.console import Console

from infra.run import data_docs as module
from infra.run.data_docs import data_docs
from infra.stack.home import Home


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.create()
    return made


def told(home: Home, begun: bool) -> str:
    said = io.StringIO()
    with data_docs(home, Console(file=said, width=500)) as docs:
        if begun:
            docs.begin()
    return said.getvalue()


def test_pages_are_made_and_told(home):
    folder = home.root / "reports" / "checks" / "some.table"
    folder.mkdir(parents=True)
    gate = {"table": "silver.some__table", "version": 3, "outcome": "pass", "rows": 5, "planned": 1, "failed": 0}
    (folder / "3.json").write_text(json.dumps({"meta": {"gate": gate}, "results": []}), encoding="utf-8")
    said = told(home, begun=True)
    index = home.root / "reports" / "data-docs" / "index.html"
    assert str(index) in said
    assert "silver.some__table" in index.read_text(encoding="utf-8")


def test_a_day_without_checks_says_where_the_reason_is(home):
    said = told(home, begun=True)
    log = home.logs / "data-docs.log"
    assert "were not written" in said and str(log) in said
    assert "nothing has been checked yet" in log.read_text(encoding="utf-8")


def test_a_run_that_never_got_there_says_nothing(home):
    assert told(home, begun=False) == ""


def test_what_takes_too_long_is_ended(home, monkeypatch):
    monkeypatch.setattr(module, "COMMAND", ["sleep", "60"])
    docs = module.DataDocs(home)
    docs.begin()
    assert docs.finish(patience=0.2) is False
