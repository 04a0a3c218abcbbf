"""People (人员) and their roles: accounts are made by one administrator, roles are given by another.

The rules of who may hold what are `catalog.model.roles`; the database refuses the worst mixtures by itself.
"""

import re
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.credentials import end_sessions_of
from catalog.control.identity_tables import AccountRecovery, Person, PersonRole
from catalog.control.passwords import hash_password, new_password
from catalog.model.caller import Caller
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.roles import Kind, Role, RoleRefusedError, kind_of, require_may_hold

LOGIN = re.compile(r"\A[a-z][a-z0-9._-]{1,62}\Z")


class PersonError(GuantongError):
    """An account is unknown or cannot be made."""

    code = "PERSON_INVALID"


class SubjectTakenError(PersonError):
    """Another account is bound to an identity."""

    code = "SUBJECT_TAKEN"


def add_person(
    session: Session, *, login: str, display_name: str, department: str, staff_number: str, kind: Kind
) -> tuple[Person, str]:
    """Make an account with a one-time password for its person, which must be changed at the first log-in.

    Raises:
        PersonError: when the log-in or the staff number is taken or malformed.
        DepartmentUnknownError: when there is no such department.
    """
    known = get_department(department)
    if not LOGIN.match(login):
        raise PersonError(
            f"{login!r} is no log-in name", remedy="begin with a letter; a-z, 0-9, dot, hyphen, underscore"
        )
    if kind == "administrator" and known.role != "host":
        raise RoleRefusedError("administrators work in the host department", remedy="choose the host department")
    taken = session.scalar(
        select(Person.login).where(
            (Person.login == login) | ((Person.department == department) & (Person.staff_number == staff_number))
        )
    )
    if taken:
        raise PersonError(f"the log-in or the staff number is taken by {taken}", remedy="one person has one account")
    password = new_password()
    person = Person(
        login=login,
        display_name=display_name,
        department=department,
        staff_number=staff_number,
        kind=kind,
        password_hash=hash_password(password),
        must_change_password=True,
    )
    session.add(person)
    session.flush()
    session.refresh(person)
    return person, password


def find_person(session: Session, login: str) -> Person:
    """Return the account of a log-in name.

    Raises:
        PersonError: when there is none.
    """
    found = session.scalars(select(Person).where(Person.login == login)).one_or_none()
    if found is None:
        raise PersonError(f"no person logs in as {login}", remedy="`people list` shows the names")
    return found


def locked_person(session: Session, person_id: int) -> Person | None:
    """Return an account, locked against other changes until the transaction ends."""
    return session.get(Person, person_id, with_for_update=True, populate_existing=True)


def list_people(
    session: Session, *, department: str | None = None, after: int = 0, limit: int = 1000
) -> Sequence[Person]:
    """Return accounts in order of number, of one department or of all."""
    query = select(Person).where(Person.id > after).order_by(Person.id).limit(limit)
    if department is not None:
        query = query.where(Person.department == department)
    return session.scalars(query).all()


def roles_of(session: Session, person_ids: Sequence[int]) -> dict[int, list[Role]]:
    """Return the roles that people hold now, by person."""
    found: dict[int, list[Role]] = {number: [] for number in person_ids}
    rows = session.execute(
        select(PersonRole.person_id, PersonRole.role)
        .where(PersonRole.person_id.in_(person_ids), PersonRole.ended_at.is_(None))
        .order_by(PersonRole.role)
    )
    for person_id, role in rows:
        found[person_id].append(Role(role))
    return found


