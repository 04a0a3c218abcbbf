"""Who may decide: nobody on their own words or their own refusal, and no dispute goes past the host authority."""

from datetime import date

import pytest

from catalog.control.applications import authorise_standing, grant_of, move_application, submit_application
from catalog.control.clocks import ClockError, ask_extension, clocks_of, decide_extension, local_day, running_clock
from catalog.control.correction_cases import move, raise_case
from catalog.control.demands import move_demand, raise_demand
from catalog.control.disputes import DisputeError, move_dispute, raise_dispute
from catalog.control.entries import draft_entry, edit_draft, find_entry, move_entry
from catalog.control.grants import move_grant
from catalog.control.life import history
from catalog.control.lists import Duty, assign_batch, fulfil, list_responsibilities
from catalog.control.session import session_scope
from catalog.model.application_form import ApplicationError
from catalog.model.routing import DemandForm
from catalog.model.state_machine import Actor, MoveRefusedError, NotAPartyError, OwnDecisionError
from tests.control.audit_home import audit_home
from tests.exchange.people import (
    ASKER,
    DRAFTER,
    HEAD,
    HOST,
    HOST_2,
    MONDAY,
    PROVIDER,
    REVIEWS,
    STRANGER,
    a_system,
    an_entry,
    an_item,
    days_later,
    publish,
)
from tests.exchange.test_applications import a_form, submitted

__all__ = ["audit_home"]

HOST_3 = Actor("person:示范主管三", "data_administration", frozenset({"host_authority"}))
OVERTURNED = {"outcome": "overturned", "reason": "职责成立"}


@pytest.fixture
def session(control_database, audit_home):
    with session_scope(control_database) as opened:
        yield opened


def a_hand(session, name: str, owner: Actor, department: str, role: str) -> Actor:
    """Return a system as who acts that is an officer's: theirs to answer for, or made by them for another side."""
    if owner.department == department:
        return a_system(session, name, department, role, officer=owner)
    return a_system(session, name, department, role, made_by=owner.name)


def refused(session, *, needs_host: bool, by_host: bool = False) -> str:
    """Return an application that the provider refused, or the host authority after the provider's endorsement."""
    publish(session, an_entry("309101/1", "争议", needs_host=needs_host))
    number = submitted(session, "309101/1").number
    if by_host:
        move_application(session, number, "endorse", HEAD, at=MONDAY)
        move_application(session, number, "object", HOST, {"reason": "目的过宽"}, at=MONDAY)
    else:
        move_application(session, number, "refuse", HEAD, {"reason": "与职责无关"}, at=MONDAY)
    return number


def disputed(session, number: str) -> str:
    return raise_dispute(session, "application", number, "职责见三定规定", ASKER, at=MONDAY).number


def test_what_the_provider_gives_in_a_dispute_still_waits_for_the_host(session):
    number = refused(session, needs_host=True)
    dispute = disputed(session, number)
    move_dispute(session, dispute, "settle", DRAFTER, {"outcome": "overturned"}, at=MONDAY)
    record = move_application(session, number, "consent", HOST, at=MONDAY)
    assert [event.act for event in history(session, "application", number)] == [
        "submit", "refuse", "remit", "consent",
    ]  # fmt: skip
    assert record.endorsed_by == DRAFTER.name and record.decided_by == HOST.name
    assert grant_of(session, number).state == "active"
    assert [(c.limit_id, c.status) for c in clocks_of(session, "application", number)] == [
        ("reply_conditional", "met"), ("host_review", "met"),
    ]  # fmt: skip


def test_the_host_may_object_to_what_a_dispute_gave(session):
    number = refused(session, needs_host=True)
    move_dispute(session, disputed(session, number), "settle", DRAFTER, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number) is None and running_clock(session, "application", number) is not None
    assert move_application(session, number, "object", HOST, {"reason": "目的过宽"}, at=MONDAY).state == "refused"
    assert grant_of(session, number) is None


@pytest.mark.parametrize(("actor", "error"), [(HEAD, OwnDecisionError), (DRAFTER, NotAPartyError)])
def test_what_the_host_refused_is_not_settled_by_the_provider(session, actor, error):
    number = refused(session, needs_host=True, by_host=True)
    dispute = disputed(session, number)
    with pytest.raises(error):
        move_dispute(session, dispute, "settle", actor, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number) is None


