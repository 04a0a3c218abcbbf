"""Personal values leave in clear for a purpose, and are on record before they do, with the persons whose they are."""

import json
import secrets
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from openpyxl import load_workbook
from sqlalchemy import select, text
from typer.testing import CliRunner

from catalog.__main__ import app
from catalog.cli.acting import PERSONS_AN_ENTRY, PurposeMissingError, record_reading
from catalog.control.audit_keys import audit_keys
from catalog.control.audit_reading import who_read
from catalog.control.audit_tables import AuditEntry
from catalog.control.batches import register_batch
from catalog.control.issues import IssueCount, settle
from catalog.control.session import session_scope
from catalog.model.layers import set_aside_of
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings

RESOURCE, SOURCE = "population.resident", "public_security"
PERSON, WRONG = "11010519491231002X", "110105194912310021"
PLACES = pa.list_(pa.struct([("column", pa.string()), ("reason", pa.string())]))


@pytest.fixture
def site(control_database, monkeypatch, tmp_path):
    """A home with two rows of a department that wait, one of them under a sound number."""
    for name in ("AUDIT_KEY", "IDENTITY_KEY"):
        monkeypatch.setenv(name, secrets.token_hex(32))
    monkeypatch.setenv("GUANTONG_HOME", str(tmp_path))
    monkeypatch.setenv("CONTROL_URL", control_database)
    get_settings.cache_clear()
    with session_scope() as session:
        register_batch(
            session, batch_id="b1", resource=RESOURCE, source="s", dataset="d", kind="file", status="accepted"
        )
        settle(
            session, resource=RESOURCE, department=SOURCE, judged_under="d1", batch_ids=["b1"],
            counts=[IssueCount("b1", "set_aside", "name", "REQUIRED_MISSING", 2)], closings=[],
        )  # fmt: skip
    numbers = [PERSON, WRONG]
    rows = pa.table(
        {
            "_batch_id": ["b1"] * 2,
            "_record_key": numbers,
            "_source_file": ["f.csv"] * 2,
            "_row_number": pa.array([2, 3], pa.int64()),
            "_row_id": pa.array([2, 3], pa.int64()),
            "_set_aside_at": [datetime(2026, 3, 2, tzinfo=UTC)] * 2,
            "reasons": [["REQUIRED_MISSING"]] * 2,
            "places": pa.array([[{"column": "name", "reason": "REQUIRED_MISSING"}]] * 2, PLACES),
            "_row": pa.array([[("citizen_id", n), ("name", "")] for n in numbers], pa.map_(pa.string(), pa.string())),
        }
    )
    write_deltalake(set_aside_of(get_registry().get(RESOURCE)).local_path, rows)
    yield control_database
    get_settings.cache_clear()


def run(*arguments: str):
    return CliRunner().invoke(app, ["worklist", *arguments])


def entries() -> list[AuditEntry]:
    with session_scope() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def refuse_entries() -> None:
    with session_scope() as session:
        session.execute(text("ALTER TABLE audit_entry ADD CONSTRAINT closed CHECK (false) NOT VALID"))


def test_rows_in_clear_need_a_purpose_and_are_on_record_by_person(site):
    without = run("rows", RESOURCE, "--reader", SOURCE)
    assert without.exit_code == 2 and "PURPOSE_MISSING" in without.output and PERSON not in without.output
    assert entries() == []
    shown = run("rows", RESOURCE, "--reader", SOURCE, "--purpose", "请派出所更正", "--json")
    assert {row["values"]["citizen_id"] for row in json.loads(shown.output)} == {PERSON, WRONG}
    [entry] = entries()
    assert (entry.act, entry.object, entry.purpose) == ("worklist.read", f"resource:{RESOURCE}", "请派出所更正")
    assert json.loads(entry.detail)["reader"] == SOURCE and PERSON not in entry.detail
    with session_scope() as session:
        assert [one.seq for one in who_read(session, audit_keys(), PERSON, limit=9)] == [entry.seq]


def test_rows_with_values_hidden_need_none(site):
    shown = run("rows", RESOURCE, "--json")
    assert shown.exit_code == 0 and len(json.loads(shown.output)) == 2
    assert PERSON not in shown.output and WRONG not in shown.output
    assert entries() == []


@pytest.mark.parametrize("command", ["rows", "export"])
def test_what_cannot_be_recorded_is_not_handed_out(site, tmp_path, command):
    refuse_entries()
    out = tmp_path / "out.xlsx"
    arguments = {
        "rows": ("rows", RESOURCE, "--reader", SOURCE, "--purpose", "更正"),
        "export": ("export", "--department", SOURCE, "--purpose", "更正", "--out", str(out)),
    }
    refused = run(*arguments[command])
    assert refused.exit_code == 2 and "AUDIT_UNAVAILABLE" in refused.output
    assert PERSON not in refused.output and not out.exists()


def test_a_workbook_in_clear_needs_a_purpose_and_is_on_record(site, tmp_path):
    out = tmp_path / "out.xlsx"
    without = run("export", "--department", SOURCE, "--out", str(out))
    assert without.exit_code == 2 and "PURPOSE_MISSING" in without.output and not out.exists()
    done = run("export", "--department", SOURCE, "--purpose", "请派出所更正", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert PERSON in {str(cell.value) for sheet in load_workbook(out) for row in sheet.iter_rows() for cell in row}
    [entry] = entries()
    assert (entry.act, json.loads(entry.detail)["rows"], len(entry.subjects)) == ("worklist.export", 2, 1)
    hidden = run("export", "--department", SOURCE, "--reader", "data_administration", "--out", str(out))
    assert hidden.exit_code == 0 and len(entries()) == 1
    assert PERSON not in {str(cell.value) for sheet in load_workbook(out) for row in sheet.iter_rows() for cell in row}


def test_many_persons_are_on_record_in_several_entries(site):
    rows = [{"citizen_id": number} for number in citizens(PERSONS_AN_ENTRY + 7)]
    with pytest.raises(PurposeMissingError):
        record_reading("rule.rows", "resource:x", rows, purpose=" ", detail={})
    record_reading("rule.rows", "resource:x", rows, purpose="更正", detail={"rows": len(rows)})
    assert [len(entry.subjects) for entry in entries()] == [PERSONS_AN_ENTRY, 7]


def citizens(count: int) -> list[str]:
    """Return sound citizen numbers of persons that nobody is."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    found = []
    for serial in range(count):
        body = f"110105{1950 + serial // 1000:04d}0101{serial % 1000:03d}"
        found.append(body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11])
    return found
