"""Officers of the invented city, and entries for them to work on."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from catalog.control.entries import draft_entry, move_entry
from catalog.control.identity_tables import Person
from catalog.control.systems import add_system
from catalog.model.catalogue_entry import Entry, entry_of, read_entry
from catalog.model.departments import get_department
from catalog.model.registry import get_registry
from catalog.model.state_machine import Actor

PROVIDER, REQUESTER = "public_security", "housing"
DRAFTER = Actor("person:示范经办一", PROVIDER, frozenset({"provider_officer"}))
HEAD = Actor("person:示范负责一", PROVIDER, frozenset({"provider_officer"}))
ASKER = Actor("person:示范经办二", REQUESTER, frozenset({"requester_officer"}))
HOST = Actor("person:示范主管一", "data_administration", frozenset({"host_authority"}))
HOST_2 = Actor("person:示范主管二", "data_administration", frozenset({"host_authority"}))
STRANGER = Actor("person:示范经办三", "water", frozenset({"provider_officer", "requester_officer"}))
REVIEWS = {
    "secrecy_review": {"conclusion": "不涉密", "signed_by": "示范负责一"},
    "personal_assessment": {"conclusion": "必要且风险可控", "signed_by": "示范负责一"},
}
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""A Monday morning without holidays for weeks before or after."""


MAKER = "person:示范安全员"
"""A security administrator, who makes systems and decides nothing."""


def days_later(days: int) -> datetime:
    return MONDAY + timedelta(days=days)


def an_item(name: str, share_type: str = "conditional", **more) -> dict:
    texts = {
        "conditional": {"condition": "用于法定职责"},
        "refused": {"legal_citation": "《个人信息保护法》第二十八条"},
        "unconditional": {},
    }[share_type]
    return {"name": name, "business_name": f"信息项{name}", "share_type": share_type, "length": 20, **texts, **more}


def an_entry(code: str = "301001/1", name: str = "常住人口登记", **more) -> Entry:
    provider = more.pop("provider", PROVIDER)
    share_type = more.pop("share_type", "conditional")
    items = more.pop("items", [an_item("citizen_id", share_type, element="citizen_id"), an_item("name", share_type)])
    document = {
        "code": code,
        "name": name,
        "abstract": f"{name}，供办事核验",
        "provider": provider,
        "provider_uscc": get_department(provider).uscc,
        "share_type": share_type,
        "condition": "用于法定职责" if share_type == "conditional" else "",
        "legal_citation": "《个人信息保护法》第二十八条" if share_type == "refused" else "",
        "items": items,
        **more,
    }
    return read_entry(document)


def an_entry_over(resource: str, name: str = "", **more) -> Entry:
    """Return the entry of a contract, with additions laid over it."""
    contract = get_registry().get(resource)
    return entry_of(contract, get_registry().elements_of(contract), {**({"name": name} if name else {}), **more})


def publish(session, entry: Entry, *, at=MONDAY, demand=None):
    """Bring an entry through both reviews."""
    provider = entry.provider
    drafter, head = (Actor(who.name, provider, who.roles) for who in (DRAFTER, HEAD))
    number = draft_entry(session, entry, drafter, at=at, demand=demand).number
    move_entry(session, number, "submit", drafter, at=at)
    move_entry(session, number, "endorse", head, REVIEWS, at=at)
    return move_entry(session, number, "publish", HOST, at=at)


def an_officer(session, actor: Actor) -> str:
    """Return the log-in name of an actor's account, made at first."""
    login = actor.name.removeprefix("person:")
    if session.scalar(select(Person.id).where(Person.login == login)) is None:
        session.add(Person(login=login, display_name=login, department=actor.department, staff_number=login,
                           kind="officer"))  # fmt: skip
        session.flush()
    return login


def a_system(session, name: str, department: str, role: str, *, made_by: str = MAKER, officer: Actor | None = None):
    """Return a system as who acts: made by an account, with an officer of its department who answers for it."""
    answering = officer or Actor(f"person:示范责任人-{department}", department)
    add_system(
        session, name, department=department, purpose="核验", roles=[], expires_at=days_later(4000), made_by=made_by,
        accountable_officer=an_officer(session, answering),
    )  # fmt: skip
    return Actor(f"system:{name}", department, frozenset({role}))