def test_what_the_host_refused_is_given_by_another_person_of_the_host_or_by_the_government(session):
    number = refused(session, needs_host=True, by_host=True)
    dispute = disputed(session, number)
    with pytest.raises(OwnDecisionError):
        move_dispute(session, dispute, "settle", HOST, {"outcome": "overturned"}, at=MONDAY)
    move_dispute(session, dispute, "bring_to_host", ASKER, {"reason": "协商不成"}, at=MONDAY)
    with pytest.raises(OwnDecisionError):
        move_dispute(session, dispute, "rule", HOST, OVERTURNED, at=MONDAY)
    move_dispute(session, dispute, "bring_to_government", HOST_2, {"reason": "意见不一"}, at=MONDAY)
    for actor in (HOST, HOST_2):
        with pytest.raises(OwnDecisionError):
            move_dispute(session, dispute, "rule_finally", actor, OVERTURNED, at=MONDAY)
    move_dispute(session, dispute, "rule_finally", HOST_3, OVERTURNED, at=MONDAY)
    assert grant_of(session, number).state == "active"


def test_who_endorsed_does_not_settle_for_the_host_by_a_hand(session):
    number = refused(session, needs_host=True, by_host=True)
    dispute = disputed(session, number)
    hand = a_hand(session, "host-side", HEAD, "data_administration", "host_authority")
    with pytest.raises(OwnDecisionError):
        move_dispute(session, dispute, "settle", hand, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number) is None
    move_dispute(session, dispute, "settle", HOST_2, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number).state == "active"


def test_who_rules_for_the_government_does_not_consent_for_the_host(session):
    number = refused(session, needs_host=True)
    dispute = disputed(session, number)
    move_dispute(session, dispute, "bring_to_host", ASKER, {"reason": "协商不成"}, at=MONDAY)
    move_dispute(session, dispute, "bring_to_government", ASKER, {"reason": "意见不一"}, at=MONDAY)
    move_dispute(session, dispute, "rule_finally", HOST, OVERTURNED, at=MONDAY)
    with pytest.raises(OwnDecisionError):
        move_application(session, number, "consent", HOST, at=MONDAY)
    assert grant_of(session, number) is None
    assert move_application(session, number, "consent", HOST_2, at=MONDAY).state == "approved"


def test_who_refused_does_not_settle_by_whichever_account(session):
    number = refused(session, needs_host=False)
    dispute = disputed(session, number)
    double = a_hand(session, "second-hand", HEAD, PROVIDER, "provider_officer")
    for actor in (HEAD, double):
        with pytest.raises(OwnDecisionError):
            move_dispute(session, dispute, "settle", actor, {"outcome": "overturned"}, at=MONDAY)
    assert move_dispute(session, dispute, "settle", DRAFTER, {"outcome": "overturned"}, at=MONDAY).state == "settled"
    assert grant_of(session, number).state == "active"


def test_a_persons_system_decides_nothing_that_the_person_brought_in(session):
    publish(session, an_entry("309101/2", "系统"))
    number = submitted(session, "309101/2").number
    double = a_hand(session, "provider-side", ASKER, PROVIDER, "provider_officer")
    other = a_hand(session, "another-hand", STRANGER, PROVIDER, "provider_officer")
    for act in ("approve", "refuse"):
        with pytest.raises(OwnDecisionError):
            move_application(session, number, act, double, {"reason": "x"}, at=MONDAY)
    assert move_application(session, number, "approve", other, at=MONDAY).state == "approved"


def test_papers_are_words_of_who_supplies_them(session):
    publish(session, an_entry("309101/3", "补正"))
    number = submitted(session, "309101/3").number
    move_application(session, number, "ask_papers", HEAD, {"reason": "缺少职责依据"}, at=MONDAY)
    writer = a_hand(session, "paper-writer", DRAFTER, ASKER.department, "requester_officer")
    move_application(session, number, "supply_papers", writer, {"papers": ["三定规定"]}, at=MONDAY)
    with pytest.raises(OwnDecisionError):
        move_application(session, number, "approve", DRAFTER, at=MONDAY)
    assert move_application(session, number, "approve", HEAD, at=MONDAY).state == "approved"


