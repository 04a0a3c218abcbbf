"""Who is behind an act (行为人), and what that person has done in the matter: the ground of every recusal (回避)."""

from collections.abc import Collection

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.grant_tables import AccessGrant, Dispute
from catalog.control.identity_tables import System
from catalog.control.life_tables import LifeEvent
from catalog.model.state_machine import SYSTEM


def person_behind(session: Session, account: str) -> str:
    """Return the account of the person whose act an account's act is: the maker's for a system, else its own.

    Every comparison of people asks this, so that nobody is two by means of a system.

    Args:
        session: an open session.
        account: as procedures keep it, such as `person:wang` or `system:water-permits`.
    """
    kind, _, name = account.partition(":")
    if kind != "system":
        return account
    return session.scalar(select(System.made_by).where(System.name == name)) or account


def acts_taken(session: Session, account: str, kind: str, number: str) -> frozenset[str]:
    """Return what the person behind an account has done in a matter, by whichever account, each as `kind.act`."""
    person = person_behind(session, account)
    query = select(LifeEvent.kind, LifeEvent.act, LifeEvent.by).where(
        _in_matter(*_root(session, kind, number)), LifeEvent.by != SYSTEM.name
    )
    rows = session.execute(query.distinct()).all()
    own = {by for by in {by for _, _, by in rows} if person_behind(session, by) == person}
    return frozenset(f"{kind}.{act}" for kind, act, by in rows if by in own)


def is_one_person(session: Session, account: str, others: Collection[str]) -> bool:
    """Tell whether the person behind an account is also behind one of some others."""
    person = person_behind(session, account)
    return any(person_behind(session, other) == person for other in others)


def _in_matter(kind: str, number: str) -> ColumnElement[bool]:
    """Return the condition under which a step belongs to a matter: with an application go its grant and disputes."""
    disputes = select(Dispute.number).where(Dispute.subject_kind == kind, Dispute.subject == number)
    grants = select(AccessGrant.number).where(AccessGrant.application == number)
    return or_(
        and_(LifeEvent.kind == kind, LifeEvent.number == number),
        and_(LifeEvent.kind == "dispute", LifeEvent.number.in_(disputes)),
        and_(LifeEvent.kind == "grant", LifeEvent.number.in_(grants)),
    )


def _root(session: Session, kind: str, number: str) -> tuple[str, str]:
    """Return the procedure with which a matter began."""
    if kind == "dispute":
        dispute = session.get_one(Dispute, number)
        return dispute.subject_kind, dispute.subject
    if kind == "grant":
        return "application", session.get_one(AccessGrant, number).application
    return kind, number