def grant_role(session: Session, person: Person, role: Role, *, by: Caller) -> None:
    """Give a person a role; nobody gives one to themselves, and sessions end so that the new role is proven anew.

    A binding that one person made alone, while the account held no role, ends: it carries no role.

    Raises:
        RoleRefusedError: when the rules forbid it.
    """
    if by.subject == f"person:{person.id}":
        raise RoleRefusedError("nobody gives a role to themselves", remedy="ask another security administrator")
    if kind_of(role) != person.kind:
        raise RoleRefusedError(
            f"{role} does not fit an account for {person.kind}s (三员分立)", remedy="use another person's account"
        )
    holding = set(roles_of(session, [person.id])[person.id])
    require_may_hold(role, department=get_department(person.department), holding=holding)
    if person.kind == "administrator":
        _require_only_ever(session, person, role)
    given = session.get(PersonRole, (person.id, role.value))
    if given is None:
        session.add(PersonRole(person_id=person.id, role=role.value, kind=person.kind, granted_by=by.subject))
    else:
        given.granted_by, given.granted_at, given.ended_at = by.subject, utc_now(), None
    if has_unconfirmed_binding(session, person):
        person.oidc_issuer = person.oidc_subject = None
    person.revision += 1
    end_sessions_of(session, person.id)
    session.flush()


def has_unconfirmed_binding(session: Session, person: Person) -> bool:
    """Tell whether an account is bound to an identity that no second person confirmed for it (双人确认)."""
    if person.oidc_subject is None:
        return False
    confirmed = select(AccountRecovery.id).where(
        AccountRecovery.person_id == person.id,
        AccountRecovery.outcome == "confirmed",
        AccountRecovery.oidc_issuer == person.oidc_issuer,
        AccountRecovery.oidc_subject == person.oidc_subject,
    )
    return session.scalar(confirmed.limit(1)) is None


def _require_only_ever(session: Session, person: Person, role: Role) -> None:
    earlier = session.scalar(
        select(PersonRole.role).where(PersonRole.person_id == person.id, PersonRole.role != role.value)
    )
    if earlier:
        raise RoleRefusedError(
            f"{person.login} was {earlier}; an administrator holds one role for the life of the account (三员分立)",
            remedy="use another person's account",
        )


def end_role(session: Session, person: Person, role: Role) -> bool:
    """Take a role away, effective with the next request; tell whether it was held."""
    held = session.get(PersonRole, (person.id, role.value))
    if held is None or held.ended_at is not None:
        return False
    held.ended_at = utc_now()
    person.revision += 1
    end_sessions_of(session, person.id)
    session.flush()
    return True


def disable_person(session: Session, person: Person) -> None:
    """End an account: its sessions end with the next request, its record stays."""
    person.disabled_at = person.disabled_at or utc_now()
    person.revision += 1
    end_sessions_of(session, person.id)


def reset_password(session: Session, person: Person) -> str:
    """Give an account a new one-time password, free it of a lock and of its one-time code, and end its sessions."""
    password = new_password()
    person.password_hash = hash_password(password)
    person.must_change_password = True
    person.totp_secret = person.totp_confirmed_at = person.totp_last_step = None
    person.failed_count, person.locked_until = 0, None
    person.revision += 1
    end_sessions_of(session, person.id)
    return password


def require_free_subject(session: Session, person: Person, issuer: str, subject: str) -> None:
    """Accept an identity to which no other account is bound.

    Raises:
        SubjectTakenError: when one is.
    """
    bound = (Person.oidc_issuer == issuer, Person.oidc_subject == subject, Person.id != person.id)
    if session.scalar(select(Person.id).where(*bound)):
        raise SubjectTakenError(
            "another account is bound to this subject (已绑定其他账号)", remedy="one identity has one account"
        )


def bind_person(session: Session, person: Person, issuer: str, subject: str) -> None:
    """Bind an account to whom the identity provider knows, and end its sessions.

    Raises:
        SubjectTakenError: another account is bound to that.
    """
    require_free_subject(session, person, issuer, subject)
    person.oidc_issuer, person.oidc_subject = issuer, subject
    person.revision += 1
    end_sessions_of(session, person.id)


def holders_of(session: Session, role: Role) -> int:
    """Return how many active people hold a role."""
    return (
        session.scalar(
            select(func.count())
            .select_from(PersonRole)
            .join(Person, Person.id == PersonRole.person_id)
            .where(PersonRole.role == role.value, PersonRole.ended_at.is_(None), Person.disabled_at.is_(None))
        )
        or 0
    )


def hold_people_lock(session: Session) -> None:
    """Let no other first administrator be made at the same time."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('people', 0))"))