def test_nobody_allows_their_own_application_in_advance(session):
    publish(session, an_entry("309101/4", "常态化"))
    double = a_hand(session, "housing-checker", HEAD, ASKER.department, "requester_officer")
    authorise_standing(
        session, code="309101/4", department=ASKER.department, items=["name"], valid_from=date(2026, 1, 1),
        valid_to=date(2028, 1, 1), actor=HEAD, at=MONDAY,
    )  # fmt: skip
    form = a_form("309101/4", items=["name"])
    assert submit_application(session, form, double, at=MONDAY).state == "submitted"
    assert submit_application(session, form, ASKER, at=MONDAY).state == "approved"


def test_who_wrote_any_word_of_an_entry_signs_no_review_of_it(session):
    made = draft_entry(session, an_entry("309101/5", "四眼"), DRAFTER, at=MONDAY)
    rewritten = an_entry("309101/5", "四眼", abstract="另一人的内容", items=[an_item("citizen_id")])
    edit_draft(session, made.number, rewritten, HEAD, revision=1, at=MONDAY)
    third = Actor("person:示范负责二", PROVIDER, frozenset({"provider_officer"}))
    edit_draft(session, made.number, an_entry("309101/5", "四眼"), third, revision=2, at=MONDAY)
    move_entry(session, made.number, "submit", DRAFTER, at=MONDAY)
    hand = a_hand(session, "entry-hand", third, PROVIDER, "provider_officer")
    for author in (DRAFTER, HEAD, third, hand):
        with pytest.raises(OwnDecisionError):
            move_entry(session, made.number, "endorse", author, REVIEWS, at=MONDAY)
    assert [(e.act, e.by) for e in history(session, "catalogue_entry", made.number)][:3] == [
        ("draft", DRAFTER.name), ("edit", HEAD.name), ("edit", third.name),
    ]  # fmt: skip
    fourth = Actor("person:示范负责三", PROVIDER, frozenset({"provider_officer"}))
    move_entry(session, made.number, "endorse", fourth, REVIEWS, at=MONDAY)
    publisher = a_hand(session, "publisher", fourth, "data_administration", "host_authority")
    with pytest.raises(OwnDecisionError):
        move_entry(session, made.number, "publish", publisher, at=MONDAY)
    assert find_entry(session, made.number).state == "host_review"


def test_the_host_consents_to_no_more_than_the_provider_endorsed(session):
    publish(session, an_entry("309101/6", "缩小", needs_host=True))
    number = submitted(session, "309101/6").number
    narrower = {"items": ["name"], "quota_per_day": 50, "valid_to": date(2026, 9, 1)}
    move_application(session, number, "endorse", HEAD, narrower, at=MONDAY)
    for wider in ({"items": ["citizen_id"]}, {"quota_per_day": 51}, {"valid_to": date(2026, 9, 2)}):
        with pytest.raises(ApplicationError, match="more than was asked for"):
            move_application(session, number, "consent", HOST, wider, at=MONDAY)
    move_application(session, number, "consent", HOST, {"quota_per_day": 20}, at=MONDAY)
    grant = grant_of(session, number)
    assert (grant.items, grant.quota_per_day, grant.valid_to) == (["name"], 20, date(2026, 9, 1))


def consented(session, code: str):
    """Return the grant of an application to which the host authority consented."""
    publish(session, an_entry(code, f"续期{code[-1]}", needs_host=True))
    number = submitted(session, code).number
    move_application(session, number, "endorse", HEAD, at=MONDAY)
    move_application(session, number, "consent", HOST, at=MONDAY)
    return grant_of(session, number)


def test_what_the_host_consented_to_is_renewed_with_its_consent(session):
    grant = consented(session, "309101/7")
    until = date(2027, 9, 1)
    with pytest.raises(MoveRefusedError, match="another way"):
        move_grant(session, grant.number, "renew", HEAD, {"valid_to": until}, at=MONDAY)
    with pytest.raises(MoveRefusedError, match="no renewal"):
        move_grant(session, grant.number, "consent_renewal", HOST, at=MONDAY)
    move_grant(session, grant.number, "endorse_renewal", HEAD, {"valid_to": until}, at=MONDAY)
    assert grant.valid_to == date(2027, 3, 1)
    assert running_clock(session, "grant", grant.number, "host_review").responsible == "data_administration"
    own = a_hand(session, "host-hand", HEAD, "data_administration", "host_authority")
    with pytest.raises(OwnDecisionError):
        move_grant(session, grant.number, "consent_renewal", own, at=MONDAY)
    move_grant(session, grant.number, "consent_renewal", HOST, {"valid_to": date(2029, 1, 1)}, at=MONDAY)
    assert (grant.valid_to, grant.renewals[-1]["by"]) == (until, HOST.name)
    assert running_clock(session, "grant", grant.number, "host_review") is None
    with pytest.raises(MoveRefusedError, match="no renewal"):
        move_grant(session, grant.number, "consent_renewal", HOST, at=MONDAY)


