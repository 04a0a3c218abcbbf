"""Recoveries of accounts (账号恢复): proposed by the system administrator, confirmed by a security administrator."""

from typing import Annotated

from fastapi import APIRouter, Depends

from catalog.control.audit import record
from catalog.control.identity_tables import AccountRecovery, Person
from catalog.control.password_files import deliver_password
from catalog.control.recovery import confirm_recovery, locked_recovery, open_recoveries, refuse_recovery
from catalog.model.caller import Caller
from catalog.model.roles import Role
from catalog.service.access import Database
from catalog.service.api_idempotency import IdempotencyKey, IdempotentRoute
from catalog.service.api_paging import CurrentPage
from catalog.service.api_problems import not_found
from catalog.service.api_recoveries import RecoveryAnswer, recovery_answer, taken
from catalog.service.api_types import Answer, Number
from catalog.service.identity import require

router = APIRouter(prefix="/recoveries", tags=["recoveries"], route_class=IdempotentRoute)

SecurityAdministrator = Annotated[Caller, Depends(require(Role.SECURITY_ADMINISTRATOR))]
EitherAdministrator = Annotated[Caller, Depends(require(Role.SECURITY_ADMINISTRATOR, Role.SYSTEM_ADMINISTRATOR))]
AnyAdministrator = Annotated[
    Caller, Depends(require(Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR, Role.AUDITOR))
]


class RecoveriesPage(Answer):
    """A page of proposals."""

    items: list[RecoveryAnswer]
    next: str | None = None


@router.get("")
def list_all(session: Database, who: AnyAdministrator, page: CurrentPage) -> RecoveriesPage:
    """List the proposals that wait for an answer, in order of number."""
    record(session, who, "people.read", "recovery:*", purpose="account administration")
    found = open_recoveries(session, after=page.number(), limit=page.limit + 1)
    return RecoveriesPage.model_validate(
        page.answer(found, lambda one: one.id, lambda one: recovery_answer(_person(session, one), one).model_dump())
    )


@router.post("/{number}/confirmation")
def confirm(
    session: Database, who: SecurityAdministrator, number: Number, _key: IdempotencyKey = None
) -> RecoveryAnswer:
    """Confirm a proposal (确认恢复) that somebody else made; the reset or binding takes effect.

    After a reset, the one-time password is written on the machine for its person.
    """
    found = _to_answer(session, number)
    record(session, who, "recovery.confirm", f"person:{found.person_id}", detail=_detail(found))
    with taken():
        person, password = confirm_recovery(session, found, by=who)
    session.flush()
    return recovery_answer(person, found, deliver_password(session, person.login, password) if password else None)


@router.delete("/{number}")
def refuse(session: Database, who: EitherAdministrator, number: Number) -> RecoveryAnswer:
    """End a proposal without effect: refused by the one, or taken back by the other."""
    found = _to_answer(session, number)
    record(session, who, "recovery.refuse", f"person:{found.person_id}", detail=_detail(found))
    refuse_recovery(found, by=who)
    return recovery_answer(_person(session, found), found)


def _to_answer(session: Database, number: int) -> AccountRecovery:
    found = locked_recovery(session, number)
    if found is None:
        raise not_found("recovery")
    return found


def _person(session: Database, found: AccountRecovery) -> Person:
    return session.get_one(Person, found.person_id)


def _detail(found: AccountRecovery) -> dict[str, str | int | None]:
    return {"recovery": found.id, "act": found.act, "proposed_by": found.proposed_by, "subject": found.oidc_subject}
