"""Unusual batches and silent sources, from what the control plane recorded."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from catalog.control.batches import register_batch
from catalog.control.findings import list_findings
from catalog.control.freshness import stale_sources
from catalog.control.measures import Measure, measured_batches, replace_measures
from catalog.control.session import session_scope
from catalog.control.unusual import batches_with_history, note_unusual
from catalog.model.registry import get_registry

RESIDENT = "population.resident"
START = date(2026, 3, 2)


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened
        opened.rollback()


def deliver(session, n: int, rows: int, nulls: int = 0) -> str:
    """Register the batch of day ``n`` with its measures."""
    name = f"resident-{n:03d}"
    day = START + timedelta(days=n)
    register_batch(
        session, batch_id=name, resource=RESIDENT, source="s", dataset="resident", kind="feed", status="accepted",
        business_date=day,
    )  # fmt: skip
    session.execute(text("UPDATE batch SET received_at = :at WHERE batch_id = :id"), {"at": day, "id": name})
    found = [Measure(name, "rows", "", "", rows), Measure(name, "nulls", "phone", "", nulls)]
    replace_measures(session, RESIDENT, [name], found)
    return name


def test_a_batch_unlike_its_history_is_noted_once(session):
    for n in range(40):
        deliver(session, n, 1000 + 7 * (n % 5), 10)
    usual, short = deliver(session, 40, 1003, 11), deliver(session, 41, 200, 180)
    assert len(measured_batches(session, RESIDENT)) == 42
    for _ in range(2):
        note_unusual(session, RESIDENT, [usual, short])
        found = list_findings(session, resource=RESIDENT)
        assert {(f.batch_id, f.reason_code, f.place) for f in found} == {
            (short, "VOLUME_UNUSUAL", ""), (short, "NULL_SHARE_UNUSUAL", "phone"),
        }  # fmt: skip
        assert len(found) == 2 and found[0].detail["deviations"] > 4.5
    replace_measures(session, RESIDENT, [short], [Measure(short, "rows", "", "", 1003)])
    note_unusual(session, RESIDENT, [short])
    assert list_findings(session, resource=RESIDENT) == []
    assert batches_with_history(session, RESIDENT)[0] == "resident-015"


def test_a_source_is_stale_when_it_misses_two_cycles(session):
    deliver(session, 0, 10)
    registry = get_registry()
    silent = {contract.id for contract in registry.all("silver")} - {RESIDENT}
    assert silent and set(stale_sources(session, registry, START + timedelta(days=6))) == silent
    assert RESIDENT in stale_sources(session, registry, START + timedelta(days=7))