def test_what_needs_no_host_is_renewed_by_the_provider(session):
    publish(session, an_entry("309101/8", "简续"))
    number = submitted(session, "309101/8").number
    move_application(session, number, "approve", HEAD, at=MONDAY)
    grant = grant_of(session, number)
    with pytest.raises(MoveRefusedError, match="another way"):
        move_grant(session, grant.number, "endorse_renewal", HEAD, {"valid_to": date(2027, 9, 1)}, at=MONDAY)
    asker = a_hand(session, "renewal-hand", HEAD, ASKER.department, "requester_officer")
    move_grant(session, grant.number, "ask_renewal", asker, {"valid_to": date(2027, 9, 1)}, at=MONDAY)
    with pytest.raises(OwnDecisionError):
        move_grant(session, grant.number, "renew", HEAD, {"valid_to": date(2027, 9, 1)}, at=MONDAY)
    move_grant(session, grant.number, "renew", DRAFTER, {"valid_to": date(2027, 9, 1)}, at=MONDAY)
    assert grant.valid_to == date(2027, 9, 1)


@pytest.mark.parametrize(("suspender", "other"), [(HOST, HEAD), (HEAD, HOST)])
def test_a_grant_goes_on_only_by_who_suspended_it(session, suspender, other):
    grant = consented(session, "309101/9")
    move_grant(session, grant.number, "suspend", suspender, {"reason": "异常调用"}, at=MONDAY)
    for act in ("resume", "take_back"):
        with pytest.raises(MoveRefusedError, match="was suspended by"):
            move_grant(session, grant.number, act, other, at=MONDAY)
    assert grant.state == "suspended"
    with pytest.raises(MoveRefusedError, match="no other side"):
        move_grant(session, grant.number, "take_back", suspender, at=MONDAY)
    assert move_grant(session, grant.number, "resume", suspender, at=MONDAY).state == "active"


@pytest.mark.parametrize(("first", "second"), [(HOST, HEAD), (HEAD, HOST)])
def test_each_side_that_suspended_a_grant_takes_its_own_reason_back(session, first, second):
    grant = consented(session, "309101/9")
    move_grant(session, grant.number, "suspend", first, {"reason": "异常调用"}, at=MONDAY)
    move_grant(session, grant.number, "suspend", second, {"reason": "目的存疑"}, at=MONDAY)
    assert grant.reason == "异常调用; 目的存疑"
    for actor in (first, second):
        with pytest.raises(MoveRefusedError, match="too: "):
            move_grant(session, grant.number, "resume", actor, at=MONDAY)
    move_grant(session, grant.number, "take_back", first, at=MONDAY)
    assert (grant.state, [one["by"] for one in grant.suspensions]) == ("suspended", [second.name])
    with pytest.raises(MoveRefusedError, match="was suspended by"):
        move_grant(session, grant.number, "resume", first, at=MONDAY)
    move_grant(session, grant.number, "resume", second, at=MONDAY)
    assert (grant.state, grant.suspensions) == ("active", [])


def test_what_the_host_suspended_on_its_own_departments_data_its_provider_does_not_resume(session):
    drafter, head = (Actor(f"person:本部门{n}", HOST.department, frozenset({"provider_officer"})) for n in "一二")
    number = draft_entry(session, an_entry("309104/1", "主管部门数据", provider=HOST.department), drafter, at=MONDAY)
    move_entry(session, number.number, "submit", drafter, at=MONDAY)
    move_entry(session, number.number, "endorse", head, REVIEWS, at=MONDAY)
    move_entry(session, number.number, "publish", HOST, at=MONDAY)
    application = submitted(session, "309104/1").number
    move_application(session, application, "approve", head, at=MONDAY)
    grant = grant_of(session, application)
    for suspender, side, other in ((HOST, "host", head), (head, "provider", HOST)):
        move_grant(session, grant.number, "suspend", suspender, {"reason": "异常调用"}, at=MONDAY)
        assert [one["side"] for one in grant.suspensions] == [side]
        with pytest.raises(MoveRefusedError, match="was suspended by"):
            move_grant(session, grant.number, "resume", other, at=MONDAY)
        move_grant(session, grant.number, "resume", HOST_2 if side == "host" else drafter, at=MONDAY)
        assert grant.state == "active"


