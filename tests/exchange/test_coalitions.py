"""However people cheat together, a grant, a renewal or a read needs as many of them as the rule demands.

In each history one to three people have up to six accounts between them: one of their own each, and a system on every
side, for which one of them answers, or which one of them made. They do what they like, by the control plane's own
functions, while honest officers refuse, suspend and list. What each of them did is noted here, beside the platform's
own history, and says how many people were behind what came of it. A history is told by its number alone, so that one
that fails is played again.

``COALITIONS`` sets the number of histories; some run with the suite, 2,000 with ``make bench CASE=coalitions``.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.control.applications import authorise_standing, move_application, submit_application
from catalog.control.base import utc_now
from catalog.control.clocks import local_day
from catalog.control.disputes import move_dispute, raise_dispute
from catalog.control.entries import draft_entry, edit_draft, move_entry
from catalog.control.entry_tables import CatalogueEntry
from catalog.control.exchange_day import run_day
from catalog.control.grant_tables import AccessGrant, Application, Dispute
from catalog.control.grants import move_grant
from catalog.control.kept_back import columns_kept_back, negative_list
from catalog.control.life import history
from catalog.control.lists import add_negative, end_negative
from catalog.control.recipients import add_recipient, find_recipient, readable_tables
from catalog.control.session import engine, session_scope
from catalog.control.shares import publish_share_version
from catalog.model.catalogue_entry import Entry, entry_of
from catalog.model.errors import GuantongError
from catalog.model.procedures import APPLICATION, DISPUTE, ENTRY, GRANT
from catalog.model.registry import get_registry
from catalog.model.state_machine import ROLES_OF_PARTY, Actor, Machine
from tests.control.audit_home import audit_home
from tests.exchange.people import HEAD, HOST, PROVIDER, REVIEWS, a_system, publish
from tests.exchange.test_applications import a_form

__all__ = ["audit_home"]

HISTORIES = int(os.environ.get("COALITIONS", "24"))
STEPS = 20
TODAY = local_day(utc_now())
RESOURCE, READER = "population.resident_basic", "coalition-reader"
CODES = {"conditional": "101001/2", "host": "201001/9"}
DEMANDED = {"conditional": 2, "host": 3}
"""People that a grant needs: who asks and who gives; where the entry says so, the host authority too."""
REVIEWERS = 3
"""People that an entry needs: who writes, who endorses, who publishes."""
SIDES = (
    (PROVIDER, "provider_officer"), ("housing", "requester_officer"), ("data_administration", "host_authority"),
)  # fmt: skip
ASKING, PROVIDING = {"requester_officer"}, {"provider_officer"}
GIVING = {"submit", "allow", "endorse", "approve", "consent", "settle", "rule", "rule_finally"}
HELPFUL = {
    *GIVING, "raise", "overturn", "remit", "bring_to_host", "bring_to_government", "supply_papers", "resume", "renew",
    "take_back", "endorse_renewal", "consent_renewal", "submit", "publish",
}  # fmt: skip
HONEST = {PROVIDER: HEAD, "data_administration": HOST}
"""Officers of the two deciding sides who are nobody's accomplices, and who only ever refuse."""
FACTS = {
    "reason": "理由", "papers": ["补正"], "rule": "made up", "dispute": "DIS-0", "outcome": "overturned", **REVIEWS,
}  # fmt: skip


@dataclass(frozen=True)
class Account:
    """Somebody's way to act."""

    person: int
    actor: Actor


def entry_of_kind(kind: str, **more: object) -> Entry:
    contract = get_registry().get(RESOURCE)
    own = {"name": f"常住人口（{kind}）", "code": CODES[kind], "needs_host": kind == "host"}
    return entry_of(contract, get_registry().elements_of(contract), {**own, **more})


def prepare(url: str) -> None:
    """Publish an entry of each kind over one shared table, and make the recipient of the coalition."""
    with session_scope(url) as session:
        add_recipient(session, READER, department="housing", expires_at=utc_now() + timedelta(days=400))
        publish_share_version(
            session, share="city", schema_name="population", table_name="resident_basic", resource=RESOURCE,
            delta_version=0, table_uri="file:/nowhere", rows=1, schema_json={},
        )  # fmt: skip
        for kind in CODES:
            publish(session, entry_of_kind(kind), at=utc_now())


