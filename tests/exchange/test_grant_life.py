"""Any order of acts by anybody leaves applications, grants, clocks and reading in a state that the rules allow.

``STATEFUL_RUNS`` sets the number of runs; 100 in the suite, 2,000 for ``make bench CASE=grant-life``.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.control.applications import (
    authorise_standing,
    find_application,
    grant_of,
    move_application,
    revoke_standing,
    submit_application,
)
from catalog.control.base import utc_now
from catalog.control.clock_tables import ClockRecord
from catalog.control.clocks import local_day, tick
from catalog.control.disputes import move_dispute, raise_dispute
from catalog.control.entries import move_entry
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.grant_tables import AccessGrant, Application, Dispute
from catalog.control.grants import expire_grants, move_grant
from catalog.control.recipients import add_recipient, find_recipient, readable_tables
from catalog.control.session import engine, session_scope
from catalog.control.shares import publish_share_version
from catalog.model.errors import GuantongError
from catalog.model.procedures import APPLICATION, DISPUTE, GRANT
from tests.control.audit_home import audit_home
from tests.exchange.contracts import ELEMENT, in_force, write_shared
from tests.exchange.people import ASKER, DRAFTER, HEAD, HOST, HOST_2, STRANGER, an_entry, an_item, publish
from tests.exchange.test_applications import a_form

__all__ = ["audit_home"]

RUNS = int(os.environ.get("STATEFUL_RUNS", "100"))
ACTORS = st.sampled_from([ASKER, DRAFTER, HEAD, HOST, HOST_2, STRANGER])
CODES = {"unconditional": "201001/1", "conditional": "201001/2", "host": "201001/3"}
TODAY = local_day(utc_now())
FACTS = {
    "reason": "理由", "papers": ["补正"], "rule": "made up", "dispute": "DIS-0", "valid_to": TODAY + timedelta(days=40),
    "outcome": "overturned",
}  # fmt: skip
DECISIONS = {"approve": "provider_officer", "endorse": "provider_officer", "consent": "host_authority"}


def entry_of_kind(kind: str, how: str = "same"):
    """Return the entry of a kind as it was at first, on harder terms, or with one item less."""
    share = "unconditional" if kind == "unconditional" else "conditional"
    names = ("a",) if kind == "unconditional" or how == "fewer" else ("a", "b")
    items = [an_item(name, share, element=ELEMENT, classification="personal") for name in names]
    more = {"use_conditions": "不得留存"} if how == "harder" else {}
    return an_entry(
        CODES[kind], kind, items=items, share_type=share, resource="p.t", needs_host=kind == "host", **more
    )  # fmt: skip


@pytest.fixture
def shared_contract(tmp_path):
    write_shared(tmp_path, "p.t", ("a", "b"), code=CODES["unconditional"])
    with in_force(tmp_path):
        yield


def prepare(url: str) -> None:
    """Publish an entry of each kind over one shared table, and make its recipient."""
    with session_scope(url) as session:
        until = utc_now() + timedelta(days=400)
        add_recipient(session, "checker", department="housing", expires_at=until)
        publish_share_version(
            session, share="city", schema_name="p", table_name="t", resource="p.t", delta_version=0,
            table_uri="file:/nowhere", rows=1, schema_json={},
        )  # fmt: skip
        for kind in CODES:
            publish(session, entry_of_kind(kind), at=utc_now())


class Procedures(RuleBasedStateMachine):
    """Officers of four departments do what they like, within one transaction that is rolled back at the end."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(engine(self.url), expire_on_commit=False)
        self.recipient_id = find_recipient(self.session, "checker").id
        self.standing: list[str] = []
        self.seen: dict[str, str] = {}
        self.today = TODAY

    def attempt(self, act, *arguments, **more):
        """Do it in a savepoint: what is refused must leave nothing behind."""
        try:
            with self.session.begin_nested():
                return act(self.session, *arguments, **more)
        except GuantongError:
            self.session.expire_all()
            return None

    def numbers(self, table) -> list[str]:
        return list(self.session.scalars(select(table.number).order_by(table.number)))

    @rule(kind=st.sampled_from(list(CODES)), actor=ACTORS, whole=st.booleans(), shift=st.integers(-1, 3))
    def submit(self, kind, actor, whole, shift):
        start = TODAY + timedelta(days=shift)
        form = a_form(
            CODES[kind], items=() if whole else ("a",), recipient="checker", term_from=start,
            term_to=start + timedelta(days=5),
        )  # fmt: skip
        made = self.attempt(submit_application, form, actor)
        assert made is None or "requester_officer" in actor.roles

    @rule(actor=ACTORS)
    def allow_in_advance(self, actor):
        term = {"valid_from": TODAY, "valid_to": TODAY + timedelta(days=30)}
        made = self.attempt(
            authorise_standing, code=CODES["conditional"], department="housing", items=["a"], actor=actor, **term
        )
        if made is not None:
            assert actor in (DRAFTER, HEAD)
            self.standing.append(made.number)

    @precondition(lambda self: self.standing)
    @rule(data=st.data(), actor=ACTORS)
    def disallow(self, data, actor):
        self.attempt(revoke_standing, data.draw(st.sampled_from(self.standing)), actor)

    @precondition(lambda self: self.numbers(Application))
    @rule(data=st.data(), act=st.sampled_from(sorted({t.act for t in APPLICATION.transitions})), actor=ACTORS)
    def step_application(self, data, act, actor):
        number = data.draw(st.sampled_from(self.numbers(Application)))
        facts = {key: FACTS[key] for key in ("reason", "papers", "rule", "dispute")}
        moved = self.attempt(move_application, number, act, actor, facts)
        if moved is not None:
            assert act not in ("approve_automatically", "overturn")
            assert actor.name != moved.submitted_by or act in ("supply_papers", "withdraw")
            assert DECISIONS.get(act) is None or DECISIONS[act] in actor.roles

    @precondition(lambda self: self.numbers(AccessGrant))
    @rule(data=st.data(), act=st.sampled_from(sorted({t.act for t in GRANT.transitions})), actor=ACTORS)
    def step_grant(self, data, act, actor):
        number = data.draw(st.sampled_from(self.numbers(AccessGrant)))
        moved = self.attempt(move_grant, number, act, actor, {key: FACTS[key] for key in ("reason", "valid_to")})
        assert moved is None or (actor is not STRANGER and act != "expire")

    @precondition(lambda self: self.numbers(Application))
    @rule(data=st.data(), actor=ACTORS)
    def dispute(self, data, actor):
        self.attempt(raise_dispute, "application", data.draw(st.sampled_from(self.numbers(Application))), "不服", actor)

    @precondition(lambda self: self.numbers(Dispute))
    @rule(
        data=st.data(), act=st.sampled_from(sorted({t.act for t in DISPUTE.transitions})), actor=ACTORS,
        outcome=st.sampled_from(["upheld", "overturned", "drawn"]),
    )  # fmt: skip
    def step_dispute(self, data, act, actor, outcome):
        number = data.draw(st.sampled_from(self.numbers(Dispute)))
        self.attempt(move_dispute, number, act, actor, {"reason": "理由", "outcome": outcome})

    @rule(kind=st.sampled_from(list(CODES)), how=st.sampled_from(["same", "harder", "fewer", "withdraw"]))
    def change_entry(self, kind, how):
        if how != "withdraw":
            self.attempt(publish, entry_of_kind(kind, how), at=utc_now())
            return
        query = select(CatalogueEntry.number).where(
            CatalogueEntry.code == CODES[kind], CatalogueEntry.state == "published"
        )
        for number in self.session.scalars(query).all():
            self.attempt(move_entry, number, "withdraw", HEAD, {"reason": "机构改革"})

    @invariant()
    def a_grant_that_stands_rests_on_a_published_entry_that_shares_its_items_while_it_is_active(self):
        published = {e.code: e for e in self.session.scalars(select(CatalogueEntry)) if e.state == "published"}
        for grant in self.session.scalars(select(AccessGrant).where(AccessGrant.state.in_(("active", "suspended")))):
            assert grant.code in published
            offered = {item["name"] for item in published[grant.code].content["items"]}
            assert grant.state == "suspended" or set(grant.items) <= offered
            assert grant.is_narrower == (not offered <= set(grant.items))

    @rule(days=st.integers(0, 4))
    def wait(self, days):
        self.today += timedelta(days=days)
        expire_grants(self.session, self.today)
        tick(self.session, self.today)

    @invariant()
    def an_approved_application_has_its_grant_and_no_other_has_one(self):
        for number in self.numbers(Application):
            record = find_application(self.session, number)
            assert record.state in APPLICATION.states
            assert (grant_of(self.session, number) is not None) == (record.state == "approved")
            before = self.seen.get(number)
            assert before in (None, record.state) or before not in ("approved", "withdrawn"), "a final state moved"
            self.seen[number] = record.state
            assert record.decided_by != record.submitted_by

    @invariant()
    def a_clock_runs_exactly_while_an_answer_is_due(self):
        for number in self.numbers(Application):
            record = find_application(self.session, number)
            running = self.session.scalar(
                select(func.count()).where(
                    ClockRecord.kind == "application", ClockRecord.number == number,
                    ClockRecord.status.in_(("running", "paused")),
                )
            )  # fmt: skip
            assert running == (record.state in APPLICATION.open_states)

    @invariant()
    def the_recipient_reads_exactly_while_a_whole_grant_is_active(self):
        grants = self.session.scalars(select(AccessGrant)).all()
        lines = {grant.recipient_grant_id for grant in grants if grant.recipient_grant_id is not None}
        assert all(g.state == "active" and not g.is_narrower for g in grants if g.recipient_grant_id is not None)
        assert len(lines) <= 1
        assert bool(readable_tables(self.session, self.recipient_id)) == bool(lines)
        expected = [
            g for g in grants if g.state == "active" and not g.is_narrower and g.valid_from <= TODAY <= g.valid_to
        ]
        assert not expected or lines

    def teardown(self):
        self.session.rollback()
        self.session.close()


@pytest.mark.timeout(3000)
def test_no_order_of_acts_reaches_an_illegal_state(control_database, audit_home, shared_contract):
    prepare(control_database)
    Procedures.url = control_database
    rare = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    chosen = settings(max_examples=RUNS, stateful_step_count=12, deadline=None, suppress_health_check=rare)
    run_state_machine_as_test(Procedures, settings=chosen)