def test_harder_terms_are_weighed_by_the_provider_after_the_host_took_its_suspension_back(session):
    publish(session, an_entry("309104/2", "中止期间加严"))
    number = submitted(session, "309104/2").number
    move_application(session, number, "approve", HEAD, at=MONDAY)
    grant = grant_of(session, number)
    move_grant(session, grant.number, "suspend", HOST, {"reason": "异常调用"}, at=MONDAY)
    publish(session, an_entry("309104/2", "中止期间加严", use_conditions="仅限窗口核验"), at=days_later(1))
    assert [one["side"] for one in grant.suspensions] == ["host", "system"] and "conditions of use" in grant.reason
    with pytest.raises(MoveRefusedError, match="conditions of use"):
        move_grant(session, grant.number, "resume", HOST, at=days_later(1))
    move_grant(session, grant.number, "take_back", HOST, at=days_later(1))
    assert grant.state == "suspended"
    assert move_grant(session, grant.number, "resume", DRAFTER, at=days_later(1)).state == "active"


def test_the_clocks_of_a_renewal_end_with_a_suspension_and_the_delivery_waits(session):
    grant = consented(session, "309104/3")
    until = date(2027, 9, 1)
    move_grant(session, grant.number, "ask_renewal", ASKER, {"valid_to": until}, at=MONDAY)
    move_grant(session, grant.number, "endorse_renewal", HEAD, {"valid_to": until}, at=MONDAY)
    move_grant(session, grant.number, "ask_renewal", ASKER, {"valid_to": until}, at=MONDAY)

    def standing() -> dict[str, str]:
        clocks = clocks_of(session, "grant", grant.number)
        return {clock.limit_id: clock.status for clock in clocks if clock.status in ("running", "paused")}

    assert standing() == {"delivery": "running", "host_review": "running", "reply_conditional": "running"}
    for suspender in (HOST, HEAD):
        move_grant(session, grant.number, "suspend", suspender, {"reason": "异常调用"}, at=days_later(1))
        assert standing() == {"delivery": "paused"}
    move_grant(session, grant.number, "take_back", HOST, at=days_later(2))
    assert standing() == {"delivery": "paused"}
    move_grant(session, grant.number, "resume", HEAD, at=days_later(3))
    assert standing() == {"delivery": "running"}
    with pytest.raises(MoveRefusedError, match="no renewal"):
        move_grant(session, grant.number, "consent_renewal", HOST, at=days_later(3))
    for act in ("suspend", "revoke"):
        move_grant(session, grant.number, act, HEAD, {"reason": "异常调用"}, at=days_later(4))
    assert (grant.state, grant.suspensions, standing()) == ("revoked", [], {})


def test_a_grant_that_never_came_before_the_host_does_not_go_on_once_the_entry_asks_for_it(session):
    publish(session, an_entry("309103/1", "加严"))
    number = submitted(session, "309103/1").number
    move_application(session, number, "approve", HEAD, at=MONDAY)
    grant = grant_of(session, number)
    publish(session, an_entry("309103/1", "加严", needs_host=True), at=days_later(1))
    assert grant.state == "suspended" and "host authority" in grant.reason
    with pytest.raises(MoveRefusedError, match="apply again"):
        move_grant(session, grant.number, "resume", HEAD, at=days_later(1))


def a_case(session, row: str):
    return raise_case(
        session, resource="population.person", row_key=row, column="name", doubted_department=PROVIDER,
        evidence={"statement": "不同"}, actor=ASKER, kind="department",
    )  # fmt: skip


