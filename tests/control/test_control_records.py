"""What jobs write into the control plane survives replays, and wrong counts never get in."""

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from catalog.control.batches import (
    DuplicateDeliveryError,
    find_accepted_batch,
    finish_stage,
    list_batches,
    pending_batches,
    register_batch,
    stages_of,
)
from catalog.control.checks import latest_check, record_check
from catalog.control.findings import list_findings, record_finding
from catalog.control.ledger import ledger_entries, record_ledger
from catalog.control.positions import get_position, set_position
from catalog.control.resources import register_resource, registered_resources
from catalog.control.runs import begin_run, recent_runs, recorded_run
from catalog.control.session import session_scope
from catalog.model.errors import LedgerUnbalancedError

RESIDENT = "population.resident"


def register(session, batch_id, status="accepted", sha="a" * 64, **more):
    return register_batch(
        session,
        batch_id=batch_id,
        resource=RESIDENT,
        source="public_security",
        dataset="resident",
        kind="feed",
        status=status,
        content_sha256=sha,
        **more,
    )


def test_same_bytes_are_accepted_once(control_database):
    with session_scope(control_database) as session:
        register(session, "b1", declared_rows=3, received_rows=3)
        with pytest.raises(DuplicateDeliveryError, match="b1"):
            register(session, "b2")
        again = register(session, "b2", status="no_op", reason_code="DUPLICATE_DELIVERY")
        assert again.status == "no_op"
        register(session, "b1", declared_rows=3, received_rows=3)
    with session_scope(control_database) as session:
        found = find_accepted_batch(session, RESIDENT, "a" * 64)
        assert found is not None and found.batch_id == "b1" and found.manifest == {}
        assert {batch.batch_id for batch in list_batches(session, resource=RESIDENT)} == {"b1", "b2"}


def test_pending_batches_are_the_accepted_ones_a_stage_has_not_finished(control_database):
    with session_scope(control_database) as session:
        for number in range(3):
            register(session, f"b{number}", sha=str(number) * 64)
        register(session, "held", status="held", sha="h" * 64)
    with session_scope(control_database) as session:
        finish_stage(session, "b0", "conform", RESIDENT, delta_version=4)
        finish_stage(session, "b1", "conform", RESIDENT, status="failed")
        assert [batch.batch_id for batch in pending_batches(session, RESIDENT, "conform")] == ["b1", "b2"]
        finish_stage(session, "b1", "conform", RESIDENT, delta_version=5)
        assert [batch.batch_id for batch in pending_batches(session, RESIDENT, "conform")] == ["b2"]
        assert [stage.delta_version for stage in stages_of(session, "b1")] == [5]


def account(session, **counts):
    record_ledger(
        session,
        resource=RESIDENT,
        stage="conform",
        table_name="silver.population__resident",
        batch_id="b1",
        **counts,
    )


def test_ledger_replay_replaces_and_imbalance_is_refused(control_database):
    with session_scope(control_database) as session:
        account(session, read=10, accepted=7, set_aside=3, seconds=1.5)
        account(session, read=10, accepted=8, set_aside=1, rejected=1)
        with pytest.raises(LedgerUnbalancedError, match="10 rows read, but 8 accepted"):
            account(session, read=10, accepted=8, set_aside=1)
        with pytest.raises(LedgerUnbalancedError):
            account(session, read=0, accepted=1, set_aside=-1)
        entries = ledger_entries(session, resource=RESIDENT)
        assert [(entry.accepted, entry.set_aside, entry.rejected) for entry in entries] == [(8, 1, 1)]
    statement = text(
        "INSERT INTO ledger_entry (resource, table_name, stage, batch_id, read, accepted, set_aside, rejected, seconds)"
        " VALUES ('r', 't', 's', 'b', 2, 1, 0, 0, 0)"
    )
    with pytest.raises(IntegrityError, match="balances"), session_scope(control_database) as session:
        session.execute(statement)


def test_a_failed_run_is_recorded_with_its_error_masked(control_database, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", RESIDENT)
    monkeypatch.setenv("AIRFLOW_CTX_TRY_NUMBER", "2")
    with (
        pytest.raises(ValueError, match="11010519491231002X"),
        recorded_run("python -m jobs conform", "conform", resource=RESIDENT, url=control_database),
    ):
        raise ValueError("row 7 of x.csv: 11010519491231002X has no division")
    with recorded_run("python -m jobs curate", "curate", resource=RESIDENT, url=control_database) as run_id:
        assert isinstance(run_id, uuid.UUID)
    unfinished = begin_run("python -m jobs check", "check", url=control_database)
    with session_scope(control_database) as session:
        runs = {run.stage: run for run in recent_runs(session)}
    assert runs["conform"].status == "failed"
    assert runs["conform"].error == "ValueError: row 7 of x.csv: 110105************ has no division"
    assert (runs["conform"].dag_id, runs["conform"].try_number) == (RESIDENT, 2)
    assert runs["curate"].status == "succeeded" and runs["curate"].ended_at is not None
    assert runs["check"].run_id == unfinished and runs["check"].status == "running"


def test_an_interrupted_run_counts_as_failed_and_a_clean_exit_does_not(control_database):
    with pytest.raises(KeyboardInterrupt), recorded_run("a", "extract", url=control_database):
        raise KeyboardInterrupt
    with pytest.raises(SystemExit), recorded_run("b", "publish", url=control_database):
        raise SystemExit(0)
    with session_scope(control_database) as session:
        assert {run.stage: run.status for run in recent_runs(session)} == {
            "extract": "failed",
            "publish": "succeeded",
        }


def test_positions_findings_checks_and_resources(control_database):
    with session_scope(control_database) as session:
        assert get_position(session, "reconcile", RESIDENT) is None
        set_position(session, "reconcile", RESIDENT, "3")
        set_position(session, "reconcile", RESIDENT, "4")
        assert get_position(session, "reconcile", RESIDENT) == "4"

        finding = {"resource": RESIDENT, "batch_id": "b1", "reason_code": "HEADER_REORDERED"}
        record_finding(session, **finding, place="x.csv", detail={"seen": ["b", "a"]})
        record_finding(session, **finding, place="x.csv", detail={"seen": ["a"]}, count=2)
        record_finding(session, **finding, place="row of 11010519491231002X")
        assert {(found.place, found.count) for found in list_findings(session, resource=RESIDENT)} == {
            ("x.csv", 2),
            ("row of 110105************", 1),
        }

        check = {"resource": RESIDENT, "table_name": "silver.population__resident", "delta_version": 4}
        number = record_check(session, **check, planned=9, evaluated=9, failed=0, outcome="pass", batch_ids=["b1"])
        latest = latest_check(session, "silver.population__resident", 4)
        assert latest is not None and latest.check_id == number and latest.batch_ids == ["b1"]
        assert latest_check(session, "silver.population__resident", 5) is None

        resource = {"contract_sha256": "0", "layer": "silver", "department": "public_security", "status": "active"}
        register_resource(session, resource=RESIDENT, version="1.0.0", **resource)
        register_resource(session, resource=RESIDENT, version="1.1.0", **resource)
        assert [(row.id, row.version) for row in registered_resources(session)] == [(RESIDENT, "1.1.0")]
