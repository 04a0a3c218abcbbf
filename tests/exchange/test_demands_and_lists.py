"""Demands find their source by element and duty, lists carry their proof, and what is known need not be asked."""

from datetime import date, timedelta

import pytest

from catalog.control.base import utc_now
from catalog.control.clocks import clocks_of
from catalog.control.correction_cases import CaseUnknownError, move, raise_case
from catalog.control.demands import (
    DemandError,
    DemandUnknownError,
    find_demand,
    list_demands,
    move_demand,
    raise_demand,
)
from catalog.control.disputes import DisputeError, DisputeUnknownError, move_dispute, raise_dispute
from catalog.control.exchange_day import run_day
from catalog.control.lists import (
    Duty,
    ListError,
    add_negative,
    assign_batch,
    end_negative,
    fulfil,
    list_negative,
    list_responsibilities,
)
from catalog.control.session import session_scope
from catalog.control.shares import publish_share_version
from catalog.model.departments import DepartmentUnknownError
from catalog.model.elements import load_elements
from catalog.model.routing import DemandForm, candidates
from catalog.model.service_items import load_service_items, what_need_not_be_asked
from catalog.model.state_machine import Actor, MoveRefusedError, NotAPartyError, OwnDecisionError
from tests.exchange.people import (
    ASKER,
    HEAD,
    HOST,
    HOST_2,
    MONDAY,
    STRANGER,
    an_entry,
    an_entry_over,
    an_item,
    days_later,
    publish,
)

WATER = Actor("person:示范经办水", "water", frozenset({"provider_officer"}))


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        yield opened


def a_form(*elements, title="需求", description=""):
    return DemandForm(
        title=title, elements=elements, description=description, purpose="核验", service_item="公租房申请"
    )


@pytest.mark.parametrize(
    ("form", "departments"),
    [
        (a_form("姓名"), ["public_security"]),
        (a_form("uscc"), ["market_regulation"]),
        (a_form("取水量", title="取水情况"), ["water"]),
        (a_form("参保状态代码", "姓名", "性别代码"), ["public_security", "human_resources"]),
        (a_form("火星坐标"), []),
        (a_form("房屋套数", title="住房情况"), []),
    ],
)
def test_a_demand_goes_to_whose_fact_and_whose_duty_it_is(form, departments):
    found = [c.department for c in candidates(form, load_elements(), date(2026, 3, 2), requester="housing")]
    assert found[: len(departments)] == departments
    assert "housing" not in found and (departments != [] or found == [])


def test_a_demand_is_passed_on_assigned_and_answered_by_an_entry(session):
    demand = raise_demand(session, a_form("姓名"), ASKER, at=MONDAY)
    assert (demand.state, demand.asked_department) == ("asked", "public_security")
    assert demand.candidates[0]["reasons"][0] == "数源：姓名"
    for actor in (ASKER, STRANGER, WATER):
        with pytest.raises(NotAPartyError):
            move_demand(session, demand.number, "confirm", actor)
    move_demand(session, demand.number, "pass_on", HEAD, {"reason": "归水利"}, at=days_later(1))
    with pytest.raises(DepartmentUnknownError):
        move_demand(session, demand.number, "assign", HOST, {"department": "mars"})
    with pytest.raises(DemandError, match="cannot be the source"):
        move_demand(session, demand.number, "assign", HOST, {"department": "housing"})
    move_demand(session, demand.number, "assign", HOST, {"department": "water"}, at=days_later(3))
    move_demand(session, demand.number, "confirm", WATER, at=days_later(4))
    for unseen in (demand.number, "DEM-2026-999999"):
        with pytest.raises(DemandUnknownError):
            publish(session, an_entry("305999/2", "他人需求"), at=days_later(9), demand=unseen)
    publish(session, an_entry("305999/1", "新资源", provider="water"), at=days_later(9), demand=demand.number)
    answered = find_demand(session, demand.number)
    assert (answered.state, answered.entry is not None) == ("catalogued", True)
    assert [(c.limit_id, c.responsible, c.status) for c in clocks_of(session, "demand", demand.number)] == [
        ("confirm_uncatalogued", "public_security", "met"),
        ("host_review", "data_administration", "met"),
        ("confirm_uncatalogued", "water", "met"),
    ]
    with pytest.raises(MoveRefusedError):
        move_demand(session, demand.number, "withdraw", ASKER, {"reason": "晚了"})
    nobody = raise_demand(session, a_form("火星坐标"), ASKER, at=MONDAY)
    assert nobody.state == "raised"
    assert {d.state for d in list_demands(session, department="housing")} == {"catalogued", "raised"}