@dataclass
class History:
    """What one coalition does, within one transaction that is rolled back at the end."""

    session: Session
    random: Random
    reached: Counter[tuple[str, int]]
    """What was had by how many people, over all histories."""
    accounts: list[Account] = field(default_factory=list)
    hands: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    """Number → acts with the person who took them."""
    sides: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Number of an application → departments whose accounts gave what was asked for."""
    lines: list[int] = field(default_factory=list)
    owned: Counter[str] = field(default_factory=Counter)
    """Systems, by how they are a person's."""
    told: list[str] = field(default_factory=list)
    """What was done, for whoever reads of a failure."""

    def play(self) -> None:
        """Let the people meet and act, and look after each step."""
        self.meet(self.random.randint(1, 3))
        today, seen = TODAY, 0
        for kind in CODES:
            self.submit(kind)
        for _ in range(STEPS):
            what = self.random.choice(
                ["push"] * 12 + ["submit", "allow", "write", "say_no", "say_no", "suspend", "list", "wait"]
            )
            if what == "wait":
                today += timedelta(days=self.random.randint(0, 2))
                run_day(self.session, {}, today)
            elif what in ("push", "say_no", "suspend", "list"):
                getattr(self, what)()
            else:
                getattr(self, what)(self.random.choice(list(CODES)))
            if what == "wait" or len(self.told) > seen:
                self.look()
            seen = len(self.told)

    def meet(self, people: int) -> None:
        """Give each person an account of their own, and one of them a system on each side."""
        sides = {person: self.random.choice(SIDES) for person in range(people)}
        for person, (department, role) in sides.items():
            self.accounts.append(Account(person, Actor(f"person:p{person}", department, frozenset({role}))))
        for department, role in SIDES:
            within = [person for person, (own, _) in sides.items() if own == department]
            person = self.random.choice(within or list(sides))
            self.accounts.append(Account(person, self.own_system(department, role, person, bool(within))))
            self.owned["answers for" if within else "made"] += 1

    def own_system(self, department: str, role: str, person: int, is_within: bool) -> Actor:
        """Make a system of a person: who works in its department answers for it, anybody else has made it."""
        name = f"p{person}-{department.replace('_', '-')}"
        if is_within:
            return a_system(self.session, name, department, role, officer=self.accounts[person].actor)
        return a_system(self.session, name, department, role, made_by=f"person:p{person}")

    @property
    def crowd(self) -> int:
        return len({account.person for account in self.accounts})

    def attempt(self, act: Callable, *arguments, **more):
        """Do it in a savepoint: what is refused must leave nothing behind."""
        try:
            with self.session.begin_nested():
                return act(self.session, *arguments, **more)
        except GuantongError:
            self.session.expire_all()
            return None

    def somebody(self, act: str, roles: Collection[str], do: Callable):
        """Let the accounts of some roles, and one of another, try in turn until it is done; note whose it was."""
        order = self.random.sample(self.accounts, len(self.accounts))
        fitting = [account for account in order if account.actor.roles & set(roles)]
        for account in [*fitting, *[one for one in order if one not in fitting][:1]]:
            if (done := do(account.actor)) is not None:
                self.hands[done.number].add((act, account.person))
                self.sides[done.number] |= {account.actor.department} if act in GIVING else set()
                self.told.append(f"{account.actor.name} of {account.person}: {act} {done.number}")
                return done, account
        return None, None

    def submit(self, kind: str) -> None:
        form = a_form(CODES[kind], recipient=READER, term_from=TODAY, term_to=TODAY + timedelta(days=5))
        made, _ = self.somebody("submit", ASKING, lambda who: self.attempt(submit_application, form, who))
        if made is not None and made.rule is not None:
            self.hands[made.number] |= self.hands[made.rule]

    def allow(self, kind: str) -> None:
        items = [item.name for item in entry_of_kind(kind).items]
        more = {"valid_from": TODAY, "valid_to": TODAY + timedelta(days=30), "department": "housing", "items": items}
        self.somebody(
            "allow", PROVIDING, lambda who: self.attempt(authorise_standing, code=CODES[kind], actor=who, **more)
        )

    def write(self, kind: str) -> None:
        """Draft an entry anew without the host authority, or edit what is drafted."""
        drafts = select(CatalogueEntry).where(CatalogueEntry.code == CODES[kind], CatalogueEntry.state == "draft")
        entry = entry_of_kind(kind, needs_host=False)
        if (draft := self.session.scalars(drafts).one_or_none()) is None:
            self.somebody("write", PROVIDING, lambda who: self.attempt(draft_entry, entry, who))
            return
        number, at = draft.number, draft.revision
        self.somebody("write", PROVIDING, lambda who: self.attempt(edit_draft, number, entry, who, revision=at))

    def push(self) -> None:
        """Take a step of what is not at its end, rather one that helps."""
        found = [
            (table, machine, number, state)
            for table, (machine, _) in MATTERS.items()
            for number, state in self.session.execute(select(table.number, table.state).order_by(table.number))
            if machine.acts(state) and state != "published"
        ]
        if not found:
            return
        found += [matter for matter in found if matter[-1] == "suspended"] * 4
        table, machine, number, state = self.random.choice(found)
        possible = machine.acts(state)
        helpful = [act for act in possible if act in HELPFUL]
        act = self.random.choice(helpful if helpful and self.random.random() < 0.85 else possible)
        if (table, state) == (Application, "refused"):
            dispute = ("application", number, "不服")
            self.somebody("raise", ASKING, lambda who: self.attempt(raise_dispute, *dispute, who))
        self.step(table, act, number)

    def step(self, table: type, act: str, number: str) -> None:
        machine, move = MATTERS[table]
        parties = {party for line in machine.transitions if line.act == act for party in line.by}
        roles = {role for party in parties for role in ROLES_OF_PARTY[party]}
        facts = {**FACTS, "valid_to": TODAY + timedelta(days=self.random.randint(10, 400))}
        facts = facts if table is AccessGrant else {key: FACTS[key] for key in FACTS}
        done, account = self.somebody(act, roles, lambda who: self.attempt(move, number, act, who, facts))
        if done is None:
            return
        if table is Dispute and done.outcome == "overturned":
            self.hands[done.subject].add((act, account.person))
            self.sides[done.subject].add(account.actor.department)
        if act == "resume":
            assert not self.standing(number), "it goes on while a side that suspended it has not taken that back"
            self.reached["resumed", self.crowd] += 1

    def standing(self, number: str) -> set[str]:
        """Return the sides whose suspension of a grant nobody of theirs has taken back, by its history."""
        sides: set[str] = set()
        for event in history(self.session, "grant", number):
            side = "host" if event.department == HOST.department else "provider"
            if event.act == "suspend":
                sides.add(side)
            elif event.act in ("take_back", "resume"):
                sides.discard(side)
        return sides

    def say_no(self) -> None:
        """Let an honest officer refuse."""
        side = self.random.choice(list(HONEST))
        act = "refuse" if side == PROVIDER else "object"
        for number in self.session.scalars(select(Application.number).order_by(Application.number)).all():
            if self.random.random() < 0.3:
                continue
            if self.attempt(move_application, number, act, HONEST[side], {"reason": "目的过宽"}) is not None:
                self.told.append(f"an honest officer of {side}: {act} {number}")

    def suspend(self) -> None:
        """Let an honest officer suspend."""
        side = self.random.choice(list(HONEST))
        for number in self.session.scalars(select(AccessGrant.number).order_by(AccessGrant.number)).all():
            if self.attempt(move_grant, number, "suspend", HONEST[side], {"reason": "异常调用"}) is not None:
                self.told.append(f"an honest officer of {side}: suspend {number}")

    def list(self) -> None:
        """Let the host authority put the name on its negative list, or take it off again."""
        line = {"title": "不共享", "department": PROVIDER, "elements": ["person_name"], "citation": "《某法》第一条"}
        if self.lines:
            end_negative(self.session, self.lines.pop(), HOST)
        else:
            self.lines.append(add_negative(self.session, line, HOST).id)
        self.told.append("the negative list changed")

    def people(self, number: str, *acts: str) -> set[int]:
        return {person for act, person in self.hands[number] if act in acts}

    def look(self) -> None:
        """Hold what came of it against who was behind it."""
        for grant in self.session.scalars(select(AccessGrant)).all():
            kind = "host" if self.session.get_one(Application, grant.application).needs_host else "conditional"
            assert len(self.people(grant.application, *GIVING)) >= DEMANDED[kind], kind
            assert kind != "host" or HOST.department in self.sides[grant.application], "the host was not heard"
            self.reached[kind, self.crowd] += 1
            if grant.renewals:
                self.look_at_renewal(grant, kind)
        published = select(CatalogueEntry.number).where(CatalogueEntry.state == "published")
        for number in self.session.scalars(published):
            if hands := self.people(number, "publish"):
                writing, endorsing = self.people(number, "write"), self.people(number, "endorse")
                assert not writing & (endorsing | hands) and not endorsing & hands
                assert len(writing | endorsing | hands) >= REVIEWERS
                self.reached["entry", self.crowd] += 1
        self.look_at_reading()

    def look_at_renewal(self, grant: AccessGrant, kind: str) -> None:
        asking = self.people(grant.application, "submit") | self.people(grant.number, "ask_renewal")
        endorsed, consented = (self.people(grant.number, act) for act in ("endorse_renewal", "consent_renewal"))
        if kind == "host":
            assert consented and endorsed and len(endorsed | consented | asking) >= DEMANDED[kind]
        else:
            assert self.people(grant.number, "renew") - self.people(grant.application, "submit")
        self.reached[f"renewal, {kind}", self.crowd] += 1

    def look_at_reading(self) -> None:
        listed, recipient = negative_list(self.session), find_recipient(self.session, READER)
        active = self.session.scalars(select(AccessGrant).where(AccessGrant.state == "active")).all()
        for grant in active:
            assert not listed.items(entry_of_kind("host"), grant.items), "a grant runs on what is kept back"
        tables = readable_tables(self.session, recipient.id)
        assert not tables or any(grant.recipient_grant_id is not None for grant in active)
        for table in tables:
            assert not columns_kept_back(self.session, table.resource, get_registry().get(RESOURCE).columns)
            self.reached["read", self.crowd] += 1


