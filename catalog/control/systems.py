"""Systems (接入系统): what a department's programs log in as, by OAuth 2.0 client credentials (RFC 6749, 4.4)."""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.events import tell
from catalog.control.identity_tables import Person, System, SystemOfficer, SystemRole, SystemToken
from catalog.control.recipients import token_digest
from catalog.model.departments import get_department
from catalog.model.errors import GuantongError
from catalog.model.roles import Role, require_may_hold

NAME = re.compile(r"\A[a-z][a-z0-9-]{2,62}\Z")


class SystemInvalidError(GuantongError):
    """A system is unknown or cannot be made."""

    code = "SYSTEM_INVALID"


def add_system(
    session: Session,
    name: str,
    *,
    department: str,
    purpose: str,
    roles: Iterable[Role],
    expires_at: datetime,
    made_by: str,
    accountable_officer: str,
) -> tuple[System, str]:
    """Make a system and its secret, which is told here once and kept only as a hash.

    Args:
        session: an open transaction.
        name: its client id.
        department: whose it is.
        purpose: what it is for.
        roles: what it may do.
        expires_at: when it ends.
        made_by: account of who makes it, such as `person:wang`: its acts count as theirs too.
        accountable_officer: log-in name of the officer of its department who answers for it (责任人).

    Raises:
        SystemInvalidError: when the name is taken or malformed, or nobody of that log-in name can answer for it.
        RoleRefusedError: when a system may not hold a role, or not there.
    """
    wanted = sorted(set(roles))
    for role in wanted:
        require_may_hold(role, department=get_department(department), holding=wanted, system=True)
    if not NAME.match(name):
        raise SystemInvalidError(f"{name!r} is no client id", remedy="begin with a letter; a-z, 0-9 and hyphens")
    if session.scalar(select(System.id).where(System.name == name)):
        raise SystemInvalidError(f"there is already a system {name}", remedy="renew its secret, or choose another name")
    secret = secrets.token_urlsafe(32)
    made = System(
        name=name,
        department=department,
        purpose=purpose,
        made_by=made_by,
        secret_sha256=token_digest(secret),
        expires_at=expires_at,
    )
    session.add(made)
    session.flush()
    session.add_all(SystemRole(system_id=made.id, role=role.value) for role in wanted)
    _name_officer(session, made, accountable_officer, by=made_by, reason=purpose)
    session.refresh(made)
    _tell(session, "system.added", made)
    return made, secret


def change_officer(session: Session, system: System, login: str, *, by: str, reason: str) -> None:
    """Name another officer who answers for a system from now on (责任人); those of before stay in its history.

    Args:
        session: an open transaction, which has the system locked.
        system: the system.
        login: log-in name of an active officer's account of the system's department.
        by: account of who names the officer.
        reason: why.

    Raises:
        SystemInvalidError: there is no such account in the department.
    """
    _name_officer(session, system, login, by=by, reason=reason)
    system.revision += 1
    session.flush()
    _tell(session, "system.officer", system)


def accountable_officers(session: Session, system_ids: Sequence[int]) -> dict[int, str]:
    """Return the log-in names of the officers who answer for systems now, by system; none where nobody was named."""
    rows = session.execute(
        select(SystemOfficer.system_id, Person.login)
        .join(Person, Person.id == SystemOfficer.person_id)
        .where(SystemOfficer.system_id.in_(system_ids))
        .order_by(SystemOfficer.id)
    )
    return {row.system_id: row.login for row in rows}


def authenticate_system(session: Session, name: str, secret: str) -> System | None:
    """Return the system whose name and secret these are, if it is in force."""
    found = session.scalars(select(System).where(System.secret_sha256 == token_digest(secret))).one_or_none()
    if found is None or found.name != name or found.revoked_at is not None or found.expires_at <= utc_now():
        return None
    return found


def renew_secret(session: Session, system: System) -> str:
    """Give a system a new secret; the old one and all its tokens end at once."""
    secret = secrets.token_urlsafe(32)
    system.secret_sha256 = token_digest(secret)
    system.revision += 1
    _end_tokens(session, system)
    _tell(session, "system.renewed", system)
    return secret


def revoke_system(session: Session, system: System) -> None:
    """End a system and all its tokens, effective with the next request."""
    if system.revoked_at is None:
        system.revoked_at = utc_now()
        _tell(session, "system.revoked", system)
    system.revision += 1
    _end_tokens(session, system)


def locked_system(session: Session, system_id: int) -> System | None:
    """Return a system, locked against other changes until the transaction ends."""
    return session.get(System, system_id, with_for_update=True, populate_existing=True)


def list_systems(
    session: Session, *, department: str | None = None, after: int = 0, limit: int = 1000
) -> Sequence[System]:
    """Return systems in order of number, of one department or of all."""
    query = select(System).where(System.id > after).order_by(System.id).limit(limit)
    if department is not None:
        query = query.where(System.department == department)
    return session.scalars(query).all()


def system_roles(session: Session, system_ids: Sequence[int]) -> dict[int, list[Role]]:
    """Return the roles of systems, by system."""
    found: dict[int, list[Role]] = {number: [] for number in system_ids}
    rows = session.execute(
        select(SystemRole.system_id, SystemRole.role)
        .where(SystemRole.system_id.in_(system_ids))
        .order_by(SystemRole.role)
    )
    for system_id, role in rows:
        found[system_id].append(Role(role))
    return found


def _tell(session: Session, kind: str, system: System) -> None:
    tell(session, kind, f"system:{system.id}", {"provider": system.department}, {"name": system.name})


def _name_officer(session: Session, system: System, login: str, *, by: str, reason: str) -> None:
    officer = session.scalars(
        select(Person).where(
            Person.login == login,
            Person.kind == "officer",
            Person.department == system.department,
            Person.disabled_at.is_(None),
        )
    ).one_or_none()
    if officer is None:
        raise SystemInvalidError(
            f"{login} is no active officer's account of {system.department} (不是本部门在用的业务账号)",
            remedy="name an officer of the system's own department (责任人)",
        )
    session.add(SystemOfficer(system_id=system.id, person_id=officer.id, named_by=by, reason=reason))
    session.flush()


def _end_tokens(session: Session, system: System) -> None:
    session.execute(
        update(SystemToken)
        .where(SystemToken.system_id == system.id, SystemToken.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )
