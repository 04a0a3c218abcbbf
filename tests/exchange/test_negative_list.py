"""What a law forbids is forbidden from the moment it stands on the negative list, whatever was granted before."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from catalog.control.applications import authorise_standing, grant_of, move_application, submit_application
from catalog.control.audit_tables import AuditEntry
from catalog.control.base import utc_now
from catalog.control.clocks import local_day, running_clock
from catalog.control.demands import move_demand, raise_demand
from catalog.control.disputes import move_dispute, raise_dispute
from catalog.control.entries import content_of, draft_entry, entry_versions, find_entry, move_entry, published_entry
from catalog.control.event_tables import Event
from catalog.control.grant_tables import AccessGrant
from catalog.control.grants import expire_grants, move_grant
from catalog.control.kept_back import KeptBackError, columns_kept_back, kept_back_of, negative_list, sources_of
from catalog.control.lists import add_negative, end_negative
from catalog.control.recipients import add_recipient, find_recipient, readable_tables
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.model.application_form import ApplicationForm
from catalog.model.catalogue_entry import entry_of
from catalog.model.registry import get_registry
from catalog.model.routing import DemandForm
from catalog.model.state_machine import Actor
from tests.control.audit_home import audit_home
from tests.exchange.people import (
    ASKER,
    DRAFTER,
    HEAD,
    HOST,
    MONDAY,
    PROVIDER,
    REVIEWS,
    an_entry,
    an_item,
    days_later,
    publish,
)
from tests.exchange.test_applications import a_form, submitted

__all__ = ["audit_home"]

LAW = "《保守国家秘密法》第二十四条"
ELEMENT = "contact_telephone"


@pytest.fixture
def session(control_database, audit_home):
    with session_scope(control_database) as opened:
        yield opened


def listed(session, element: str = ELEMENT, at=MONDAY):
    line = {"title": f"不共享{element}", "department": PROVIDER, "elements": [element], "citation": LAW}
    return add_negative(session, line, HOST, at=at)


def shared(code: str = "309201/1", name: str = "联系电话", **more):
    return an_entry(code, name, items=[an_item("phone", element=ELEMENT), an_item("name")], **more)


def test_a_draft_that_shares_it_is_neither_endorsed_nor_published(session):
    waiting, endorsed = (draft_entry(session, shared(f"309201/{n}", f"电话{n}"), DRAFTER).number for n in (1, 2))
    for number in (waiting, endorsed):
        move_entry(session, number, "submit", DRAFTER)
    move_entry(session, endorsed, "endorse", HEAD, REVIEWS)
    line = listed(session)
    with pytest.raises(KeptBackError, match="phone: 《保守国家秘密法》"):
        move_entry(session, waiting, "endorse", HEAD, REVIEWS)
    with pytest.raises(KeptBackError, match="phone: 《保守国家秘密法》"):
        move_entry(session, endorsed, "publish", HOST)
    assert [find_entry(session, number).state for number in (waiting, endorsed)] == ["provider_review", "host_review"]
    end_negative(session, line.id, HOST)
    assert move_entry(session, endorsed, "publish", HOST).state == "published"


def test_it_cannot_be_applied_for_and_the_rest_can(session):
    publish(session, shared())
    listed(session)
    with pytest.raises(KeptBackError, match="负面清单"):
        submitted(session, "309201/1")
    assert submitted(session, "309201/1", items=["name"]).state == "submitted"
    with pytest.raises(KeptBackError, match="phone"):
        authorise_standing(
            session, code="309201/1", department="housing", items=["phone"], valid_from=date(2026, 1, 1),
            valid_to=date(2028, 1, 1), actor=HEAD,
        )  # fmt: skip


@pytest.mark.parametrize("act", ["approve", "endorse", "consent"])
def test_what_waits_for_a_decision_is_not_given(session, act):
    publish(session, shared(needs_host=act != "approve"))
    number = submitted(session, "309201/1").number
    if act == "consent":
        move_application(session, number, "endorse", HEAD, at=MONDAY)
    line = listed(session)
    decider = HOST if act == "consent" else HEAD
    with pytest.raises(KeptBackError, match="phone: 《保守国家秘密法》"):
        move_application(session, number, act, decider, at=MONDAY)
    assert grant_of(session, number) is None
    if act == "approve":
        assert move_application(session, number, act, decider, {"items": ["name"]}, at=MONDAY).state == "approved"
        assert grant_of(session, number).items == ["name"]
    else:
        end_negative(session, line.id, HOST)
        assert move_application(session, number, act, decider, at=MONDAY).state in ("endorsed", "approved")


def test_a_refusal_is_not_overturned_into_it(session):
    publish(session, shared())
    number = submitted(session, "309201/1").number
    move_application(session, number, "refuse", HEAD, {"reason": "与职责无关"}, at=MONDAY)
    dispute = raise_dispute(session, "application", number, "不服", ASKER, at=MONDAY).number
    line = listed(session)
    with session.begin_nested() as attempt:
        with pytest.raises(KeptBackError, match="phone"):
            move_dispute(session, dispute, "settle", DRAFTER, {"outcome": "overturned"}, at=MONDAY)
        attempt.rollback()
    assert grant_of(session, number) is None
    end_negative(session, line.id, HOST)
    move_dispute(session, dispute, "settle", DRAFTER, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number).state == "active"


def test_a_demand_for_it_is_not_confirmed(session):
    form = DemandForm(title="姓名", elements=("姓名",), purpose="核验", service_item="公租房申请")
    number = raise_demand(session, form, ASKER, at=MONDAY).number
    listed(session, "person_name")
    with pytest.raises(KeptBackError, match="person_name"):
        move_demand(session, number, "confirm", HEAD, at=MONDAY)
    assert move_demand(session, number, "refuse", HEAD, {"reason": LAW}, at=MONDAY).state == "refused"


def test_running_grants_on_it_are_suspended_and_told_why(session, control_database):
    publish(session, shared())
    with_it, without = (submitted(session, "309201/1", items=items).number for items in (["phone", "name"], ["name"]))
    for number in (with_it, without):
        move_application(session, number, "approve", HEAD, at=MONDAY)
    grant, other = grant_of(session, with_it), grant_of(session, without)
    line = listed(session)
    assert (grant.state, other.state) == ("suspended", "active")
    assert "phone: 《保守国家秘密法》" in grant.reason
    told = session.scalars(select(Event).where(Event.kind == "grant.suspend")).one()
    assert {"housing", PROVIDER} <= set(told.departments) and told.object == f"grant:{grant.number}"
    with pytest.raises(KeptBackError, match="phone"):
        move_grant(session, grant.number, "resume", HEAD, at=MONDAY)
    end_negative(session, line.id, HOST)
    assert grant.state == "suspended"
    assert move_grant(session, grant.number, "resume", HEAD, at=MONDAY).state == "active"
    session.commit()
    with session_scope(control_database) as later:
        audited = later.scalars(select(AuditEntry).where(AuditEntry.act == "grant.suspend")).one()
        assert audited.object == told.object and audited.actor == "service:platform"


def test_a_grant_that_escaped_its_suspension_is_not_renewed_and_does_not_begin(session):
    today = local_day(utc_now())
    add_recipient(session, "housing-checker", department="housing", expires_at=utc_now() + timedelta(days=400))
    resident = resident_entry()
    publish(session, resident, at=utc_now())
    publish_share_version(
        session, share="city", schema_name="population", table_name="resident_basic", resource=resident.resource,
        delta_version=0, table_uri="file:/nowhere", rows=1, schema_json={},
    )  # fmt: skip
    form = a_form(
        resident.code, recipient="housing-checker", term_from=today + timedelta(days=1),
        term_to=today + timedelta(days=9),
    )  # fmt: skip
    number = submit_application(session, form, ASKER).number
    move_application(session, number, "approve", HEAD)
    listed(session, "person_name", at=utc_now())
    grant = grant_of(session, number)
    grant.state, grant.reason = "active", None
    session.flush()
    with pytest.raises(KeptBackError, match="name"):
        move_grant(session, grant.number, "renew", HEAD, {"valid_to": today + timedelta(days=90)})
    expire_grants(session, today + timedelta(days=1), at=utc_now() + timedelta(days=1))
    assert session.get_one(AccessGrant, grant.number).recipient_grant_id is None
    recipient = find_recipient(session, "housing-checker")
    assert grant.recipient == recipient.name and list(readable_tables(session, recipient.id)) == []


def resident_entry():
    contract = get_registry().get("population.resident_basic")
    return entry_of(contract, get_registry().elements_of(contract))


def test_what_is_published_shows_it_as_not_shared_and_is_to_be_changed_in_time(session):
    publish(session, shared())
    publish(session, an_entry("309201/9", "无关"))
    listed(session)
    record = published_entry(session, "309201/1")
    clock = running_clock(session, "catalogue_update", "309201/1")
    assert (clock.responsible, clock.due_on) == (PROVIDER, date(2026, 3, 16))
    assert running_clock(session, "catalogue_update", "309201/9") is None
    told = session.scalars(select(Event).where(Event.kind == "entry.kept_back")).one()
    assert (told.object, told.payload) == (
        f"entry:{record.number}", {"number": record.number, "code": "309201/1", "items": {"phone": LAW}}
    )  # fmt: skip
    now = negative_list(session).shared(content_of(record))
    assert [(item.name, item.share_type, item.legal_citation) for item in now.items] == [
        ("phone", "refused", LAW), ("name", "conditional", ""),
    ]  # fmt: skip
    publish(session, shared(abstract="改").model_copy(update={"items": now.items}), at=days_later(2))
    assert running_clock(session, "catalogue_update", "309201/1") is None
    assert [version.state for version in entry_versions(session, "309201/1")] == ["superseded", "published"]


def test_columns_are_known_by_contract_and_by_what_is_published_over_them(session):
    assert columns_kept_back(session, "population.resident_basic", ["name", "citizen_id"]) == {}
    line = listed(session, "person_name")
    assert columns_kept_back(session, "population.resident_basic", ["name", "citizen_id"]) == {"name": LAW}
    assert columns_kept_back(session, "population.resident_basic", ["citizen_id"]) == {}
    assert columns_kept_back(session, "nowhere.at_all", ["name"]) == {}
    end_negative(session, line.id, HOST)
    assert columns_kept_back(session, "population.resident_basic", ["name"]) == {}


def asked_of_water(session):
    """Publish the telephone numbers of another department, and apply for them."""
    publish(session, shared(provider="water"))
    form = ApplicationForm.model_validate({**a_form("309201/1").model_dump(), "items": ("phone",)})
    return submit_application(session, form, ASKER, at=MONDAY)


def test_a_line_forbids_nothing_to_a_department_that_neither_shares_nor_submits_the_element(session):
    line = {"title": "不共享联系电话", "department": "housing", "elements": [ELEMENT], "citation": LAW}
    add_negative(session, line, HOST, at=MONDAY)
    assert asked_of_water(session).state == "submitted"


def test_a_line_of_the_source_keeps_its_element_back_whoever_shares_it(session):
    number = asked_of_water(session).number
    move_application(session, number, "approve", Actor(HEAD.name, "water", HEAD.roles), at=MONDAY)
    grant = grant_of(session, number)
    assert (grant.state, sources_of(ELEMENT)) == ("active", frozenset({PROVIDER}))
    listed(session)
    assert (grant.state, "phone: 《保守国家秘密法》" in grant.reason) == ("suspended", True)
    told = session.scalars(select(Event).where(Event.kind == "entry.kept_back")).one()
    assert "water" in told.departments
    with pytest.raises(KeptBackError, match="phone"):
        asked = ApplicationForm.model_validate({**a_form("309201/1").model_dump(), "items": ("phone",)})
        submit_application(session, asked, ASKER, at=MONDAY)


def test_a_version_is_bound_by_what_it_was_published_with(session):
    said = {"department": "housing", "where": "true", "columns": {
        "old_phone": {"element": ELEMENT}, "sex_code": {"element": "is_insured"},
    }}  # fmt: skip
    version = publish_share_version(
        session, share="city", schema_name="population", table_name="resident_basic",
        resource="population.resident_basic", delta_version=0, table_uri="file:/nowhere", rows=1, schema_json={},
        published_with=said,
    )  # fmt: skip
    columns = ["old_phone", "sex_code", "name", "forgotten", "_batch_id"]
    assert kept_back_of(session, version, columns) == {}
    line = {"title": "不共享住房公积金", "department": "water", "elements": ["person_name"], "citation": LAW}
    add_negative(session, line, HOST, at=MONDAY)
    assert kept_back_of(session, version, columns) == {}
    line = listed(session)
    kept = kept_back_of(session, version, columns)
    assert set(kept) == {"old_phone", "forgotten"} and kept["old_phone"] == LAW
    assert PROVIDER in kept["forgotten"] and "no element" in kept["forgotten"]
    end_negative(session, line.id, HOST)
    assert kept_back_of(session, version, columns) == {}
    listed(session, "sex_code")
    assert kept_back_of(session, version, columns)["sex_code"] == LAW, "today's contract mends the binding of then"
