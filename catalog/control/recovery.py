"""Recovery of accounts (账号恢复): who could log in as somebody never decides that alone (三员分立).

Invariant: the credentials of an account that holds a role change by its person's own hand, or by a reset or binding
that the system administrator proposed and a security administrator confirmed, neither of them that person.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalog.control.base import utc_now
from catalog.control.identity_tables import AccountRecovery, Person
from catalog.control.people import (
    bind_person,
    holders_of,
    locked_person,
    require_free_subject,
    reset_password,
    roles_of,
)
from catalog.model.caller import Caller
from catalog.model.errors import GuantongError
from catalog.model.roles import Role

TERM = timedelta(days=3)
"""How long a proposal waits for its answer."""

Act = Literal["reset", "bind"]


class RecoveryRefusedError(GuantongError):
    """A recovery of an account needs somebody else, or is over."""

    code = "RECOVERY_REFUSED"


def needs_second_person(session: Session, person: Person) -> bool:
    """Tell whether a recovery of an account would give its roles to whoever recovers it."""
    return bool(roles_of(session, [person.id])[person.id])


def propose_recovery(
    session: Session, person: Person, act: Act, *, by: Caller, issuer: str | None = None, subject: str | None = None
) -> AccountRecovery:
    """Propose a reset, or a binding to an identity; an earlier proposal for the account ends.

    Raises:
        SubjectTakenError: another account is bound to the identity.
        RecoveryRefusedError: somebody proposes it for themselves.
    """
    _require_another(person.id, by)
    if issuer is not None and subject is not None:
        require_free_subject(session, person, issuer, subject)
    earlier = (AccountRecovery.person_id == person.id, AccountRecovery.outcome.is_(None))
    ended = {"outcome": "replaced", "decided_by": by.subject, "decided_at": utc_now()}
    session.execute(update(AccountRecovery).where(*earlier).values(ended))
    made = AccountRecovery(
        person_id=person.id,
        act=act,
        oidc_issuer=issuer,
        oidc_subject=subject,
        revision=person.revision,
        proposed_by=by.subject,
        expires_at=utc_now() + TERM,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def confirm_recovery(session: Session, recovery: AccountRecovery, *, by: Caller) -> tuple[Person, str | None]:
    """Do what was proposed; return the account, and its one-time password after a reset.

    Raises:
        RecoveryRefusedError: it is over, was proposed by the same person or is theirs, or the account changed since.
        SubjectTakenError: another account is bound to the identity by now.
    """
    _require_open(recovery)
    _require_another(recovery.person_id, by)
    if recovery.proposed_by == by.subject:
        raise RecoveryRefusedError("who proposed a recovery does not confirm it", remedy="another person confirms")
    person = locked_person(session, recovery.person_id)
    if person is None or person.disabled_at is not None or person.revision != recovery.revision:
        raise RecoveryRefusedError("the account changed since the proposal", remedy="look at it and propose it anew")
    _end(recovery, "confirmed", by)
    if recovery.act == "reset":
        return person, reset_password(session, person)
    bind_person(session, person, recovery.oidc_issuer or "", recovery.oidc_subject or "")
    return person, None


def refuse_recovery(recovery: AccountRecovery, *, by: Caller) -> None:
    """End a proposal without effect.

    Raises:
        RecoveryRefusedError: it is over.
    """
    _require_open(recovery)
    _end(recovery, "refused", by)


def locked_recovery(session: Session, number: int) -> AccountRecovery | None:
    """Return a proposal, locked against other changes until the transaction ends.

    Its account is locked before it, as whoever proposes another one does.
    """
    account = session.scalar(select(AccountRecovery.person_id).where(AccountRecovery.id == number))
    if account is None:
        return None
    locked_person(session, account)
    return session.get(AccountRecovery, number, with_for_update=True, populate_existing=True)


def open_recoveries(session: Session, *, after: int = 0, limit: int = 1000) -> Sequence[AccountRecovery]:
    """Return the proposals that wait for an answer, in order of number."""
    waiting = (AccountRecovery.outcome.is_(None), AccountRecovery.expires_at > utc_now(), AccountRecovery.id > after)
    return session.scalars(select(AccountRecovery).where(*waiting).order_by(AccountRecovery.id).limit(limit)).all()


def require_nobody_else(session: Session, person: Person) -> None:
    """Accept a reset on the machine: of an account without a role, or while no security administrator could confirm.

    Raises:
        RecoveryRefusedError: somebody could.
    """
    own = Role.SECURITY_ADMINISTRATOR in roles_of(session, [person.id])[person.id] and person.disabled_at is None
    others = holders_of(session, Role.SECURITY_ADMINISTRATOR) - own
    if others and needs_second_person(session, person):
        raise RecoveryRefusedError(
            f"{person.login} holds a role, and a security administrator can confirm the reset",
            remedy="the system administrator proposes it over the interface (infra/runbooks/people-and-audit.md)",
        )


def _require_open(recovery: AccountRecovery) -> None:
    if recovery.outcome is not None or recovery.expires_at <= utc_now():
        raise RecoveryRefusedError("the proposal is over", remedy="propose it anew")


def _require_another(person_id: int, by: Caller) -> None:
    if by.subject == f"person:{person_id}":
        raise RecoveryRefusedError("nobody recovers their own account", remedy="another administrator does it")


def _end(recovery: AccountRecovery, outcome: str, by: Caller) -> None:
    recovery.outcome, recovery.decided_by, recovery.decided_at = outcome, by.subject, utc_now()
