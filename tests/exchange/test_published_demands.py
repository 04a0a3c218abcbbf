"""A demand for what is published already is answered with the entry at once, and no limit runs for it."""

from __future__ import annotations

import pytest

from catalog.control.clocks import clocks_of
from catalog.control.demands import list_demands, raise_demand
from catalog.control.life import history
from catalog.control.lists import add_negative
from catalog.control.session import session_scope
from catalog.model.routing import DemandForm
from catalog.model.state_machine import Actor
from tests.exchange.people import ASKER, HEAD, HOST, MONDAY, an_entry, an_item, publish


@pytest.fixture
def session(control_database):
    with session_scope(control_database) as opened:
        items = [
            an_item("name", element="person_name"),
            an_item("birth_date", element="birth_date"),
            an_item("phone", "refused", element="contact_telephone"),
        ]
        publish(session=opened, entry=an_entry(items=items))
        yield opened
        opened.rollback()


def a_demand(session, *elements: str, actor: Actor = ASKER):
    form = DemandForm(title="核验", elements=elements, description="", purpose="核验", service_item="公租房申请")
    return raise_demand(session, form, actor, at=MONDAY)


@pytest.mark.parametrize("elements", [("姓名",), ("person_name", "出生日期")])
def test_published_elements_are_answered_with_their_entry_and_no_clock(session, elements):
    made = a_demand(session, *elements)
    assert (made.state, made.asked_department, made.ended_at) == ("catalogued", None, MONDAY)
    assert made.entry and "301001/1" in made.reason and "请直接申请" in made.reason and "apply for it" in made.reason
    assert clocks_of(session, "demand", made.number) == []
    assert [event.act for event in history(session, "demand", made.number)] == ["raise", "answer"]
    assert [one.number for one in list_demands(session, department=ASKER.department)] == [made.number]


@pytest.mark.parametrize("elements", [("姓名", "性别代码"), ("联系电话",), ("姓名", "火星坐标")])
def test_what_is_not_shared_whole_runs_its_course(session, elements):
    made = a_demand(session, *elements)
    assert made.state == "asked" and made.entry is None
    assert [clock.limit_id for clock in clocks_of(session, "demand", made.number)] == ["confirm_uncatalogued"]


def test_what_the_negative_list_keeps_back_or_ones_own_is_no_answer(session):
    own = Actor("person:示范经办四", HEAD.department, frozenset({"requester_officer"}))
    assert a_demand(session, "姓名", actor=own).state != "catalogued"
    line = {"title": "姓名", "department": HEAD.department, "elements": ["person_name"], "citation": "《某法》第一条"}
    add_negative(session, line, HOST, at=MONDAY)
    assert a_demand(session, "姓名").state == "asked"
