"""Held deliveries: two persons release, the department takes back, nothing twice, and nobody for both."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from catalog.control.acting import SystemUnaccountableError
from catalog.control.base import utc_now
from catalog.control.batches import finish_stage, pending_batches, register_batch
from catalog.control.held_deliveries import (
    HeldDeliveryUnknownError,
    NotReleasableError,
    ReasonMissingError,
    apply_rejections,
    decide,
    find_held,
    list_held,
    note_applied,
    released,
)
from catalog.control.held_tables import BatchDecision
from catalog.control.identity_tables import Person
from catalog.control.ledger import ledger_entries, record_ledger
from catalog.control.session import session_scope
from catalog.control.tables import Batch
from catalog.model.holds import load_holds
from catalog.model.reasons import load_reasons
from catalog.model.registry import get_registry
from catalog.model.settings import get_settings
from catalog.model.state_machine import Actor, MoveRefusedError, NotAPartyError, OwnDecisionError
from tests.exchange.people import a_system

RESOURCE, OWNER = "licence.water_qualification", "water"
OFFICER = Actor("person:示范经办", OWNER, frozenset({"provider_officer"}))
COLLEAGUE = Actor("person:示范同事", OWNER, frozenset({"provider_officer"}))
OTHER = Actor("person:示范他人", "transport", frozenset({"provider_officer"}))
HOST = Actor("person:示范主管", "data_administration", frozenset({"host_authority"}))
BOTH = Actor(OFFICER.name, "data_administration", frozenset({"host_authority"}))
STEWARD = Actor("person:示范治理", OWNER, frozenset({"steward"}))


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        for number, code in enumerate(("SHORT_DELIVERY", "MASS_DELETE", "HASH_MISMATCH", "STRUCTURE_INVALID")):
            hold(opened, f"h{number}", code)
        register_batch(
            opened, batch_id="a1", resource=RESOURCE, source="s", dataset="d", kind="file", status="accepted"
        )
        yield opened
        opened.rollback()


def hold(session, batch_id: str, code: str, rows: int = 1800) -> None:
    register_batch(
        session, batch_id=batch_id, resource=RESOURCE, source="s", dataset="d", kind="file", status="held",
        reason_code=code, received_rows=rows, content_sha256=batch_id,
    )  # fmt: skip
    record_ledger(
        session, resource=RESOURCE, stage="extract", table_name="bronze.x", batch_id=batch_id, read=rows, accepted=0,
        rejected=rows,
    )  # fmt: skip


def decisions(session) -> int:
    return session.scalar(select(func.count()).select_from(BatchDecision))


def test_a_release_needs_the_department_and_then_somebody_else_of_the_host(session):
    assert [one.batch.batch_id for one in list_held(session, departments=[OWNER])] == ["h0", "h1", "h2", "h3"]
    assert find_held(session, "h0").awaits == "department" and list_held(session, departments=["transport"]) == []
    with pytest.raises(MoveRefusedError, match="not confirmed by water"):
        decide(session, "h0", "release", HOST, "可用")
    for actor in (OTHER, HOST, STEWARD):
        with pytest.raises(NotAPartyError):
            decide(session, "h0", "confirm", actor, "可用")
    assert decisions(session) == 0
    assert decide(session, "h0", "confirm", OFFICER, "行数以本件为准").awaits == "host"
    for actor in (OFFICER, COLLEAGUE, OTHER, STEWARD):
        with pytest.raises(NotAPartyError):
            decide(session, "h0", "release", actor, "可用")
    with pytest.raises(OwnDecisionError):
        decide(session, "h0", "release", BOTH, "可用")
    assert released(session, RESOURCE) == []
    done = decide(session, "h0", "release", HOST, "已核实书面说明")
    assert done.awaits == "extract" and [one.act for one in done.decisions] == ["confirm", "release"]
    assert [one.decided_by for one in done.decisions] == [OFFICER.name, HOST.name]
    assert [(batch.batch_id, held_for) for batch, held_for in released(session, RESOURCE)] == [
        ("h0", {"SHORT_DELIVERY"})
    ]


def test_a_system_is_the_person_who_made_it(session):
    machine = a_system(session, "maker", OWNER, "provider_officer", made_by=HOST.name)
    decide(session, "h0", "confirm", machine, "可用")
    with pytest.raises(OwnDecisionError):
        decide(session, "h0", "release", HOST, "可用")


def test_a_system_is_the_officer_who_answers_for_it_and_decides_nothing_without_one(session):
    answering = Actor("person:示范责任人", OWNER, frozenset({"host_authority"}))
    machine = a_system(session, "answered", OWNER, "provider_officer", officer=answering)
    decide(session, "h0", "confirm", machine, "可用")
    with pytest.raises(OwnDecisionError):
        decide(session, "h0", "release", answering, "可用")
    account = session.scalars(select(Person).where(Person.login == "示范责任人")).one()
    account.disabled_at = utc_now()
    session.flush()
    with pytest.raises(SystemUnaccountableError):
        decide(session, "h0", "reject", machine, "不可用")
    assert [one.act for one in find_held(session, "h0").decisions] == ["confirm"]


def test_the_same_decision_again_changes_nothing_and_another_is_refused(session):
    for _ in range(3):
        decide(session, "h0", "confirm", OFFICER, "可用")
    assert decisions(session) == 1
    with pytest.raises(MoveRefusedError, match="decided already"):
        decide(session, "h0", "confirm", COLLEAGUE, "我也这样认为")
    decide(session, "h0", "release", HOST, "可用")
    decide(session, "h0", "release", HOST, "可用")
    assert decisions(session) == 2
    with pytest.raises(MoveRefusedError, match="decided already"):
        decide(session, "h0", "reject", OFFICER, "收回")
    decide(session, "h1", "reject", OFFICER, "误删")
    with pytest.raises(MoveRefusedError):
        decide(session, "h1", "confirm", COLLEAGUE, "可用")
    with pytest.raises(ReasonMissingError):
        decide(session, "h2", "reject", OFFICER, "  ")
    for unknown in ("a1", "nobody"):
        with pytest.raises(HeldDeliveryUnknownError):
            decide(session, unknown, "reject", OFFICER, "收回")


def test_what_cannot_be_taken_as_it_is_is_refused_with_what_to_do(session):
    for batch, code in (("h2", "HASH_MISMATCH"), ("h3", "STRUCTURE_INVALID")):
        with pytest.raises(NotReleasableError, match="never released") as refused:
            decide(session, batch, "confirm", OFFICER, "可用")
        assert load_reasons()[code].remedy_en in refused.value.remedy
        decide(session, batch, "reject", OFFICER, "重新报送")
    assert decisions(session) == 2


def test_a_delivery_whose_contract_cannot_be_used_is_seen_by_the_host(session, monkeypatch, tmp_path):
    folder = tmp_path / "resources" / "licence"
    folder.mkdir(parents=True)
    (folder / "spoilt.yml").write_text("id: licence.spoilt\n", encoding="utf-8")
    monkeypatch.setenv("RESOURCE_PATH", str(folder.parent))
    get_settings.cache_clear()
    get_registry.cache_clear()
    register_batch(
        session, batch_id="s1", resource="licence.spoilt", source="s", dataset="d", kind="file", status="held",
        reason_code="SHORT_DELIVERY", received_rows=1, content_sha256="s1",
    )  # fmt: skip
    assert [one.batch.batch_id for one in list_held(session, resource="licence.spoilt")] == ["s1"]
    assert list_held(session, departments=[OWNER], resource="licence.spoilt") == []
    monkeypatch.undo()
    get_settings.cache_clear()
    get_registry.cache_clear()


def test_a_rejection_closes_the_delivery_and_its_rows_stay_rejected_in_the_ledger(session):
    decide(session, "h0", "reject", OFFICER, "重新报送")
    assert session.get(Batch, "h0").status == "held", "extract closes it"
    assert apply_rejections(session, RESOURCE) == ["h0"] and apply_rejections(session, RESOURCE) == []
    session.expire_all()
    assert session.get(Batch, "h0").status == "rejected" and find_held(session, "h0").awaits == "nothing"
    [line] = ledger_entries(session, batch_id="h0")
    assert (line.read, line.accepted, line.rejected) == (1800, 0, 1800)
    assert [one.batch.batch_id for one in list_held(session)] == ["h1", "h2", "h3"]


def test_a_released_delivery_that_was_taken_up_is_as_any_accepted_one(session):
    decide(session, "h0", "confirm", OFFICER, "可用")
    decide(session, "h0", "release", HOST, "可用")
    [(held, _)] = released(session, RESOURCE)
    register_batch(
        session, batch_id="h0", resource=RESOURCE, source="s", dataset="d", kind="file", status="accepted",
        received_rows=1800, content_sha256="h0",
    )  # fmt: skip
    record_ledger(
        session, resource=RESOURCE, stage="extract", table_name="bronze.x", batch_id="h0", read=1800, accepted=1800
    )
    finish_stage(session, "h0", "extract", RESOURCE)
    note_applied(session, held, "release", "h0")
    session.expire_all()
    assert released(session, RESOURCE) == []
    assert "h0" in [batch.batch_id for batch in pending_batches(session, RESOURCE, "conform")]
    [line] = ledger_entries(session, batch_id="h0")
    assert (line.accepted, line.rejected) == (1800, 0)
    applied = session.scalars(select(BatchDecision).where(BatchDecision.act == "release")).one()
    assert applied.applied_in == "h0" and find_held(session, "h0").awaits == "nothing"


def test_a_decision_counts_for_the_reason_it_was_taken_for(session):
    decide(session, "h0", "confirm", OFFICER, "可用")
    decide(session, "h0", "release", HOST, "可用")
    hold(session, "h0", "COLUMN_ADDED")
    session.expire_all()
    assert released(session, RESOURCE) == [] and find_held(session, "h0").decisions == ()


def test_the_database_keeps_one_act_a_delivery_and_reason(session):
    insert = text(
        "INSERT INTO batch_decision (batch_id, resource, department, held_for, act, reason, decided_by) "
        "VALUES ('h0', :resource, 'water', 'SHORT_DELIVERY', 'release', :why, 'x')"
    )
    session.execute(insert, {"resource": RESOURCE, "why": "可用"})
    for why in ("再来", "   "):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(insert, {"resource": RESOURCE, "why": why})


def test_every_rule_of_release_speaks_of_a_reason_that_has_words():
    rules = load_holds()
    assert len(rules) > 5 and set(rules) <= set(load_reasons())
    assert {code for code, rule in rules.items() if rule.release == "two_persons"} == {
        "SHORT_DELIVERY", "RECEIPT_MISSING", "MASS_DELETE",
    }  # fmt: skip
