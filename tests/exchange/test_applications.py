"""From application to grant: what decides itself, who decides the rest, clocks, and whether a recipient reads."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from catalog.control.applications import (
    ApplicationUnknownError,
    authorise_standing,
    grant_of,
    list_applications,
    move_application,
    revoke_standing,
    submit_application,
)
from catalog.control.base import utc_now
from catalog.control.clocks import clocks_of, local_day, running_clock
from catalog.control.grants import due_for_renewal, expire_grants, find_grant, move_grant
from catalog.control.recipients import add_recipient, readable_tables
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.control.tables import Grant
from catalog.model.application_form import ApplicationError, ApplicationForm
from catalog.model.state_machine import (
    Actor,
    FactMissingError,
    MoveRefusedError,
    NotAPartyError,
    OwnDecisionError,
)
from tests.exchange.contracts import in_force, write_shared
from tests.exchange.people import (
    ASKER,
    DRAFTER,
    HEAD,
    HOST,
    MONDAY,
    STRANGER,
    an_entry,
    an_entry_over,
    an_item,
    days_later,
    publish,
)

OFFICER = HEAD
OPEN_TABLE, OPEN_CODE = "trial.open_table", "101801/2"


def a_form(code, **more):
    document = {
        "code": code,
        "purpose": "公租房资格核验",
        "service_item": "公租房申请",
        "legal_basis": "《公共租赁住房管理办法》第七条",
        "volume_per_day": 500,
        "term_from": date(2026, 3, 2),
        "term_to": date(2027, 3, 1),
        "responsible_officer": "示范经办二",
        **more,
    }
    return ApplicationForm.model_validate(document)


def submitted(session, code, *, at=MONDAY, **more):
    return submit_application(session, a_form(code, **more), ASKER, at=at)


def test_unconditional_data_is_granted_at_once(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/1", "无条件", share_type="unconditional"))
        record = submitted(session, "301911/1")
        assert (record.state, record.rule, record.decided_by) == ("approved", "unconditional", "system")
        assert grant_of(session, record.number).state == "active"
        clocks = clocks_of(session, "application", record.number)
        assert [(c.limit_id, c.status) for c in clocks] == [("reply_unconditional", "met")]


def test_conditional_data_is_decided_by_the_provider_within_ten_working_days(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/2", "有条件"))
        number = submitted(session, "301911/2", items=["name"]).number
        clock = running_clock(session, "application", number)
        assert (clock.responsible, clock.due_on) == ("public_security", date(2026, 3, 16))
        for actor, error in ((ASKER, NotAPartyError), (STRANGER, NotAPartyError), (HOST, NotAPartyError)):
            with pytest.raises(error):
                move_application(session, number, "approve", actor)
        with pytest.raises(FactMissingError):
            move_application(session, number, "refuse", OFFICER)
        with pytest.raises(ApplicationError, match="quota_per_day"):
            move_application(session, number, "approve", OFFICER, {"quota_per_day": 501})
        move_application(session, number, "approve", OFFICER, {"quota_per_day": 100}, at=days_later(3))
        grant = grant_of(session, number)
        assert (grant.items, grant.quota_per_day, grant.is_narrower) == (["name"], 100, True)
        assert [(c.limit_id, c.status) for c in clocks_of(session, "application", number)] == [
            ("reply_conditional", "met")
        ]
        assert running_clock(session, "grant", grant.number).limit_id == "delivery"
        with pytest.raises(MoveRefusedError):
            move_application(session, number, "refuse", OFFICER, {"reason": "太晚"})


def test_papers_are_asked_for_once_and_the_clock_waits(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/3", "补正"))
        number = submitted(session, "301911/3").number
        move_application(session, number, "ask_papers", OFFICER, {"reason": "缺少职责依据"}, at=days_later(2))
        assert running_clock(session, "application", number).due_on is None
        move_application(session, number, "supply_papers", ASKER, {"papers": ["三定规定"]}, at=days_later(9))
        assert running_clock(session, "application", number).due_on == date(2026, 3, 23)
        with pytest.raises(MoveRefusedError):
            move_application(session, number, "ask_papers", OFFICER, {"reason": "再补"})
        move_application(session, number, "refuse", OFFICER, {"reason": "与职责无关"}, at=days_later(22))
        assert [c.status for c in clocks_of(session, "application", number)] == ["late"]
        assert grant_of(session, number) is None


def test_the_host_authority_has_the_last_word_where_the_entry_says_so(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/4", "敏感", needs_host=True))
        first, second = (submitted(session, "301911/4").number for _ in range(2))
        with pytest.raises(MoveRefusedError, match="another way"):
            move_application(session, first, "approve", OFFICER)
        for number in (first, second):
            move_application(session, number, "endorse", OFFICER, at=MONDAY)
            assert grant_of(session, number) is None
        clocks = [(c.limit_id, c.responsible, c.status) for c in clocks_of(session, "application", first)]
        assert clocks == [
            ("reply_conditional", "public_security", "met"), ("host_review", "data_administration", "running"),
        ]  # fmt: skip
        move_application(session, first, "consent", HOST, at=MONDAY)
        assert grant_of(session, first).state == "active"
        with pytest.raises(FactMissingError):
            move_application(session, second, "object", HOST)
        assert move_application(session, second, "object", HOST, {"reason": "目的过宽"}).state == "refused"


def test_nobody_decides_on_their_own_application_even_with_both_roles(shared_database):
    both = Actor("person:示范双职", "public_security", frozenset({"provider_officer", "requester_officer"}))
    other = an_entry("301911/5", "本人", provider="water")
    with session_scope(shared_database) as session:
        publish(session, other)
        number = submit_application(session, a_form("301911/5"), both, at=MONDAY).number
        moved = Actor(both.name, "water", both.roles)
        with pytest.raises(OwnDecisionError):
            move_application(session, number, "approve", moved)
        with pytest.raises(ApplicationError, match="provides"):
            submit_application(session, a_form("301911/2"), both, at=MONDAY)


def test_what_is_not_shared_or_unknown_cannot_be_applied_for(shared_database):
    with session_scope(shared_database) as session:
        items = [an_item("open", "unconditional"), an_item("closed", "refused"), an_item("asked")]
        publish(session, an_entry("301911/6", "混合", items=items))
        with pytest.raises(ApplicationError, match="第二十八条"):
            submitted(session, "301911/6", items=["open", "closed"])
        with pytest.raises(ApplicationError, match="no items colour"):
            submitted(session, "301911/6", items=["colour"])
        with pytest.raises(ApplicationError, match="term ended"):
            submitted(session, "301911/6", term_from=date(2025, 1, 1), term_to=date(2025, 2, 1))
        assert submitted(session, "301911/6", items=["open"]).rule == "unconditional"
        mixed = submitted(session, "301911/6")
        assert (mixed.items, mixed.state) == (["open", "asked"], "submitted")


def test_a_standing_authorisation_covers_what_lies_within_it(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/7", "常态化"))
        standing = {"code": "301911/7", "department": "housing", "valid_from": date(2026, 1, 1)}
        with pytest.raises(NotAPartyError):
            authorise_standing(session, **standing, items=["name"], valid_to=date(2028, 1, 1), actor=STRANGER)
        number = authorise_standing(
            session, **standing, items=["name"], valid_to=date(2028, 1, 1), service_item="公租房申请", actor=OFFICER
        ).number
        assert submitted(session, "301911/7", items=["name"]).rule == number
        assert submitted(session, "301911/7").state == "submitted"
        assert submitted(session, "301911/7", items=["name"], service_item="其他").state == "submitted"
        for unseen in (number, "STA-2026-999999"):
            with pytest.raises(ApplicationUnknownError, match=f"no standing authorisation {unseen} of water"):
                revoke_standing(session, unseen, STRANGER)
        revoke_standing(session, number, OFFICER)
        assert submitted(session, "301911/7", items=["name"]).state == "submitted"
        assert len(list_applications(session, provider="public_security", state="submitted")) >= 3


def test_an_application_does_not_tell_which_recipients_others_have(shared_database):
    with session_scope(shared_database) as session:
        publish(session, an_entry("301911/9", "接收系统"))
        until = utc_now() + timedelta(days=9)
        add_recipient(session, "water-reader", department="water", expires_at=until)
        add_recipient(session, "housing-reader", department="housing", expires_at=until)
        for foreign in ("water-reader", "nobodys-reader"):
            with pytest.raises(ApplicationError, match=f"housing has no recipient {foreign}"):
                submitted(session, "301911/9", recipient=foreign)
        assert submitted(session, "301911/9", recipient="housing-reader").recipient == "housing-reader"


@pytest.fixture
def reader(control_database, tmp_path):
    """A recipient of the requester, and a published table of the provider behind an entry."""
    write_shared(tmp_path, OPEN_TABLE, ("citizen_id", "name"), code=OPEN_CODE)
    with in_force(tmp_path), session_scope(control_database) as session:
        recipient, _ = add_recipient(
            session, "housing-checker", department="housing", expires_at=utc_now() + timedelta(days=400)
        )
        publish_share_version(
            session, share="city", schema_name="population", table_name="resident_basic",
            resource=OPEN_TABLE, delta_version=0, table_uri="file:/nowhere", rows=1, schema_json={},
        )  # fmt: skip
        publish(session, an_entry_over(OPEN_TABLE), at=utc_now())
        reads = lambda: [table.table_name for table in readable_tables(session, recipient.id)]  # noqa: E731
        yield session, reads


def granted_now(session, **more):
    today = local_day(utc_now())
    form = a_form(
        OPEN_CODE, recipient="housing-checker", **{"term_from": today, "term_to": today + timedelta(days=20), **more}
    )
    return grant_of(session, submit_application(session, form, ASKER).number)


def test_a_grant_opens_the_table_and_a_revocation_closes_it_at_the_next_request(reader):
    session, reads = reader
    assert reads() == []
    grant = granted_now(session)
    assert reads() == ["resident_basic"]
    assert [c.status for c in clocks_of(session, "grant", grant.number)] == ["met"]
    with pytest.raises(NotAPartyError):
        move_grant(session, grant.number, "suspend", STRANGER, {"reason": "x"})
    move_grant(session, grant.number, "suspend", OFFICER, {"reason": "异常调用"})
    assert reads() == []
    move_grant(session, grant.number, "resume", OFFICER)
    assert reads() == ["resident_basic"]
    with pytest.raises(FactMissingError):
        move_grant(session, grant.number, "revoke", OFFICER)
    move_grant(session, grant.number, "revoke", OFFICER, {"reason": "超出目的"})
    assert reads() == []
    with pytest.raises(MoveRefusedError):
        move_grant(session, grant.number, "resume", OFFICER)


def test_one_of_two_grants_on_a_table_ends_and_the_other_stays(reader):
    session, reads = reader
    first, second = granted_now(session), granted_now(session)
    move_grant(session, first.number, "revoke", OFFICER, {"reason": "重复"})
    assert reads() == ["resident_basic"]
    line = session.get(Grant, find_grant(session, second.number).recipient_grant_id)
    assert line.revoked_at is None and line.valid_to > utc_now()
    move_grant(session, second.number, "revoke", ASKER, {"reason": "不再需要"})
    assert reads() == []


def test_a_narrower_grant_never_opens_the_whole_table(reader):
    session, reads = reader
    for more in ({"items": ["name"]}, {"row_scope": {"divisions": ["510104"]}}, {"mode": "lookup"}):
        grant = granted_now(session, **more)
        assert grant.state == "active" and grant.recipient_grant_id is None
    assert reads() == []
    assert session.scalars(select(Grant)).all() == []


def test_terms_begin_are_renewed_and_end(reader):
    session, reads = reader
    today = local_day(utc_now())
    later = granted_now(session, term_from=today + timedelta(days=2))
    assert reads() == []
    assert due_for_renewal(session, today) == [later]
    assert expire_grants(session, today + timedelta(days=2), at=utc_now() + timedelta(days=2)) == []
    assert find_grant(session, later.number).recipient_grant_id is not None
    with pytest.raises(ApplicationError, match="lengthen"):
        move_grant(session, later.number, "renew", OFFICER, {"valid_to": today})
    until = today + timedelta(days=200)
    move_grant(session, later.number, "ask_renewal", ASKER, {"valid_to": until})
    assert running_clock(session, "grant", later.number, "reply_conditional").responsible == "public_security"
    renewed = move_grant(session, later.number, "renew", DRAFTER, {"valid_to": until})
    assert running_clock(session, "grant", later.number, "reply_conditional") is None
    assert renewed.valid_to == until and len(renewed.renewals) == 1
    assert expire_grants(session, until + timedelta(days=1)) == [later.number]
    assert find_grant(session, later.number).state == "expired"
    assert reads() == []
