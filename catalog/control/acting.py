"""Who is behind an act (行为人), and what they have done in the matter: the ground of every recusal (回避).

A system's acts are those of who made it and of every officer who answers or ever answered for it (责任人).
"""

from collections.abc import Collection

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from catalog.control.grant_tables import AccessGrant, Dispute
from catalog.control.identity_tables import Person, System, SystemOfficer
from catalog.control.life_tables import LifeEvent
from catalog.model.errors import GuantongError
from catalog.model.state_machine import SYSTEM


class SystemUnaccountableError(GuantongError):
    """A system would act in a procedure while no officer answers for it."""

    code = "SYSTEM_UNACCOUNTABLE"


def people_behind(session: Session, account: str) -> frozenset[str]:
    """Return the accounts of the people whose act an account's act is: for a person's, its own.

    Every comparison of people asks this, so that nobody is two by means of a system.

    Args:
        session: an open session.
        account: as procedures keep it, such as `person:wang` or `system:water-permits`.
    """
    name = _system(account)
    if not name:
        return frozenset({account})
    maker = session.scalar(select(System.made_by).where(System.name == name))
    answering = select(Person.login).join(SystemOfficer, SystemOfficer.person_id == Person.id)
    logins = session.scalars(answering.join(System, System.id == SystemOfficer.system_id).where(System.name == name))
    behind = {*(f"person:{login}" for login in logins), *({maker} if maker else ())}
    return frozenset(behind or {account})


def acts_taken(session: Session, account: str, kind: str, number: str) -> frozenset[str]:
    """Return what the people behind an account have done in a matter, by whichever account, each as `kind.act`."""
    query = select(LifeEvent.kind, LifeEvent.act, LifeEvent.by).where(
        _in_matter(*_root(session, kind, number)), LifeEvent.by != SYSTEM.name
    )
    rows = session.execute(query.distinct()).all()
    own = {by for by in {by for _, _, by in rows} if is_one_person(session, account, [by])}
    return frozenset(f"{kind}.{act}" for kind, act, by in rows if by in own)


def is_one_person(session: Session, account: str, others: Collection[str]) -> bool:
    """Tell whether somebody behind an account is also behind one of some others."""
    people = people_behind(session, account)
    return any(people & people_behind(session, other) for other in others)


def require_accountable(session: Session, account: str) -> None:
    """Accept an account that acts in a procedure: a person's, or a system's for which an active officer answers.

    Raises:
        SystemUnaccountableError: nobody was named yet, or the officer's account is disabled.
    """
    name = _system(account)
    if not name:
        return
    officer = session.scalars(
        select(Person)
        .join(SystemOfficer, SystemOfficer.person_id == Person.id)
        .join(System, System.id == SystemOfficer.system_id)
        .where(System.name == name)
        .order_by(SystemOfficer.id.desc())
        .limit(1)
    ).one_or_none()
    if officer is None or officer.disabled_at is not None:
        raise SystemUnaccountableError(
            f"no active officer answers for the system {name}, so that it may read and not act (系统没有在用的责任人)",
            remedy="a security administrator names one (PUT /api/v1/systems/{number}/accountable-officer)",
        )


def _system(account: str) -> str:
    """Return the name of the system whose account it is; empty for a person's, and for the platform itself."""
    kind, _, name = account.partition(":")
    return name if kind == "system" else ""


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