def test_a_refused_case_is_reopened_by_a_dispute_that_another_person_settles(session):
    case = a_case(session, "own1")
    move(session, case.number, "refuse", HEAD, {"reason": "无误"})
    with pytest.raises(NotAPartyError):
        move(session, case.number, "reopen", ASKER, {"reason": "不服"})
    dispute = raise_dispute(session, "correction_case", case.number, "不服", ASKER).number
    for actor, error in ((HEAD, OwnDecisionError), (HOST, NotAPartyError), (STRANGER, NotAPartyError)):
        with pytest.raises(error):
            move_dispute(session, dispute, "settle", actor, {"outcome": "overturned"})
    assert case.state == "refused"
    move_dispute(session, dispute, "settle", DRAFTER, {"outcome": "overturned"})
    assert case.state == "in_verification"
    with pytest.raises(OwnDecisionError):
        move(session, case.number, "refuse", HEAD, {"reason": "仍无误"})
    assert move(session, case.number, "refuse", DRAFTER, {"reason": "仍无误"}).state == "refused"


def test_who_gives_evidence_does_not_judge_it(session):
    case = a_case(session, "own2")
    move(session, case.number, "ask_evidence", HEAD, {"reason": "请举证"})
    witness = a_hand(session, "witness", DRAFTER, ASKER.department, "requester_officer")
    move(session, case.number, "supplement", witness, {"evidence": "户口簿"})
    with pytest.raises(OwnDecisionError):
        move(session, case.number, "confirm", DRAFTER)
    assert move(session, case.number, "confirm", HEAD).state == "confirmed"


def test_who_names_the_source_of_a_demand_does_not_confirm_for_it(session):
    form = DemandForm(title="火星坐标", elements=("火星坐标",), purpose="核验", service_item="公租房申请")
    number = raise_demand(session, form, ASKER, at=MONDAY).number
    move_demand(session, number, "route", HOST, {"department": PROVIDER}, at=MONDAY)
    for maker in (HOST, ASKER):
        hand = a_hand(session, f"source-{maker.department.replace('_', '-')}", maker, PROVIDER, "provider_officer")
        with pytest.raises(OwnDecisionError):
            move_demand(session, number, "confirm", hand, at=MONDAY)
    assert move_demand(session, number, "confirm", HEAD, at=MONDAY).state == "confirmed"


def test_nobody_fulfils_or_extends_what_they_assigned_or_asked_for(session):
    assign_batch(session, [Duty("常住人口", PROVIDER, date(2026, 3, 31), "第一批责任清单")], HOST)
    hand = a_hand(session, "fulfiller", HOST, PROVIDER, "provider_officer")
    line = list_responsibilities(session)[0]
    with pytest.raises(OwnDecisionError):
        fulfil(session, line.id, "population.resident_basic", hand, date(2026, 3, 20))
    publish(session, an_entry("309103/2", "延期"))
    number = submitted(session, "309103/2").number
    asked_by = a_hand(session, "extender", HOST, PROVIDER, "provider_officer")
    ask_extension(session, "application", number, asked_by, "数据量大")
    with pytest.raises(ClockError, match="nobody to their own"):
        decide_extension(session, "application", number, HOST, consents=True, on=local_day(MONDAY))
    assert decide_extension(session, "application", number, HOST_2, consents=True, on=local_day(MONDAY)).extended_by


def test_a_refusal_that_was_upheld_is_not_disputed_again(session):
    number = refused(session, needs_host=False)
    first = disputed(session, number)
    move_dispute(session, first, "settle", DRAFTER, {"outcome": "upheld"}, at=MONDAY)
    with pytest.raises(DisputeError, match=f"upheld by {first}"):
        disputed(session, number)


def test_a_new_refusal_is_disputed_anew_and_decided_by_who_decided_nothing_yet(session):
    number = refused(session, needs_host=True)
    first = disputed(session, number)
    move_dispute(session, first, "bring_to_host", ASKER, {"reason": "协商不成"}, at=MONDAY)
    move_dispute(session, first, "rule", HOST, OVERTURNED, at=MONDAY)
    move_application(session, number, "object", HOST_2, {"reason": "目的过宽"}, at=MONDAY)
    second = disputed(session, number)
    with pytest.raises(OwnDecisionError):
        move_dispute(session, second, "settle", HOST, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number) is None
    move_dispute(session, second, "settle", HOST_3, {"outcome": "overturned"}, at=MONDAY)
    assert grant_of(session, number).state == "active"
