"""What is told, by the one register of kinds: every step of every procedure, to nobody but those whom it names."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from catalog.control.applications import authorise_standing, move_application, revoke_standing
from catalog.control.base import utc_now
from catalog.control.batches import register_batch
from catalog.control.checks import record_check
from catalog.control.clocks import local_day
from catalog.control.demands import move_demand, raise_demand
from catalog.control.event_tables import Event
from catalog.control.events import Telling, emit, emit_all, tell
from catalog.control.exchange_day import run_day
from catalog.control.grant_tables import AccessGrant
from catalog.control.lists import Duty, assign_batch
from catalog.control.session import session_scope
from catalog.model.departments import host_department
from catalog.model.event_kinds import EventKindUnknownError, EventPayloadError, kind_of_step, load_event_kinds
from catalog.model.roles import PROCEDURES
from catalog.model.routing import DemandForm
from tests.exchange.people import ASKER, DRAFTER, HEAD, HOST, PROVIDER, REQUESTER, an_entry, publish
from tests.exchange.test_applications import submitted

CHECKOUT = Path(__file__).resolve().parents[2]
PLANTED = "11010519491231002X"
KINDS_OF_PROCEDURES = {
    "catalogue entry": "catalogue_entry", "demand": "demand", "application": "application", "grant": "grant",
    "dispute": "dispute", "correction case": "correction_case",
}  # fmt: skip


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened


def events(session, *kinds: str) -> list[Event]:
    query = select(Event).order_by(Event.id)
    return list(session.scalars(query.where(Event.kind.in_(kinds)) if kinds else query))


def heard(session, kind: str) -> list[set[str]]:
    return [set(one.departments) for one in events(session, kind)]


def test_every_step_of_every_procedure_is_told_to_somebody():
    acts = [(machine, line.act) for machine in PROCEDURES for line in machine.transitions]
    assert len(acts) > 40 and {machine.name for machine, _ in acts} == set(KINDS_OF_PROCEDURES)
    for machine, act in acts:
        assert kind_of_step(KINDS_OF_PROCEDURES[machine.name], act).concerned, act
    assert all(one.name and one.name_en and one.concerned and one.payload for one in load_event_kinds().values())


def test_nothing_is_told_past_the_register():
    """An event is written in one place; whoever tells one names its kind there."""
    writing, named = set(), set()
    telling = re.compile(r'\b(?:tell|emit|tell_responsibility|_tell\w*)\(session, "([a-z_.]+)"')
    for folder in ("catalog", "jobs", "expectations"):
        for path in CHECKOUT.glob(f"{folder}/**/*.py"):
            text = path.read_text(encoding="utf-8")
            named.update(telling.findall(text))
            if re.search(r"\binsert\(Event\)|\bEvent\(\s*kind=", text):
                writing.add(str(path.relative_to(CHECKOUT)))
    assert writing == {"catalog/control/events.py"}
    assert len(named) > 15 and named <= set(load_event_kinds())


def test_a_kind_that_is_not_in_the_register_and_what_it_does_not_tell_are_refused(session):
    with pytest.raises(EventKindUnknownError, match=r"grant\.revoke,"):
        emit(session, "grant.revoked", "grant:1", departments=["water"])
    with pytest.raises(EventPayloadError, match="evidence"):
        emit(session, "correction.raise", "case:1", departments=["water"], payload={"evidence": "…"})
    with pytest.raises(EventKindUnknownError, match="no event tells of"):
        kind_of_step("correction_case", "forget")
    assert events(session) == []


def test_no_kind_tells_a_personal_number_wherever_it_was_planted(session):
    known = load_event_kinds()
    planted = {"deep": [PLANTED, {PLANTED: f"电话 13812345678，证件{PLANTED}"}]}
    tellings = [
        Telling(kind.kind, f"{kind.object}:{PLANTED}", ["water"], dict.fromkeys(kind.payload, value))
        for kind in known.values()
        for value in (PLANTED, f"姓名与 {PLANTED} 不符", [PLANTED], planted, 7, None, date(2026, 3, 2))
    ]
    emit_all(session, tellings)
    found = events(session)
    assert {one.kind for one in found} == set(known) and len(found) == len(tellings)
    texts = [f"{one.object} {one.payload}" for one in found]
    assert not [text for text in texts if PLANTED[6:] in text or "12345678" in text]
    assert sum("110105************" in text for text in texts) == len(texts)


def test_an_id_of_an_entity_stays_whole_though_digits_run_in_it(session):
    row_key = "a13812345678bc1101051949"
    emit(session, "correction.raise", "case:1", departments=["water"], payload={"row_key": row_key})
    assert events(session)[0].payload == {"row_key": row_key}


def test_what_is_told_once_is_told_once_and_nobody_is_told_nothing(session):
    for _ in range(2):
        tell(session, "grant.ending", "grant:1", {"provider": "water"}, {"days": 7}, once="grant:1/7")
        tell(session, "grant.ending", "grant:2", {"provider": None, "requester": ""}, {"days": 7})
    assert [(one.object, one.departments) for one in events(session)] == [("grant:1", ["water"])]


def test_a_demand_is_followed_to_its_entry(session):
    form = DemandForm(
        title=f"婚姻状况 {PLANTED}", elements=["birth_date"], description="核验", purpose="核验", service_item="公租房",
    )  # fmt: skip
    demand = raise_demand(session, form, ASKER)
    if demand.state == "raised":
        move_demand(session, demand.number, "route", HOST, {"department": PROVIDER})
    asked = demand.asked_department
    move_demand(session, demand.number, "pass_on", _officer(asked), {"reason": f"不是本部门 {PLANTED}"})
    move_demand(session, demand.number, "assign", HOST, {"department": PROVIDER})
    move_demand(session, demand.number, "confirm", HEAD)
    publish(session, an_entry("301001/7", "婚姻登记"), demand=demand.number)
    both = {REQUESTER, host_department()}
    assert heard(session, "demand.pass_on") == [both | {asked}]
    assert heard(session, "demand.assign") == [both | {asked, PROVIDER}]
    assert heard(session, "demand.catalogue") == [both | {PROVIDER}]
    [catalogued] = events(session, "demand.catalogue")
    assert catalogued.payload["entry"].startswith("ENT-") and PLANTED not in str([e.payload for e in events(session)])


def _officer(department):
    return type(DRAFTER)("person:示范经办九", department, frozenset({"provider_officer"}))


def test_what_is_allowed_in_advance_and_its_end_are_told_once(session):
    publish(session, an_entry("301001/7"))
    day = local_day(utc_now())
    standing = authorise_standing(
        session, code="301001/7", department=REQUESTER, items=["name"], valid_from=day,
        valid_to=day + timedelta(days=30), actor=HEAD,
    )  # fmt: skip
    for _ in range(2):
        revoke_standing(session, standing.number, HEAD)
    sides = {REQUESTER, PROVIDER, host_department()}
    assert heard(session, "standing.allow") == heard(session, "standing.end") == [sides]


def test_the_end_of_a_grant_is_told_at_thirty_and_at_seven_days_and_anew_for_a_new_term(session):
    day = local_day(utc_now())
    publish(session, an_entry("301001/7"))
    application = submitted(session, "301001/7", at=utc_now(), term_from=day, term_to=day + timedelta(days=20))
    move_application(session, application.number, "approve", HEAD)
    for after in (0, 1, 13, 14, 20):
        run_day(session, {}, day + timedelta(days=after))
        run_day(session, {}, day + timedelta(days=after))
    found = events(session, "grant.ending")
    assert [(one.payload["days"], one.departments) for one in found] == [
        (days, sorted([PROVIDER, REQUESTER])) for days in (30, 7)
    ]
    grant = session.scalars(select(AccessGrant)).one()
    grant.valid_to = day + timedelta(days=60)
    for after in (20, 40, 60):
        run_day(session, {}, day + timedelta(days=after))
    assert [one.payload["days"] for one in events(session, "grant.ending")] == [30, 7, 30, 7]


def test_a_duty_is_told_when_it_is_assigned(session):
    day = date(2026, 3, 2)
    assign_batch(session, [Duty("取水许可", "water", day + timedelta(days=9), "条例"),
                           Duty("道路运输", "transport", day + timedelta(days=99), "条例")], HOST)  # fmt: skip
    assert heard(session, "responsibility.assign") == [{who, host_department()} for who in ("water", "transport")]
    assert [one.payload["title"] for one in events(session, "responsibility.assign")] == ["取水许可", "道路运输"]


def deliver(session, status, **more):
    register_batch(
        session, batch_id="resident-1", resource="population.resident", source="s", dataset="resident", kind="file",
        status=status, **more,
    )  # fmt: skip


def test_a_held_delivery_is_told_until_its_release_which_is_its_receipt(session):
    for _ in range(2):
        deliver(session, "received")
        deliver(session, "held", reason_code="SHORT_DELIVERY", declared_rows=10, received_rows=9)
    deliver(session, "received")
    for _ in range(2):
        deliver(session, "accepted", declared_rows=10, received_rows=10, content_sha256="a" * 64)
    [held, released] = events(session)
    assert (held.kind, held.payload["reason_code"]) == ("delivery.held", "SHORT_DELIVERY")
    assert set(held.departments) == {PROVIDER, host_department()}
    told = {"batch_id": "resident-1", "declared": 10, "received": 10, "sha256": "a" * 64}
    assert released.kind == "delivery.released" and told.items() <= released.payload.items()


def test_an_accepted_delivery_has_its_receipt_and_a_stopped_gate_is_told(session):
    deliver(session, "received")
    deliver(session, "accepted", received_rows=3)
    assert heard(session, "delivery.accepted") == [{PROVIDER}]
    verdict = {"resource": "population.resident_basic", "table_name": "gold.population__resident_basic"}
    for outcome in ("pass", "warn", "stop"):
        record_check(session, **verdict, delta_version=4, planned=9, evaluated=9, failed=2, outcome=outcome)
    [stopped] = events(session, "gate.stopped")
    assert set(stopped.departments) == {PROVIDER, host_department()}
    assert (stopped.payload["version"], stopped.payload["failed"]) == (4, 2)
