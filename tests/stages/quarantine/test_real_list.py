"""The real credit list of the transport department: its dirt is named, and mending some of it closes just that."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

import pytest
import yaml

from catalog.control.issues import list_issues
from catalog.control.ledger import ledger_entries
from catalog.control.session import session_scope
from catalog.model.registry import RESOURCES, get_registry
from catalog.model.settings import get_settings
from catalog.worklist.rows import waiting_rows
from catalog.worklist.scope import scope_of
from jobs.conform.stage import conform
from jobs.extract.stage import extract
from tests.real_lists import real_lists_folder

RESOURCE = f"legal_entity.credit_{uuid4().hex[:8]}"
GOOD = "91350100M000100Y43"
EVERY = 10
"""One line in ten of the list is enough to hold its kinds of dirt."""


@pytest.fixture
def outbox(stack, tmp_path, monkeypatch):
    """A tenth of the real list under a contract of the test's own, in a folder that may be written to."""
    source = real_lists_folder() / "transport" / "sichuan_transport_credit.gbk.csv"
    folder = tmp_path / "outbox" / "transport"
    folder.mkdir(parents=True)
    with source.open(encoding="gb18030", newline="") as file:
        rows = [row for n, row in enumerate(csv.reader(file)) if n % EVERY == 0]
    contract = yaml.safe_load((RESOURCES / "legal_entity" / "sichuan_transport_credit.yml").read_text(encoding="utf-8"))
    contract |= {"id": RESOURCE, "name": RESOURCE.split(".")[1]}
    contract["schema"][0]["name"] = contract["name"]
    made = tmp_path / "resources" / "legal_entity" / f"{contract['name']}.yml"
    made.parent.mkdir(parents=True)
    made.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    monkeypatch.setenv("RESOURCE_PATH", str(tmp_path / "resources"))
    monkeypatch.setenv("SOURCE_REAL_DATA", f"file:{tmp_path}/outbox")
    get_settings.cache_clear()
    get_registry.cache_clear()
    yield folder / source.name, rows
    monkeypatch.undo()
    get_settings.cache_clear()
    get_registry.cache_clear()


def write(path, rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode("gb18030"))


def issues() -> dict[str, tuple[int, dict[str, int]]]:
    with session_scope() as session:
        found: dict[str, tuple[int, dict[str, int]]] = {}
        for issue in list_issues(session, resource=RESOURCE):
            rows, closed = found.get(issue.reason, (0, {}))
            merged = {how: closed.get(how, 0) + issue.closed.get(how, 0) for how in {*closed, *issue.closed}}
            found[issue.reason] = (rows + issue.open_rows, merged)
    return found


def test_mended_rows_of_a_real_list_are_closed_and_the_rest_waits(outbox):
    path, rows = outbox
    write(path, rows)
    extract(RESOURCE)
    conform(RESOURCE)
    before = issues()
    assert before["USCC_IS_ORGANISATION_CODE"][0] > 100 and before["USCC_SPREADSHEET"][0] > 80
    assert all(not closed for _, closed in before.values())
    contract = get_registry().get(RESOURCE)
    waiting = waiting_rows(contract, scope_of("transport"), limit=10_000)
    ruined = {row.row_number for row in waiting if ("uscc", "USCC_SPREADSHEET") in row.places}
    assert len(ruined) == before["USCC_SPREADSHEET"][0]

    column = rows[0].index("social_code")
    mended = [[*row[:column], GOOD, *row[column + 1 :]] if n in ruined else row for n, row in enumerate(rows, start=1)]
    assert mended != rows
    write(path, mended)
    extract(RESOURCE)
    conform(RESOURCE)
    after = issues()
    assert after["USCC_SPREADSHEET"][0] < before["USCC_SPREADSHEET"][0] / 10
    for reason, (still, closed) in after.items():
        gone = closed.get("mended", 0)
        assert still + gone == before[reason][0], reason
    with session_scope() as session:
        accounts = ledger_entries(session, resource=RESOURCE, stage="conform")
    assert len(accounts) == 2 and all(e.read == e.accepted + e.set_aside for e in accounts)
    state = issues(), len(waiting_rows(contract, scope_of("transport"), limit=10_000))
    conform(RESOURCE, accounts[0].batch_id)
    assert (issues(), len(waiting_rows(contract, scope_of("transport"), limit=10_000))) == state