def test_a_fulfilled_responsibility_carries_the_platforms_own_proof(session):
    duty = Duty("常住人口", "public_security", date(2026, 3, 31), "第一批责任清单")
    with pytest.raises(NotAPartyError):
        assign_batch(session, [duty], HEAD)
    with pytest.raises(ListError):
        assign_batch(session, [duty, duty], HOST)
    assert [assign_batch(session, [duty], HOST), assign_batch(session, [duty], HOST)] == [1, 2]
    line = list_responsibilities(session, batch=1)[0]
    assert list_responsibilities(session, overdue_on=date(2026, 4, 1)) != []
    assert list_responsibilities(session, overdue_on=date(2026, 3, 31)) == []
    with pytest.raises(ListError, match="no entry"):
        fulfil(session, line.id, "population.resident_basic", HEAD, date(2026, 3, 20))
    publish(session, an_entry_over("population.resident_basic", "基本信息"))
    with pytest.raises(ListError, match="no served version"):
        fulfil(session, line.id, "population.resident_basic", HEAD, date(2026, 3, 20))
    served = publish_share_version(
        session, share="city", schema_name="population", table_name="resident_basic",
        resource="population.resident_basic", delta_version=3, table_uri="file:/x", rows=1, schema_json={},
    )  # fmt: skip
    with pytest.raises(NotAPartyError):
        fulfil(session, line.id, "population.resident_basic", WATER, date(2026, 3, 20))
    served.ends_at, served.ended_because = utc_now(), "a later version is narrower"
    with pytest.raises(ListError, match="no served version"):
        fulfil(session, line.id, "population.resident_basic", HEAD, date(2026, 3, 20))
    served.ends_at = None
    done = fulfil(session, line.id, "population.resident_basic", HEAD, date(2026, 3, 20))
    assert done.evidence["served_version"] == 1 and done.evidence["newest_delivery_at"] is None
    with pytest.raises(ListError):
        fulfil(session, line.id, "population.resident_basic", HEAD, date(2026, 3, 21))


def test_nothing_is_kept_back_without_the_law_that_says_so(session):
    line = {"title": "涉密档案", "department": "public_security", "elements": ["contact_telephone"], "citation": ""}
    with pytest.raises(ListError, match="law"):
        add_negative(session, line, HOST)
    listed = add_negative(session, {**line, "citation": "《保守国家秘密法》"}, HOST)
    assert list_negative(session, element="contact_telephone") == [listed]
    with pytest.raises(ListError, match="already"):
        add_negative(session, {**line, "citation": "《保守国家秘密法》"}, HOST)
    end_negative(session, listed.id, HOST)
    assert list_negative(session) == []
    again = add_negative(session, {**line, "citation": "《保守国家秘密法》"}, HOST)
    assert list_negative(session) == [again]
    with pytest.raises(ListError):
        end_negative(session, listed.id, HOST)


def test_a_refused_case_is_verified_again_after_the_government_rules(session):
    case = raise_case(
        session, resource="population.person", row_key="p1", column="name", doubted_department="public_security",
        evidence={"statement": "不同"}, actor=ASKER, kind="department",
    )  # fmt: skip
    with pytest.raises(DisputeError):
        raise_dispute(session, "correction_case", case.number, "不服", ASKER)
    move(session, case.number, "refuse", HEAD, {"reason": "无误"})
    for unseen in (case.number, "COR-2026-999999"):
        with pytest.raises((DisputeUnknownError, CaseUnknownError)):
            raise_dispute(session, "correction_case", unseen, "不服", STRANGER)
    with pytest.raises(NotAPartyError):
        raise_dispute(session, "correction_case", case.number, "不服", HEAD)
    number = raise_dispute(session, "correction_case", case.number, "不服", ASKER).number
    move_dispute(session, number, "bring_to_host", ASKER, {"reason": "协商不成"})
    with pytest.raises(DisputeError):
        move_dispute(session, number, "rule", HOST, {"outcome": "drawn", "reason": "x"})
    move_dispute(session, number, "bring_to_government", HOST, {"reason": "意见不一"})
    ruled = move_dispute(session, number, "rule_finally", HOST_2, {"outcome": "overturned", "reason": "应核实"})
    assert (ruled.state, case.state) == ("ruled", "in_verification")
    limits = [(c.limit_id, c.status) for c in clocks_of(session, "correction_case", case.number)]
    assert limits == [("reply_correction", "met"), ("reply_correction", "running")]
    own = Actor("person:示范主管一", "public_security", frozenset({"provider_officer", "requester_officer"}))
    mine = raise_case(
        session, resource="population.person", row_key="p2", column="name", doubted_department="public_security",
        evidence={}, actor=own, kind="department",
    )  # fmt: skip
    with pytest.raises(OwnDecisionError):
        move(session, mine.number, "refuse", own, {"reason": "自己的"})


def test_what_the_catalogue_provides_need_not_be_asked():
    item = load_service_items()["construction_permit"]
    assert [one.is_asked for one in what_need_not_be_asked(item, [])] == [True, True, True]
    licences = an_entry("103001/1", "证照", items=[an_item("t", element="licence_type_code")])
    entity = an_entry("102001/1", "法人", items=[an_item("u", element="uscc"), an_item("n", element="entity_name")])
    found = what_need_not_be_asked(item, [licences, entity], ["103001/1"])
    assert [(one.material, one.is_asked, one.codes) for one in found] == [
        ("施工企业资质证书", False, ("103001/1",)), ("营业执照", False, ("102001/1",)), ("施工图设计文件", True, ()),
    ]  # fmt: skip
    assert all(one.needs_application for one in found[:2])
    hidden = an_entry(
        "102001/1", "法人", items=[an_item("u", element="uscc"), an_item("n", "refused", element="entity_name")]
    )
    assert what_need_not_be_asked(item, [licences, hidden], ["103001/1"])[1].is_asked


def test_a_day_warns_ends_and_notices_drift_once(session):
    code = "301999/1"
    publish(session, an_entry(code, "每日"), at=utc_now())
    changed = an_entry(code, "每日", items=[an_item("citizen_id", element="citizen_id")])
    today = date(2026, 11, 23)
    assert run_day(session, {code: changed}, today).drifted == (code,)
    assert run_day(session, {code: changed}, today).drifted == ()
    later = run_day(session, {code: changed}, today + timedelta(days=20))
    assert [(n.level, n.kind, n.number) for n in later.notices] == [("overdue", "catalogue_update", code)]