MATTERS: dict[type, tuple[Machine, Callable]] = {
    Application: (APPLICATION, move_application), AccessGrant: (GRANT, move_grant), Dispute: (DISPUTE, move_dispute),
    CatalogueEntry: (ENTRY, move_entry),
}  # fmt: skip


@pytest.mark.timeout(3000)
def test_no_coalition_of_fewer_people_than_the_rule_demands_gets_a_grant_or_a_read(control_database, audit_home):
    prepare(control_database)
    reached: Counter[tuple[str, int]] = Counter()
    owned: Counter[str] = Counter()
    for number in range(HISTORIES):
        with Session(engine(control_database), expire_on_commit=False) as session:
            history = History(session, Random(number), reached)
            try:
                history.play()
            except Exception as error:
                error.add_note(f"history {number}:\n" + "\n".join(history.told))
                raise
            session.rollback()
        owned += history.owned
    assert owned["answers for"] > HISTORIES / 2 and owned["made"], "the people owned no systems, so nothing was tried"
    had = {what for what, _ in reached}
    assert {"conditional", "host", "read", "resumed"} <= had, "no coalition was large enough, so nothing was tried"
    for what, least in {**DEMANDED, "entry": REVIEWERS, "read": min(DEMANDED.values())}.items():
        crowds = [crowd for had_by, crowd in reached if had_by == what]
        assert min(crowds, default=least) >= least
